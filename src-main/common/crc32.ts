/** CRC-32 (IEEE 802.3: reflected polynomial 0xEDB88320, initial and final value 0xFFFFFFFF), as firmware/SPEC.md uses it. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  }
  return remainder >>> 0;
});

/**
 * @param bytes the data to check
 * @param previous the CRC of the data before it, to continue a running checksum
 * @returns the CRC as an unsigned 32-bit number
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let remainder = ~previous >>> 0;
  for (let index = 0; index < bytes.length; index++) {
    remainder = TABLE[(remainder ^ bytes[index]) & 0xff] ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
