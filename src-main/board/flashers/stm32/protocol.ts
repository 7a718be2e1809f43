/**
 * Bytes of the STM32 boot loader in system memory on a USART: ST AN3155 revision 20. Line: 8 data bits, even parity, one
 * stop bit, 1,200 to 115,200 baud, which the loader finds out from the first byte.
 */
export const SYNCHRONISE = 0x7f;
export const ACK = 0x79;
export const NACK = 0x1f;

/** Codes of the commands; each is sent with its complement. Which of them a chip knows, GET tells. */
export const COMMANDS = {
  get: 0x00,
  getId: 0x02,
  readMemory: 0x11,
  go: 0x21,
  writeMemory: 0x31,
  erase: 0x43,
  extendedErase: 0x44,
} as const;
export type CommandName = keyof typeof COMMANDS;

/** Most bytes that one read or write moves. */
export const BLOCK_BYTES = 256;

export function xorOf(bytes: Iterable<number>): number {
  let xor = 0;
  for (const byte of bytes) {
    xor ^= byte;
  }
  return xor;
}

/** Address, most significant byte first, with its checksum. */
export function addressFrame(address: number): Uint8Array {
  return withChecksum([address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff]);
}

/** `bytes` followed by the exclusive or of all of them. */
export function withChecksum(bytes: readonly number[]): Uint8Array {
  return Uint8Array.of(...bytes, xorOf(bytes));
}
