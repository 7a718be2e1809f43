import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cobsDecode,
  cobsEncode,
  encodeFrame,
  FrameDecoder,
  MAXIMUM_PAYLOAD_BYTES,
  type Frame,
} from '../../../src-main/board/link/frames.js';

/** Bytes with many zeros and runs longer than a COBS block, where the encoding has its corners. */
const awkwardBytes = fc.oneof(
  fc.uint8Array({ maxLength: MAXIMUM_PAYLOAD_BYTES }),
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 })), { maxLength: 4 })
    .map((runs) => Uint8Array.from(runs.flatMap(([count, value]) => new Array<number>(count).fill(value))))
    .filter((bytes) => bytes.length <= MAXIMUM_PAYLOAD_BYTES),
);
const frames = fc.record(
  {
    type: fc.integer({ min: 0, max: 255 }),
    sequence: fc.integer({ min: 0, max: 255 }),
    payload: awkwardBytes,
  },
  { noNullPrototype: true },
);

function concatenate(parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function inChunks(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  chunks.push(bytes.subarray(at));
  return chunks;
}

function decodeAll(decoder: FrameDecoder, chunks: Uint8Array[]): Frame[] {
  return chunks.flatMap((chunk) => decoder.take(chunk));
}

test('the worked examples of the COBS paper', () => {
  const cases: [number[], number[]][] = [
    [[], [0x01]],
    [[0x00], [0x01, 0x01]],
    [
      [0x11, 0x22, 0x00, 0x33],
      [0x03, 0x11, 0x22, 0x02, 0x33],
    ],
    [
      [0x11, 0x00, 0x00, 0x00],
      [0x02, 0x11, 0x01, 0x01, 0x01],
    ],
  ];
  for (const [plain, stuffed] of cases) {
    assert.deepEqual([...cobsEncode(Uint8Array.from(plain))], stuffed);
  }
});

test('COBS gives back every input and never holds a zero', () => {
  fc.assert(
    fc.property(awkwardBytes, (bytes) => {
      const stuffed = cobsEncode(bytes);
      assert.ok(!stuffed.includes(0));
      assert.deepEqual(cobsDecode(stuffed), bytes);
    }),
  );
});

test('frames arrive whole and in order however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 5 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }),
      (sent, cuts) => {
        const decoder = new FrameDecoder();
        assert.deepEqual(
          decodeAll(decoder, inChunks(concatenate(sent.map((frame) => encodeFrame(frame))), cuts)),
          sent,
        );
        assert.equal(decoder.brokenFrames, 0);
      },
    ),
  );
});

test('garbage before a frame costs at most what was glued to it; after a zero byte everything arrives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), frames, (garbage, frame) => {
      const decoder = new FrameDecoder();
      decoder.take(garbage);
      const received = decoder.take(concatenate([Uint8Array.of(0), encodeFrame(frame)]));
      assert.deepEqual(received.at(-1), frame);
    }),
  );
});

test('a flipped bit never passes as a frame', () => {
  fc.assert(
    fc.property(frames, fc.nat(), fc.integer({ min: 0, max: 7 }), (frame, where, bit) => {
      const line = encodeFrame(frame);
      line[where % line.length] ^= 1 << bit;
      for (const received of new FrameDecoder().take(concatenate([line, Uint8Array.of(0)]))) {
        assert.notDeepEqual(received, frame);
        assert.fail('a damaged frame passed its CRC');
      }
    }),
  );
});

test('a cut frame is counted and does not take the next one with it', () => {
  const frame = { type: 0x84, sequence: 7, payload: new Uint8Array(128).fill(3) };
  const decoder = new FrameDecoder();
  assert.deepEqual(decoder.take(encodeFrame(frame).subarray(0, 40)), []);
  assert.deepEqual(decoder.take(concatenate([Uint8Array.of(0), encodeFrame(frame)])), [frame]);
  assert.equal(decoder.brokenFrames, 1);
});
