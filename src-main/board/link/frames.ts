import { crc32 } from '../../common/crc32.js';

/** The frames of the serial link: COBS, one zero byte behind each, CRC-32 inside (firmware/SPEC.md section 6). */

export interface Frame {
  type: number;
  sequence: number;
  payload: Uint8Array;
}

/** Longest payload of any message: a RESULT of 1024 output bytes, rounded up. */
export const MAXIMUM_PAYLOAD_BYTES = 1160;
const CRC_BYTES = 4;
const HEAD_BYTES = 2;
const MAXIMUM_FRAME_BYTES = HEAD_BYTES + MAXIMUM_PAYLOAD_BYTES + CRC_BYTES;
const FULL_BLOCK = 0xff;

/** @returns the bytes to send, terminating zero included */
export function encodeFrame(frame: Frame): Uint8Array {
  const raw = new Uint8Array(HEAD_BYTES + frame.payload.length + CRC_BYTES);
  raw[0] = frame.type;
  raw[1] = frame.sequence;
  raw.set(frame.payload, HEAD_BYTES);
  const body = raw.length - CRC_BYTES;
  new DataView(raw.buffer).setUint32(body, crc32(raw.subarray(0, body)), true);
  const stuffed = cobsEncode(raw);
  const line = new Uint8Array(stuffed.length + 1);
  line.set(stuffed);
  return line;
}

/** Consistent Overhead Byte Stuffing (Cheshire and Baker 1999): the same data without a zero byte. */
export function cobsEncode(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + Math.floor(data.length / (FULL_BLOCK - 1)) + 1);
  let code = 0;
  let length = 1;
  for (const byte of data) {
    if (byte !== 0) {
      out[length++] = byte;
    }
    if (byte === 0 || length - code === FULL_BLOCK) {
      out[code] = length - code;
      code = length++;
    }
  }
  out[code] = length - code;
  return out.subarray(0, length);
}

/** @returns the data, or null when `stuffed` is not a COBS encoding */
export function cobsDecode(stuffed: Uint8Array): Uint8Array | null {
  const out = new Uint8Array(stuffed.length);
  let length = 0;
  let at = 0;
  while (at < stuffed.length) {
    const code = stuffed[at];
    const end = at + code;
    if (code === 0 || end > stuffed.length) {
      return null;
    }
    for (at++; at < end; at++) {
      if (stuffed[at] === 0) {
        return null;
      }
      out[length++] = stuffed[at];
    }
    if (code !== FULL_BLOCK && at < stuffed.length) {
      out[length++] = 0;
    }
  }
  return out.subarray(0, length);
}

/**
 * Finds frames in a byte stream that may start anywhere, be cut anywhere, and hold garbage: every zero byte is a fresh
 * start, so one broken frame never costs the next. Memory is bounded by the longest frame.
 */
export class FrameDecoder {
  private readonly pending = new Uint8Array(cobsBound(MAXIMUM_FRAME_BYTES));
  private length = 0;
  private overflow = false;
  /** Stretches between zero bytes that were no frame: noise, cut frames, wrong CRC. */
  brokenFrames = 0;

  /** @returns the frames that `bytes` completed, in order */
  take(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (const byte of bytes) {
      if (byte === 0) {
        const frame = this.finish();
        if (frame) {
          frames.push(frame);
        }
      } else if (this.length < this.pending.length) {
        this.pending[this.length++] = byte;
      } else {
        this.overflow = true;
      }
    }
    return frames;
  }

  private finish(): Frame | null {
    const { length, overflow } = this;
    this.length = 0;
    this.overflow = false;
    if (length === 0) {
      return null;
    }
    const frame = overflow ? null : openFrame(cobsDecode(this.pending.subarray(0, length)));
    this.brokenFrames += frame ? 0 : 1;
    return frame;
  }
}

function openFrame(raw: Uint8Array | null): Frame | null {
  if (!raw || raw.length < HEAD_BYTES + CRC_BYTES || raw.length > MAXIMUM_FRAME_BYTES) {
    return null;
  }
  const body = raw.length - CRC_BYTES;
  const crc = new DataView(raw.buffer, raw.byteOffset).getUint32(body, true);
  if (crc !== crc32(raw.subarray(0, body))) {
    return null;
  }
  return { type: raw[0], sequence: raw[1], payload: raw.slice(HEAD_BYTES, body) };
}

function cobsBound(bytes: number): number {
  return bytes + Math.floor(bytes / (FULL_BLOCK - 1)) + 1;
}
