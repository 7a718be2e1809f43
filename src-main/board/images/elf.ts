import { checkSegment, refuseProgram, type ProgramImage, type ProgramSegment } from './program-image.js';
import type { ProgramTarget } from './targets.js';

/** System V ABI, chapter 4 (object files). */
const ELF_HEADER_BYTES = 52;
const CLASS_32 = 1;
const LITTLE_ENDIAN = 1;
const TYPE_EXECUTABLE = 2;
const PROGRAM_HEADER_BYTES = 32;
const PT_LOAD = 1;
const REMEDY = 'Link it again.';

export function isElf(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  );
}

/**
 * The loadable segments of a 32-bit executable, at their load addresses (what is copied to SRAM by its own start-up code
 * lies in flash).
 *
 * @throws InputError when it is cut, for another machine, or loads anything where there is no memory
 */
export function readElf(bytes: Uint8Array, name: string, target: ProgramTarget): ProgramImage {
  if (bytes.length < ELF_HEADER_BYTES) {
    refuseProgram(name, `it is an ELF file of ${bytes.length} bytes, shorter than its header`, REMEDY);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const machine = view.getUint16(18, true);
  if (bytes[4] !== CLASS_32 || bytes[5] !== LITTLE_ENDIAN || machine !== target.elfMachine) {
    refuseProgram(
      name,
      `it is an ELF file for machine ${machine}, the ${target.name} is machine ${target.elfMachine} (32-bit, little-endian)`,
      `Build it for the ${target.name}.`,
    );
  }
  if (view.getUint16(16, true) !== TYPE_EXECUTABLE) {
    refuseProgram(
      name,
      'it is an ELF file, but not a linked program',
      'Give the linked program, not an object file.',
    );
  }
  const tableOffset = view.getUint32(28, true);
  const entryBytes = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  if (entryBytes < PROGRAM_HEADER_BYTES || tableOffset + count * entryBytes > bytes.length) {
    refuseProgram(name, 'its program headers lie outside of the file', REMEDY);
  }
  const segments: ProgramSegment[] = [];
  for (let index = 0; index < count; index++) {
    const at = tableOffset + index * entryBytes;
    const offset = view.getUint32(at + 4, true);
    const address = view.getUint32(at + 12, true);
    const fileBytes = view.getUint32(at + 16, true);
    if (view.getUint32(at, true) !== PT_LOAD || fileBytes === 0) {
      continue;
    }
    if (offset + fileBytes > bytes.length) {
      refuseProgram(
        name,
        `its segment ${index} ends at byte ${offset + fileBytes} of ${bytes.length}`,
        REMEDY,
      );
    }
    const segment = { address, bytes: bytes.subarray(offset, offset + fileBytes) };
    checkSegment(name, segment, target);
    segments.push(segment);
  }
  return { format: 'elf', segments, entry: view.getUint32(24, true) };
}
