/** The progress record that a board keeps in NVM and sends with every report: firmware/SPEC.md, section 5. */
import { crc32 } from '../common/crc32.js';

export const RECORD_BYTES = 128;
/** NVM offsets of the two slots that records are written to in turn. */
export const RECORD_SLOT_OFFSETS = [0x0000, 0x0080] as const;

/** NVM offsets of the two slots of light records; a sequence number's parity chooses. */
export const LIGHT_SLOT_OFFSETS = [0x0100, 0x0110] as const;
export const LIGHT_RECORD_BYTES = 16;
/** NVM before this offset holds all that a board knows about its progress. */
const RECORDS_END = 0x0120;

const RECORD_MAGIC = 0x43524242;
const CRC_OFFSET = 124;
const STATES = ['idle', 'running', 'finished', 'stopped'] as const;
export type RunState = (typeof STATES)[number];

export interface BoardRecord {
  /** +1 at every write, modulo 2^32. */
  sequence: number;
  runId: number;
  /** CRC fields of the image and the data set that the run was started with. */
  imageCrc: number;
  datasetCrc: number;
  firstSample: number;
  inferenceCount: number;
  /** Inference in progress; equal to inferenceCount when all are done. */
  inference: number;
  /** Next task of that inference. */
  task: number;
  /** Results that the host has; a result waits while this is smaller than `inference`. */
  acknowledged: number;
  state: RunState;
  powerCycles: number;
  restores: number;
  checkpoints: number;
  tasksExecuted: number;
  tasksReexecuted: number;
  nvmBytesRead: number;
  nvmBytesWritten: number;
  /** Times the run waited for the capacitor with its memory alive, and how long in all. */
  rests: number;
  restedSeconds: number;
}

/**
 * Decodes a record as stored or sent.
 *
 * @returns null where the bytes are no valid record: wrong length, magic, state or CRC (an empty or torn slot)
 */
export function decodeRecord(bytes: Uint8Array): BoardRecord | null {
  if (bytes.length !== RECORD_BYTES) {
    return null;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const intact = view.getUint32(CRC_OFFSET, true) === crc32(bytes.subarray(0, CRC_OFFSET));
  return intact ? decodeUncheckedRecord(bytes) : null;
}

/**
 * As decodeRecord, but for a record in a board's RAM, whose counters may be ahead of its CRC.
 *
 * @param bytes 128 of them
 */
export function decodeUncheckedRecord(bytes: Uint8Array): BoardRecord | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const state = STATES[bytes[36]];
  if (u32(0) !== RECORD_MAGIC || state === undefined) {
    return null;
  }
  return {
    sequence: u32(4),
    runId: u32(8),
    imageCrc: u32(12),
    firstSample: u32(16),
    inferenceCount: u32(20),
    inference: u32(24),
    task: u32(28),
    acknowledged: u32(32),
    state,
    powerCycles: u32(40),
    restores: u32(44),
    checkpoints: u32(48),
    tasksExecuted: u32(52),
    tasksReexecuted: u32(56),
    datasetCrc: u32(60),
    nvmBytesRead: Number(view.getBigUint64(64, true)),
    nvmBytesWritten: Number(view.getBigUint64(72, true)),
    rests: u32(84),
    restedSeconds: Number(view.getBigUint64(88, true)) / 1e6,
  };
}

/**
 * The record that counts in an NVM: the valid one of the two slots, of two valid ones the newer; continued by the newest
 * light record that belongs to it.
 *
 * @param nvm at least the first 256 bytes of the board's NVM; light records are found from 288 bytes on
 */
export function currentRecord(nvm: Uint8Array): BoardRecord | null {
  const [a, b] = RECORD_SLOT_OFFSETS.map((offset) => {
    const bytes = nvm.subarray(offset, offset + RECORD_BYTES);
    const record = decodeRecord(bytes);
    return record === null ? null : { record, crc: wordAt(bytes, CRC_OFFSET) };
  });
  const full = a && b ? newer(a, b, (each) => each.record.sequence) : (a ?? b);
  if (!full) {
    return null;
  }
  if (full.record.state !== 'running' || nvm.length < RECORDS_END) {
    return full.record;
  }
  const lights = LIGHT_SLOT_OFFSETS.flatMap((offset) => {
    const bytes = nvm.subarray(offset, offset + LIGHT_RECORD_BYTES);
    // Its CRC continues that of the record that it continues.
    return wordAt(bytes, 12) === crc32(bytes.subarray(0, 12), full.crc) ? [bytes] : [];
  });
  return lights.length === 0
    ? full.record
    : continueRecord(
        full.record,
        lights.reduce((one, other) => newer(one, other, (bytes) => wordAt(bytes, 0))),
      );
}

/** Each light record commits one task, after the last result was acknowledged: firmware/SPEC.md, section 5.1. */
function continueRecord(record: BoardRecord, light: Uint8Array): BoardRecord {
  const sequence = wordAt(light, 0);
  const tasks = (sequence - record.sequence) >>> 0;
  const advanced = (counter: number, low: number): number => counter + ((low - (counter % 2 ** 32)) >>> 0);
  return {
    ...record,
    sequence,
    task: record.task + tasks,
    acknowledged: record.inference,
    checkpoints: record.checkpoints + tasks,
    tasksExecuted: record.tasksExecuted + tasks,
    nvmBytesRead: advanced(record.nvmBytesRead, wordAt(light, 4)),
    nvmBytesWritten: advanced(record.nvmBytesWritten, wordAt(light, 8)),
  };
}

/** As a signed difference, newer stays newer when the sequence wraps around. */
function newer<T>(a: T, b: T, sequenceOf: (each: T) => number): T {
  return ((sequenceOf(b) - sequenceOf(a)) | 0) > 0 ? b : a;
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
