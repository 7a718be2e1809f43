/** `brownout virtual-board --loader NAME`: the boot loaders of other chips, for other people's flashing programs. */
import { MSP430_DEVICES } from '../board/flashers/msp430/devices.js';
import { STM32_DEVICES } from '../board/flashers/stm32/devices.js';
import { VirtualMsp430Bsl } from '../board/virtual-loaders/msp430-bsl.js';
import { VirtualStm32Rom } from '../board/virtual-loaders/stm32-rom.js';
import { InputError } from '../common/errors.js';
import { serveEmulator, type EmulatorServer, type SerialEmulator } from '../common/serve-emulator.js';

const [STM32_DEFAULT] = STM32_DEVICES.filter(({ id }) => id === 0x415);
const [MSP430_DEFAULT] = MSP430_DEVICES;

/** Names of the loaders that can be served: families, and each chip by its own. */
export const VIRTUAL_LOADERS = ['stm32', 'msp430'] as const;

/**
 * A virtual boot loader on a TCP port of this machine.
 *
 * @param chip name of the chip, or a part of it; null for the usual one
 * @throws InputError for a chip that is not known, or a port that cannot be had
 */
export async function serveLoader(
  loader: (typeof VIRTUAL_LOADERS)[number],
  chip: string | null,
  port: number,
): Promise<EmulatorServer & { chip: string }> {
  const { emulator, name } = loader === 'stm32' ? stm32(chip) : msp430(chip);
  return { chip: name, ...(await serveEmulator(emulator, { name: 'the virtual boot loader', port })) };
}

function stm32(chip: string | null): { emulator: SerialEmulator; name: string } {
  const device = pick(STM32_DEVICES, chip, STM32_DEFAULT);
  return { emulator: new VirtualStm32Rom({ device }), name: device.name };
}

function msp430(chip: string | null): { emulator: SerialEmulator; name: string } {
  const device = pick(MSP430_DEVICES, chip, MSP430_DEFAULT);
  return { emulator: new VirtualMsp430Bsl({ device }), name: device.name };
}

function pick<Device extends { name: string }>(
  devices: readonly Device[],
  chip: string | null,
  usual: Device,
): Device {
  if (chip === null) {
    return usual;
  }
  const device = devices.find(({ name }) => name.toLowerCase().includes(chip.toLowerCase()));
  if (!device) {
    throw new InputError({
      code: 'unknown-chip',
      place: '--chip',
      message: `'${chip}' is not known`,
      remedy: `Known: ${devices.map(({ name }) => name).join(', ')}`,
    });
  }
  return device;
}
