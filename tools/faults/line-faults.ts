/** What can go wrong with a serial line, one kind at a time. Nothing here knows what is spoken over it. */

/** What becomes of some bytes on their way: pieces, each with its delay. */
export type Carried = { bytes: Uint8Array; delaySeconds: number }[];

export interface LineFault {
  kind: string;
  /**
   * Where it strikes: at one message going out, at one coming in, or on the line as a whole. A fault that strikes once is
   * tried at every message of a conversation.
   */
  strikes: 'message' | 'reply' | 'line';
  /** What the one message or reply becomes; of a fault on the line, everything that goes that way. */
  out?: (bytes: Uint8Array) => Uint8Array[];
  in?: (bytes: Uint8Array, replySeconds: number) => Carried;
  /** Already on the line when it is opened. */
  atOpen?: Uint8Array;
  /** From the message that it strikes at: the line carries nothing, or it is gone, for so long. */
  deadSeconds?: number;
  goneSeconds?: number;
  /** What is sent comes back at once. */
  echo?: boolean;
  /** Something else is at the other end. */
  otherDevice?: boolean;
}

const NOISE = Uint8Array.of(0xff, 0x00, 0x93, 0x2a);

const at = (carried: Uint8Array, delaySeconds = 0): Carried => [{ bytes: carried, delaySeconds }];
const middle = (bytes: Uint8Array): number => bytes.length >> 1;

function without(bytes: Uint8Array, index: number): Uint8Array {
  return Uint8Array.from(bytes.filter((_, each) => each !== index));
}

function twice(bytes: Uint8Array, index: number): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, index + 1), ...bytes.subarray(index)]);
}

function flipped(bytes: Uint8Array, index: number, mask: number): Uint8Array {
  return bytes.map((byte, each) => (each === index ? byte ^ mask : byte));
}

/** 2 becomes 6, 3 becomes 7: the digit before a decimal point, where there is one. The worst that one bit can do. */
function wrongNumber(bytes: Uint8Array): Uint8Array {
  const point = bytes.indexOf(0x2e);
  return flipped(bytes, point > 0 ? point - 1 : bytes.length - 1, 0x04);
}

/** What a receiver makes of bytes at another baud rate: something else, always the same. */
function mangled(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte * 37 + 11) & 0xff);
}

export const LINE_FAULTS: readonly LineFault[] = [
  { kind: 'command: a byte lost', strikes: 'message', out: (bytes) => [without(bytes, middle(bytes))] },
  { kind: 'command: last byte lost', strikes: 'message', out: (bytes) => [without(bytes, bytes.length - 1)] },
  {
    kind: 'command: a bit flipped',
    strikes: 'message',
    out: (bytes) => [flipped(bytes, middle(bytes), 0x04)],
  },
  { kind: 'command: another number', strikes: 'message', out: (bytes) => [wrongNumber(bytes)] },
  { kind: 'command: a byte doubled', strikes: 'message', out: (bytes) => [twice(bytes, middle(bytes))] },
  { kind: 'command: sent twice', strikes: 'message', out: (bytes) => [bytes, bytes] },
  { kind: 'command: lost', strikes: 'message', out: () => [] },
  {
    kind: 'command: noise before',
    strikes: 'message',
    out: (bytes) => [Uint8Array.from([...NOISE, ...bytes])],
  },
  { kind: 'reply: a byte lost', strikes: 'reply', in: (bytes) => at(without(bytes, middle(bytes))) },
  { kind: 'reply: last byte lost', strikes: 'reply', in: (bytes) => at(without(bytes, bytes.length - 1)) },
  { kind: 'reply: a bit flipped', strikes: 'reply', in: (bytes) => at(flipped(bytes, middle(bytes), 0x04)) },
  { kind: 'reply: a byte doubled', strikes: 'reply', in: (bytes) => at(twice(bytes, middle(bytes))) },
  { kind: 'reply: comes twice', strikes: 'reply', in: (bytes) => [...at(bytes), ...at(bytes)] },
  { kind: 'reply: lost', strikes: 'reply', in: () => [] },
  { kind: 'reply: cut in half', strikes: 'reply', in: (bytes) => at(bytes.subarray(0, middle(bytes))) },
  { kind: 'reply: too late', strikes: 'reply', in: (bytes, replySeconds) => at(bytes, replySeconds + 0.02) },
  {
    kind: 'reply: byte by byte',
    strikes: 'reply',
    in: (bytes) =>
      [...bytes].map((byte, index) => ({ bytes: Uint8Array.of(byte), delaySeconds: index * 2e-3 })),
  },
  { kind: 'reply: noise after', strikes: 'reply', in: (bytes) => [...at(bytes), ...at(NOISE, 1e-3)] },
  { kind: 'noise when opened', strikes: 'line', atOpen: Uint8Array.from([...NOISE, ...NOISE]) },
  { kind: 'line stalls for 3 s', strikes: 'message', deadSeconds: 3 },
  { kind: 'cable pulled for 3 s', strikes: 'message', goneSeconds: 3 },
  { kind: 'cable pulled for good', strikes: 'message', goneSeconds: Infinity },
  { kind: 'instrument silent', strikes: 'line', out: () => [], in: () => [] },
  { kind: 'adapter echoes', strikes: 'line', echo: true },
  {
    kind: 'wrong baud rate',
    strikes: 'line',
    out: (bytes) => [mangled(bytes)],
    in: (bytes) => at(mangled(bytes)),
  },
  { kind: 'wrong device', strikes: 'line', otherDevice: true },
];
