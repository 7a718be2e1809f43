import { checkSegment, refuseProgram, type ProgramImage, type ProgramSegment } from './program-image.js';
import type { ProgramTarget } from './targets.js';

/** Intel's hexadecimal object file format, revision A: lines `:LLAAAATT<data>CC`. */
const REMEDY = 'Write the file again, for example with objcopy -O ihex.';
const COLON = 0x3a;
const RECORD = /^:(?:[0-9a-fA-F]{2}){5,260}$/;

export function isIntelHex(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] === COLON;
}

/** @throws InputError with the line that is no record, has a wrong checksum, or has bytes for where there is no memory */
export function readIntelHex(bytes: Uint8Array, name: string, target: ProgramTarget): ProgramImage {
  const segments: ProgramSegment[] = [];
  let base = 0;
  let entry: number | null = null;
  const lines = new TextDecoder('latin1').decode(bytes).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line === '') {
      continue;
    }
    const place = `line ${index + 1}`;
    if (!RECORD.test(line)) {
      refuseProgram(name, `${place} is no Intel HEX record`, REMEDY);
    }
    const record = Uint8Array.from({ length: (line.length - 1) / 2 }, (_, at) =>
      parseInt(line.slice(1 + 2 * at, 3 + 2 * at), 16),
    );
    const [length, high, low, type] = record;
    if (record.length !== length + 5) {
      refuseProgram(name, `${place} says ${length} data bytes and has ${record.length - 5}`, REMEDY);
    }
    if ((record.reduce((sum, byte) => sum + byte, 0) & 0xff) !== 0) {
      refuseProgram(name, `${place} has a wrong checksum`, REMEDY);
    }
    const data = record.subarray(4, 4 + length);
    const value = data.reduce((sum, byte) => sum * 256 + byte, 0);
    switch (type) {
      case 0: {
        const segment = { address: base + high * 256 + low, bytes: data };
        checkSegment(name, segment, target);
        segments.push(segment);
        break;
      }
      case 1:
        return { format: 'intel-hex', segments, entry };
      case 2:
        base = (value & 0xffff) * 16;
        break;
      case 3:
      case 5:
        entry = value >>> 0;
        break;
      case 4:
        base = (value & 0xffff) * 65536;
        break;
      default:
        refuseProgram(name, `${place} has record type ${type}`, REMEDY);
    }
  }
  return refuseProgram(name, 'it has no end record: the file is cut', REMEDY);
}
