/**
 * Frames of the boot loader in the ROM of MSP430 FRAM chips on a UART (TI SLAU550): `80`, length of the core (low, high), the
 * core, and its CRC-16 (low, high). Line: 9,600 baud, 8 data bits, even parity, one stop bit, until the loader is told
 * otherwise.
 */
export const HEADER = 0x80;
/** Most bytes of a core that the loader takes (its buffer, SLAU550 section on buffer size). */
export const CORE_BYTES = 260;
/** Most bytes of memory that one command moves: a core less its code and address, rounded down. */
export const BLOCK_BYTES = 240;

/** First byte of the answer to a frame: whether it arrived. */
export const ACKNOWLEDGED = 0x00;
export const TRANSFER_ERRORS: Readonly<Record<number, string>> = {
  0x51: 'no frame header',
  0x52: 'wrong checksum',
  0x53: 'empty frame',
  0x54: 'frame too long',
  0x55: 'unknown error',
  0x56: 'unknown baud rate',
};

export const COMMANDS = {
  receiveData: 0x10,
  password: 0x11,
  massErase: 0x15,
  crcCheck: 0x16,
  loadPc: 0x17,
  transmitData: 0x18,
  transmitVersion: 0x19,
  changeBaudRate: 0x52,
} as const;

/** First byte of the core of a response. */
export const RESPONSE_DATA = 0x3a;
export const RESPONSE_MESSAGE = 0x3b;

export const MESSAGES: Readonly<Record<number, string>> = {
  0x00: 'done',
  0x01: 'memory write check failed',
  0x04: 'locked',
  0x05: 'wrong password',
  0x07: 'unknown command',
};

/** CRC-16/CCITT-FALSE: polynomial 0x1021, from 0xffff, most significant bit first. */
export function crc16(bytes: Iterable<number>): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc;
}

/** @param core command and its data, at most `CORE_BYTES` */
export function frameOf(core: Uint8Array): Uint8Array {
  const crc = crc16(core);
  return Uint8Array.of(HEADER, core.length & 0xff, core.length >>> 8, ...core, crc & 0xff, crc >>> 8);
}

/** Address as three bytes, low first. */
export function addressBytes(address: number): [number, number, number] {
  return [address & 0xff, (address >>> 8) & 0xff, (address >>> 16) & 0xff];
}
