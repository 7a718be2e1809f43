import { crc32 } from '../../common/crc32.js';

/** The progress record of a board, firmware/SPEC.md section 5. */
export interface BoardRecord {
  magic: number;
  sequence: number;
  runId: number;
  imageCrc: number;
  firstSample: number;
  inferences: number;
  inference: number;
  task: number;
  acknowledged: number;
  state: number;
  powerCycles: number;
  restores: number;
  checkpoints: number;
  tasksExecuted: number;
  tasksReexecuted: number;
  nvmBytesRead: number;
  nvmBytesWritten: number;
}

export const RECORD_BYTES = 128;
export const RECORD_MAGIC = 0x43524242;
export const RecordState = { idle: 0, running: 1, finished: 2, stopped: 3 } as const;

/** @param bytes the 128 bytes of a record; counters beyond 2^53 lose precision */
export function decodeRecord(bytes: Uint8Array): BoardRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_BYTES);
  const u32 = (offset: number) => view.getUint32(offset, true);
  return {
    magic: u32(0),
    sequence: u32(4),
    runId: u32(8),
    imageCrc: u32(12),
    firstSample: u32(16),
    inferences: u32(20),
    inference: u32(24),
    task: u32(28),
    acknowledged: u32(32),
    state: view.getUint8(36),
    powerCycles: u32(40),
    restores: u32(44),
    checkpoints: u32(48),
    tasksExecuted: u32(52),
    tasksReexecuted: u32(56),
    nvmBytesRead: Number(view.getBigUint64(64, true)),
    nvmBytesWritten: Number(view.getBigUint64(72, true)),
  };
}

/** True when magic and CRC are right: the record exists. */
export function isValidRecord(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_BYTES);
  return (
    view.getUint32(0, true) === RECORD_MAGIC && view.getUint32(124, true) === crc32(bytes.subarray(0, 124))
  );
}
