import { InputError } from '../../common/errors.js';

/** A program for the RP2040 as its file gives it: bytes and where they belong. */
export interface ProgramImage {
  format: 'elf' | 'uf2' | 'bin' | 'intel-hex';
  /** In the order of the file; a later one overwrites an earlier one. */
  segments: ProgramSegment[];
  /** Where the file says that execution begins, or null. */
  entry: number | null;
}

export interface ProgramSegment {
  address: number;
  bytes: Uint8Array;
}

/** RP2040 datasheet, section 2.2: address map. */
export const FLASH_ADDRESS = 0x10000000;
export const SRAM_ADDRESS = 0x20000000;
export const SRAM_BYTES = 264 * 1024;

/** No program file for this chip is larger, in whatever format; keeps what a broken one can cost within bounds. */
export const PROGRAM_FILE_BYTES = 16 * 1024 * 1024;

const MAXIMUM_FLASH_BYTES = 16 * 1024 * 1024;

export function refuseProgram(name: string, message: string, remedy: string): never {
  throw new InputError({ code: 'bad-program', place: name, message, remedy });
}

export function hex(address: number): string {
  return `0x${(address >>> 0).toString(16).padStart(8, '0')}`;
}

/** @throws InputError when the segment lies outside of what an RP2040 can have loaded */
export function checkSegment(name: string, { address, bytes }: ProgramSegment): void {
  const within = (base: number, size: number) => address >= base && address + bytes.length <= base + size;
  if (!within(FLASH_ADDRESS, MAXIMUM_FLASH_BYTES) && !within(SRAM_ADDRESS, SRAM_BYTES)) {
    refuseProgram(
      name,
      `it has ${bytes.length} bytes for ${hex(address)}, where an RP2040 has neither flash nor SRAM`,
      'Use a program that was built for the RP2040 (Raspberry Pi Pico).',
    );
  }
}
