import { checkSegment, hex, refuseProgram, type ProgramImage, type ProgramSegment } from './program-image.js';
import type { ProgramTarget } from './targets.js';

/** The USB flashing format's public specification: blocks of 512 bytes, each with its own address. */
const BLOCK_BYTES = 512;
const DATA_OFFSET = 32;
const DATA_BYTES = 476;
const MAGIC_START_0 = 0x0a324655;
const MAGIC_START_1 = 0x9e5d5157;
const MAGIC_END = 0x0ab16f30;
const FLAG_NOT_MAIN_FLASH = 0x00000001;
const FLAG_FAMILY = 0x00002000;
const REMEDY = 'Copy the file again from where it came.';

export function isUf2(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 8 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === MAGIC_START_0
  );
}

/**
 * The blocks for the target's family; those for other families and those that are not meant for main memory are left out, as the
 * boot ROM does (RP2040 datasheet, section 2.8.4.2).
 *
 * @throws InputError when it is cut or damaged, has none for the target, or has bytes for where there is no memory
 */
export function readUf2(bytes: Uint8Array, name: string, target: ProgramTarget): ProgramImage {
  if (bytes.length % BLOCK_BYTES !== 0) {
    refuseProgram(
      name,
      `${bytes.length} bytes are not a whole number of UF2 blocks of ${BLOCK_BYTES}`,
      REMEDY,
    );
  }
  const segments: ProgramSegment[] = [];
  const families = new Set<number>();
  const seen = new Set<number>();
  let expected = 0;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_BYTES);
    const word = (offset: number) => view.getUint32(offset, true);
    if (word(0) !== MAGIC_START_0 || word(4) !== MAGIC_START_1 || word(BLOCK_BYTES - 4) !== MAGIC_END) {
      refuseProgram(name, `the UF2 block at byte ${at} has no magic numbers`, REMEDY);
    }
    const flags = word(8);
    if (flags & FLAG_NOT_MAIN_FLASH) {
      continue;
    }
    if (flags & FLAG_FAMILY && word(28) !== target.uf2Family) {
      families.add(word(28));
      continue;
    }
    const count = word(16);
    if (count > DATA_BYTES) {
      refuseProgram(
        name,
        `the UF2 block at byte ${at} claims ${count} data bytes, ${DATA_BYTES} fit`,
        REMEDY,
      );
    }
    if (word(20) >= word(24)) {
      refuseProgram(name, `the UF2 block at byte ${at} is number ${word(20)} of ${word(24)}`, REMEDY);
    }
    const segment = { address: word(12), bytes: bytes.subarray(at + DATA_OFFSET, at + DATA_OFFSET + count) };
    checkSegment(name, segment, target);
    segments.push(segment);
    seen.add(word(20));
    expected = Math.max(expected, word(24));
  }
  if (segments.length === 0) {
    refuseProgram(
      name,
      families.size === 0
        ? 'it has no block'
        : `it is for family ${[...families].map(hex).join(', ')}, not for the ${target.name}`,
      `Use a file for the ${target.name}.`,
    );
  }
  if (seen.size !== expected) {
    refuseProgram(name, `it has ${seen.size} of ${expected} UF2 blocks`, REMEDY);
  }
  return { format: 'uf2', segments, entry: null };
}
