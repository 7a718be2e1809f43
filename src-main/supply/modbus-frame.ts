/** Modbus RTU frames: address, function, data, CRC (Modbus over Serial Line V1.02, 2.5 and appendix B). */

/** CRC-16 with polynomial A001 (reflected 8005) and initial value FFFF. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
    }
  }
  return crc;
}

/** Appends the CRC, low byte first. */
export function frame(...body: number[]): Uint8Array {
  const crc = crc16(Uint8Array.from(body));
  return Uint8Array.from([...body, crc & 0xff, crc >>> 8]);
}

/** Whether the last two bytes are the CRC of the others. */
export function crcFits(bytes: Uint8Array): boolean {
  const crc = bytes.length < 4 ? -1 : crc16(bytes.subarray(0, -2));
  return crc === (bytes[bytes.length - 2] | (bytes[bytes.length - 1] << 8));
}

export function high(word: number): number {
  return (word >>> 8) & 0xff;
}

export function low(word: number): number {
  return word & 0xff;
}
