import { FLASH_ADDRESS, type ProgramImage } from './program-image.js';

/** Raw flash content from the beginning of flash, as `objcopy -O binary` writes it. */
export function readBin(bytes: Uint8Array): ProgramImage {
  return { format: 'bin', segments: [{ address: FLASH_ADDRESS, bytes }], entry: null };
}
