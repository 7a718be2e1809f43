import { checkSegment, type ProgramImage } from './program-image.js';
import type { ProgramTarget } from './targets.js';

/**
 * Raw content from the beginning of the program memory, as `objcopy -O binary` writes it.
 *
 * @throws InputError when it is larger than that memory
 */
export function readBin(bytes: Uint8Array, name: string, target: ProgramTarget): ProgramImage {
  const segment = { address: target.binaryAddress, bytes };
  checkSegment(name, segment, target);
  return { format: 'bin', segments: [segment], entry: null };
}
