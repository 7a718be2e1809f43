import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HostBoard, inferOnHost, PowerFailure } from '../../../src-main/board/host/host-board.js';
import { InputError, RunError } from '../../../src-main/common/errors.js';
import { compile, emitDataset } from '../../../src-main/compiler/index.js';
import type { Strategy } from '../../../src-main/compiler/plan.js';
import { sharedPath } from '../../support/shared.js';

const KWS_INPUT_BYTES = 490;

function kwsImage(strategy: Strategy): Uint8Array {
  const name = 'kws_ds_cnn_int8.tflite';
  return compile(readFileSync(sharedPath('models', name)), name, {
    strategy,
    kernels: 'reference',
    boardNumber: 0,
    sramBytes: 64 << 10,
    nvmBytes: 512 << 10,
  }).image;
}

function samples(count: number): Int8Array[] {
  return Array.from({ length: count }, (_, sample) =>
    Int8Array.from({ length: KWS_INPUT_BYTES }, (_, i) => ((i * 31 + sample * 7) % 256) - 128),
  );
}

test('inferOnHost reports progress, stops when told, and gives nothing for nothing', () => {
  const image = kwsImage('layer');
  const seen: number[] = [];
  const outputs = inferOnHost(image, samples(3), { onProgress: (done, total) => seen.push(done, total) });
  assert.deepEqual(seen, [1, 3, 2, 3, 3, 3]);
  assert.deepEqual(
    outputs.map(({ length }) => length),
    [12, 12, 12],
  );
  assert.deepEqual(inferOnHost(image, []), []);

  const controller = new AbortController();
  assert.throws(
    () =>
      inferOnHost(image, samples(3), {
        signal: controller.signal,
        onProgress: () => controller.abort(new Error('enough')),
      }),
    /enough/,
  );
});

test('an image that the firmware refuses and samples that do not fit are input errors with its reason', () => {
  const image = kwsImage('layer');
  const damaged = image.slice();
  damaged[1000] ^= 1;
  assert.throws(() => inferOnHost(damaged, samples(1)), /IMAGE_CHECKSUM/);
  assert.throws(() => inferOnHost(image, [new Int8Array(3)]), InputError);
});

test('without power nothing works; a power failure is told from a defect', () => {
  const board = new HostBoard({ image: kwsImage('layer'), dataset: emitDataset(samples(1)) });
  assert.throws(() => board.advance(), RunError);
  board.boot(100);
  assert.throws(() => board.start(1, 0, 1), PowerFailure);
  assert.throws(() => board.advance(), RunError);
  board.boot();
  assert.equal(board.record().state, 'idle');
});

test('a stopped run stays stopped over a power cycle, and another can be started', () => {
  const board = new HostBoard({ image: kwsImage('tile'), dataset: emitDataset(samples(2)) });
  board.boot();
  board.start(1, 0, 2);
  board.advance();
  board.stop();
  board.powerOff();
  board.boot();
  assert.equal(board.record().state, 'stopped');
  assert.equal(board.advance(), 'none');
  assert.equal(board.start(2, 1, 1).code, 0);
  const { runId, powerCycles, tasksExecuted } = board.record();
  assert.deepEqual({ runId, powerCycles, tasksExecuted }, { runId: 2, powerCycles: 1, tasksExecuted: 0 });
});

test('kws: 60 random power failures in one inference, at any byte, leave no trace in the output', () => {
  const image = kwsImage('tile');
  const input = samples(1);
  const [expected] = inferOnHost(image, input);
  const board = new HostBoard({ image, dataset: emitDataset(input) });
  let state = 12345;
  const random = (limit: number): number => (state = (state * 1103515245 + 12345) & 0x7fffffff) % limit;
  for (let failures = 0; ;) {
    try {
      board.boot(failures < 60 ? random(3000) : null);
      if (board.record().state === 'idle') {
        board.start(1, 0, 1);
      }
      while (board.advance() === 'task') {
        // The next task.
      }
      assert.deepEqual(board.pendingResult()?.output, expected);
      assert(board.record().powerCycles > 10);
      break;
    } catch (error) {
      assert(error instanceof PowerFailure);
      failures++;
    }
  }
});
