/** `brownout flash --flasher stm32|msp430`: any program file onto a chip with a boot loader in its ROM. */
import { basename } from 'node:path';
import { enterBootLoader } from '../board/flashers/boot-entry.js';
import { flashMsp430 } from '../board/flashers/msp430/flash.js';
import type { RomFlashReport } from '../board/flashers/rom-flasher.js';
import { flashStm32 } from '../board/flashers/stm32/flash.js';
import { openSerialPort } from '../board/serial-port.js';
import { readInput } from '../campaign/prepare.js';

export const ROM_FLASHERS = ['stm32', 'msp430'] as const;
export type RomFlasher = (typeof ROM_FLASHERS)[number];

export interface FlashProgramRequest {
  flasher: RomFlasher;
  programPath: string;
  portPath: string;
  /** Whether the adapter's DTR and RTS are wired to the chip, so that it is brought into its boot loader by them. */
  lines: 'none' | 'dtr-rts';
  /** File with the 32 bytes at 0xffe0 of the program that an MSP430 holds; null for those of an erased chip. */
  passwordPath: string | null;
}

export interface FlashProgramHooks {
  signal: AbortSignal;
  onProgress: (fraction: number, label: string) => void;
  /** Whether a chip may be made to erase its program; asked at most once, before anything is sent. */
  mayErase: () => Promise<boolean>;
}

/** Rates at which the lines begin: the STM32 finds out which it is, the MSP430 starts with this one. */
const BAUD_RATES = { stm32: 115_200, msp430: 9_600 } as const;
const MSP430_FAST_BAUD = 115_200;

/** @throws InputError for a file or port that is not there or a program for another chip; RunError when flashing fails */
export async function flashProgram(
  request: FlashProgramRequest,
  { signal, onProgress, mayErase }: FlashProgramHooks,
): Promise<RomFlashReport> {
  const { flasher, portPath } = request;
  const program = await readInput(request.programPath);
  const password = request.passwordPath === null ? undefined : await readInput(request.passwordPath);
  const name = basename(request.programPath);
  const port = await openSerialPort(portPath, { baudRate: BAUD_RATES[flasher], parity: 'even' });
  try {
    if (request.lines === 'dtr-rts') {
      await enterBootLoader(port, flasher);
    }
    const options = {
      signal,
      onProgress: ({
        phase,
        doneBytes,
        totalBytes,
      }: {
        phase: string;
        doneBytes: number;
        totalBytes: number;
      }) => {
        onProgress(doneBytes / totalBytes, phase);
      },
    };
    return flasher === 'stm32'
      ? await flashStm32(port, program, name, options)
      : await flashMsp430(port, program, name, {
          ...options,
          password,
          mayErase,
          onFastLine: () => port.setBaudRate(MSP430_FAST_BAUD),
        });
  } finally {
    await port.close();
  }
}
