import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { inferOnAllCores } from '../../../src-main/board/host/infer-parallel.js';
import { loadDataset } from '../../../src-main/common/dataset.js';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { compile, quantizeInput } from '../../../src-main/compiler/index.js';

const example = (name: string): Uint8Array => readFileSync(join(resourcePath('dist', 'examples'), name));
const digits = loadDataset(example('digits-eval.npz'), 'eval').samples;
const { image, graph } = compile(example('digits.onnx'), 'digits.onnx', {
  strategy: 'tile',
  kernels: 'fast',
  boardNumber: 0,
  sramBytes: 200_000,
  nvmBytes: 512 << 10,
  calibration: digits.slice(0, 8) as Float32Array[],
  calibrateBy: 'minmax',
});
const samples = quantizeInput(digits.slice(0, 203), graph);

test('any number of threads gives the outputs of one, in order, and tells how far it is', async () => {
  const expected = inferOnHost(image, samples);
  for (const cores of [1, 2, 3]) {
    const seen: number[] = [];
    const outputs = await inferOnAllCores(image, samples, {
      cores,
      onProgress: (done, total) => {
        assert.equal(total, samples.length);
        seen.push(done);
      },
    });
    assert.deepEqual(outputs, expected);
    assert.ok(seen.length > 3 && seen.every((done, i) => i === 0 || done > seen[i - 1]));
    assert.equal(seen.at(-1), samples.length);
  }
  assert.deepEqual(await inferOnAllCores(image, []), []);
});

test('cancelled in the middle, it ends at once and leaves no thread behind', async () => {
  for (const cores of [1, 2]) {
    const cancel = new AbortController();
    const reason = new Error('enough');
    let last = 0;
    await assert.rejects(
      inferOnAllCores(image, samples, {
        cores,
        signal: cancel.signal,
        onProgress: (done) => {
          last = done;
          cancel.abort(reason);
        },
      }),
      reason,
    );
    assert.ok(last < samples.length);
  }
  await assert.rejects(
    inferOnAllCores(image, samples, { signal: AbortSignal.abort(new Error('early')) }),
    /early/,
  );
});

test('what one thread refuses, all refuse with the same error', async () => {
  const damaged = image.slice();
  damaged[damaged.length - 1] ^= 1;
  for (const cores of [1, 2]) {
    await assert.rejects(
      inferOnAllCores(damaged, samples, { cores }),
      (error) => error instanceof InputError && error.code === 'host-refused',
    );
  }
});
