import { readBin } from './bin.js';
import { isElf, readElf } from './elf.js';
import { isIntelHex, readIntelHex } from './intel-hex.js';
import {
  hex,
  PROGRAM_FILE_BYTES,
  refuseProgram,
  type ProgramImage,
  type ProgramSegment,
} from './program-image.js';
import { FLASH_ADDRESS, SRAM_ADDRESS, type ProgramTarget } from './targets.js';
import { isUf2, readUf2 } from './uf2.js';

export type { ProgramImage } from './program-image.js';

/**
 * Reads any program for `target`, whatever its name: the first bytes say what it is.
 *
 * @throws InputError naming what is wrong with the file
 */
export function readProgram(bytes: Uint8Array, name: string, target: ProgramTarget): ProgramImage {
  if (bytes.length === 0 || bytes.length > PROGRAM_FILE_BYTES) {
    refuseProgram(
      name,
      `a file of ${bytes.length} bytes is no program for the ${target.name}`,
      'Give an ELF, UF2, BIN or Intel HEX file.',
    );
  }
  if (isElf(bytes)) {
    return readElf(bytes, name, target);
  }
  if (isUf2(bytes)) {
    return readUf2(bytes, name, target);
  }
  return isIntelHex(bytes) ? readIntelHex(bytes, name, target) : readBin(bytes, name, target);
}

/** A program as a virtual Pico gets it. */
export interface PlacedProgram {
  /** Flash content from offset 0, without what is erased behind it. */
  flash: Uint8Array<ArrayBuffer>;
  /** Loaded into SRAM before the start: programs that do not use flash. */
  sram: ProgramSegment[];
  /** Where a program in SRAM starts (Thumb bit set); null: the boot ROM starts what is in flash. */
  entry: number | null;
}

const BOOT_STAGE_BYTES = 256;

/**
 * Decides as the boot ROM of the RP2040 does: a program with bytes at the beginning of flash is started through its second-stage boot
 * loader; one for SRAM only starts at its entry, or at its lowest address.
 *
 * @throws InputError when it does not fit the flash, or has no way to start
 */
export function placeProgram(image: ProgramImage, flashBytes: number, name: string): PlacedProgram {
  const inFlash = image.segments.filter(({ address }) => address < SRAM_ADDRESS);
  const sram = image.segments.filter(({ address }) => address >= SRAM_ADDRESS);
  const end = inFlash.reduce(
    (most, { address, bytes }) => Math.max(most, address - FLASH_ADDRESS + bytes.length),
    0,
  );
  if (end > flashBytes) {
    refuseProgram(
      name,
      `it needs ${end} bytes of flash, the board has ${flashBytes}`,
      'Use a smaller program.',
    );
  }
  const flash = new Uint8Array(end).fill(0xff);
  for (const { address, bytes } of inFlash) {
    flash.set(bytes, address - FLASH_ADDRESS);
  }
  const starts = inFlash.some(({ address, bytes }) => address === FLASH_ADDRESS && bytes.length > 0);
  if (starts && end >= BOOT_STAGE_BYTES) {
    return { flash, sram, entry: null };
  }
  if (sram.length > 0 && !starts) {
    const lowest = sram.reduce((least, { address }) => Math.min(least, address), Infinity);
    return { flash, sram, entry: ((image.entry ?? lowest) | 1) >>> 0 };
  }
  return refuseProgram(
    name,
    `it has no second-stage boot loader at ${hex(FLASH_ADDRESS)} and nothing for SRAM, so the boot ROM could not start it`,
    'Link it with a second-stage boot loader (the first 256 bytes of flash), as the Pico SDK does.',
  );
}
