/** Samples as a board's flash holds them: firmware/SPEC.md, section 4. */
import { crc32 } from './crc32.js';

const MAGIC = 0x53444242;
const VERSION = 1;
const HEADER_BYTES = 32;
/** The CRC covers everything behind its own field. */
const CHECKED_FROM = 16;

/**
 * @param samples at least one; each is one quantized input of the model, all of the same length
 * @throws RangeError when they are not
 */
export function encodeDataset(samples: readonly Int8Array[]): Uint8Array {
  const sampleBytes = samples[0]?.length ?? 0;
  if (sampleBytes === 0 || samples.some((sample) => sample.length !== sampleBytes)) {
    throw new RangeError('a data set needs samples of one length, at least one byte each');
  }
  const bytes = new Uint8Array(HEADER_BYTES + samples.length * sampleBytes);
  samples.forEach((sample, index) =>
    bytes.set(
      new Uint8Array(sample.buffer, sample.byteOffset, sampleBytes),
      HEADER_BYTES + index * sampleBytes,
    ),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, HEADER_BYTES, true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(16, samples.length, true);
  view.setUint32(20, sampleBytes, true);
  view.setUint32(12, crc32(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}
