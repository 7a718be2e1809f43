import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { currentRecord, decodeRecord, RECORD_BYTES } from '../../src-main/board/record.js';
import { crc32 } from '../../src-main/common/crc32.js';

/** A record written field by field at the offsets of firmware/SPEC.md, section 5. */
function recordBytes(sequence: number, words: Record<number, number> = {}): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  const fields = { 0: 0x43524242, 4: sequence, ...words };
  for (const [offset, value] of Object.entries(fields)) {
    view.setUint32(Number(offset), value, true);
  }
  view.setUint32(124, crc32(bytes.subarray(0, 124)), true);
  return bytes;
}

test('every field of a record is where the specification has it', () => {
  const bytes = recordBytes(9, {
    8: 1,
    12: 2,
    16: 3,
    20: 4,
    24: 5,
    28: 6,
    32: 7,
    36: 3,
    40: 8,
    44: 10,
    48: 11,
    52: 12,
    56: 13,
    60: 14,
    64: 15,
    68: 1,
    72: 16,
    76: 2,
    84: 17,
    88: 2_500_000,
  });
  assert.deepEqual(decodeRecord(bytes), {
    sequence: 9,
    runId: 1,
    imageCrc: 2,
    firstSample: 3,
    inferenceCount: 4,
    inference: 5,
    task: 6,
    acknowledged: 7,
    state: 'stopped',
    powerCycles: 8,
    restores: 10,
    checkpoints: 11,
    tasksExecuted: 12,
    tasksReexecuted: 13,
    datasetCrc: 14,
    nvmBytesRead: 15 + 2 ** 32,
    nvmBytesWritten: 16 + 2 ** 33,
    rests: 17,
    restedSeconds: 2.5,
  });
});

test('a record with any bit wrong, of another length or state, is none', () => {
  const bytes = recordBytes(1);
  for (let bit = 0; bit < 8 * RECORD_BYTES; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(decodeRecord(copy), null);
  }
  assert.equal(decodeRecord(bytes.subarray(1)), null);
  assert.equal(decodeRecord(recordBytes(1, { 36: 4 })), null);
  assert.equal(decodeRecord(new Uint8Array(RECORD_BYTES)), null);
});

test('of two valid slots the newer counts, across the wrap of the sequence; a torn one does not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 127 }),
      (sequence, torn) => {
        const next = (sequence + 1) >>> 0;
        const older = recordBytes(sequence);
        const newer = recordBytes(next, { 28: 1 });
        const nvm = new Uint8Array(256);
        nvm.set(newer, 0);
        nvm.set(older, 128);
        assert.equal(currentRecord(nvm)?.sequence, next);
        nvm.set(older, 0);
        nvm.set(newer, 128);
        assert.equal(currentRecord(nvm)?.sequence, next);
        // The write of the newer one stopped after `torn` bytes of it.
        nvm.set(recordBytes((sequence - 1) >>> 0), 128);
        nvm.set(newer.subarray(0, torn), 128);
        assert.equal(currentRecord(nvm)?.sequence, sequence);
      },
    ),
  );
  assert.equal(currentRecord(new Uint8Array(256)), null);
});
