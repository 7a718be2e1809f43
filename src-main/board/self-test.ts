/** What a board says of itself, judged: every part with its value, whether that is right, and what to do if not. */
import { crc32 } from '../common/crc32.js';
import type { BoardLink } from './link/board-link.js';
import type { SelfTestResult } from './link/messages.js';
import type { BoardProfile } from './profile.js';

export interface SelfTestCheck {
  id: 'nvm-identity' | 'nvm-pattern' | 'flash-identity' | 'firmware' | 'capacitor' | 'link';
  label: string;
  /** null: could not be checked now; the value says why. */
  passed: boolean | null;
  value: string;
  /** What to do about it; null when it passed. */
  remedy: string | null;
}

export interface SelfTestOptions {
  profile: BoardProfile;
  /** The firmware that should be on the board, flash content from offset 0. */
  firmware: Uint8Array;
}

const ECHO_BLOCKS = 16;
const ECHO_BYTES = 1024;
/** The ADC's own error and that of the divider's resistors; RP2040 datasheet, section 4.9.3, and two parts of 1 %. */
const CAPACITOR_TOLERANCE = 0.05;
/** Between the lowest and the highest of the readings. */
const CAPACITOR_SPREAD_VOLTS = 0.25;

/** First bytes of the answer to RDID: data sheets of the chips. */
const NVM_CHIPS: readonly { name: string; identity: readonly number[] }[] = [
  { name: 'MB85RS4MT', identity: [0x04, 0x7f, 0x49, 0x03] },
  { name: 'CY15B104Q or its family', identity: [0x7f, 0x7f, 0x7f, 0x7f] },
];
/** W25Q16JV in both of its variants. */
const FLASH_IDENTITIES: readonly (readonly number[])[] = [
  [0xef, 0x40, 0x15],
  [0xef, 0x70, 0x15],
];
const WIRING =
  'GPIO16 to SO, GPIO17 to CS, GPIO18 to SCK, GPIO19 to SI, 3V3 and GND; docs/hardware.md has a drawing';

/**
 * Runs the self-test of a board. A run in progress on the board is left alone: then NVM is not written.
 *
 * @throws RunError when the board does not answer at all, or has firmware without a self-test
 */
export async function selfTest(
  link: BoardLink,
  { profile, firmware }: SelfTestOptions,
): Promise<SelfTestCheck[]> {
  await link.identify();
  const result = await link.selfTest();
  const firmwareCrc = await link.checksum(0, firmware.length);
  return [
    nvmIdentity(result),
    nvmPattern(result, profile),
    flashIdentity(result),
    check(
      'firmware',
      'firmware in flash',
      firmwareCrc === crc32(firmware),
      `CRC-32 of ${firmware.length} bytes is ${hex32(firmwareCrc)}, expected ${hex32(crc32(firmware))}`,
      'The board has another version of the firmware or its flash is damaged: load firmware/prebuilt/pico-fram.uf2 (hold BOOTSEL while plugging in).',
    ),
    capacitor(result, profile),
    await echo(link),
  ];
}

function check(
  id: SelfTestCheck['id'],
  label: string,
  passed: boolean,
  value: string,
  remedy: string,
): SelfTestCheck {
  return { id, label, passed, value, remedy: passed ? null : remedy };
}

function nvmIdentity({ nvmIdentity: found }: SelfTestResult): SelfTestCheck {
  const chip = NVM_CHIPS.find(({ identity }) => same(identity, found));
  const silent = found.every((byte) => byte === 0xff) || found.every((byte) => byte === 0);
  return check(
    'nvm-identity',
    'FRAM identity',
    chip !== undefined,
    `${hexBytes(found)}: ${chip?.name ?? (silent ? 'no chip answers' : 'not a chip that is known')}`,
    silent
      ? `Check that the FRAM is there, has power, and is wired: ${WIRING}.`
      : `Use an MB85RS4MT or a CY15B104Q; if it is one, a data line is stuck or shorted: ${WIRING}.`,
  );
}

function nvmPattern(result: SelfTestResult, profile: BoardProfile): SelfTestCheck {
  const id = 'nvm-pattern';
  const label = 'FRAM write and read';
  if (!result.nvmWritten) {
    return {
      id,
      label,
      passed: null,
      value: 'not tried: a run is in progress',
      remedy: 'Stop the run first.',
    };
  }
  const { nvmWrongBytes, nvmFirstWrong, nvmWrongBits, nvmAliasBytes } = result;
  if (nvmWrongBytes > 0) {
    const bits = Array.from({ length: 8 }, (_, bit) => bit).filter((bit) => nvmWrongBits & (1 << bit));
    return check(
      id,
      label,
      false,
      `${nvmWrongBytes} wrong bytes, the first at ${hex32(nvmFirstWrong ?? 0)}, wrong in bit ${bits.join(', ')}`,
      bits.length === 8
        ? `Nothing that is written comes back: check WP (to 3V3) and the wiring: ${WIRING}.`
        : 'Single bits are stuck: shorten the wires to the FRAM, check its solder joints, or replace it.',
    );
  }
  return check(
    id,
    label,
    nvmAliasBytes === 0,
    nvmAliasBytes === 0
      ? 'no wrong byte'
      : `the chip has ${nvmAliasBytes} bytes, ${profile.nvmBytes} are needed`,
    `Use an FRAM of ${profile.nvmBytes / 1024} KB: MB85RS4MT or CY15B104Q.`,
  );
}

function flashIdentity({ flashIdentity: found }: SelfTestResult): SelfTestCheck {
  return check(
    'flash-identity',
    'flash identity',
    FLASH_IDENTITIES.some((identity) => same(identity, found)),
    `JEDEC ${hexBytes(found)}`,
    'A Raspberry Pi Pico has a W25Q16JV (ef 40 15); another board may have another flash, whose times are not those of the profile.',
  );
}

function capacitor({ capacitorVolts }: SelfTestResult, { power, timing }: BoardProfile): SelfTestCheck {
  const { mean, lowest, highest } = capacitorVolts;
  const least = power.brownOutVolts.value * (1 - CAPACITOR_TOLERANCE);
  const most = power.maximumVolts.value * (1 + CAPACITOR_TOLERANCE);
  const steady = highest - lowest <= CAPACITOR_SPREAD_VOLTS;
  const fullScale = timing.adcReferenceVolts.value * timing.capacitorDivider.value;
  return check(
    'capacitor',
    'capacitor through the ADC',
    mean >= least && mean <= most && steady,
    `${mean.toFixed(2)} V (${lowest.toFixed(2)} to ${highest.toFixed(2)} V), possible are ${power.brownOutVolts.value} to ${power.maximumVolts.value} V`,
    mean < least
      ? 'The board runs, so its capacitor has more: GPIO26 is shorted to ground, or not connected to the divider.'
      : mean > 0.98 * fullScale
        ? 'The ADC is at its end: the lower resistor of the divider is missing. Disconnect GPIO26 until it is there.'
        : mean > most
          ? 'Too much for VSYS: lower the supply at once, and check the resistors of the divider.'
          : 'The readings jump: put 100 nF from GPIO26 to ground, and check the divider.',
  );
}

/** Blocks of pseudo-random bytes there and back. */
async function echo(link: BoardLink): Promise<SelfTestCheck> {
  let errors = 0;
  let state = 1;
  for (let block = 0; block < ECHO_BLOCKS; block++) {
    const data = Uint8Array.from({ length: ECHO_BYTES }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    const back = await link.echo(data);
    errors += back !== null && same([...data], back) ? 0 : 1;
  }
  const { framesBroken } = await link.selfTest();
  return check(
    'link',
    'serial link',
    errors === 0,
    `${errors} of ${ECHO_BLOCKS} blocks of ${ECHO_BYTES} bytes lost; broken frames: ${framesBroken} at the board, ${link.brokenFrames} here`,
    'Use shorter wires with a common ground, an adapter that is good for 1,000,000 baud, and no series resistor above 1 kohm.',
  );
}

function same(expected: readonly number[], found: Uint8Array): boolean {
  return expected.length === found.length && expected.every((byte, index) => byte === found[index]);
}

function hexBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
