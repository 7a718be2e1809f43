import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { readNpz } from '../../src-main/common/npz.js';
import { compile, quantizeInput } from '../../src-main/compiler/index.js';
import { KERNEL_SETS, STRATEGIES } from '../../src-main/compiler/plan.js';
import { sharedPath } from '../support/shared.js';

// The oracle is TensorFlow Lite Micro itself: its outputs for these samples are in the files.
// The arena is the peak of live activations that the models' README states: no plan can do with less.
for (const [model, data, arenaBytes] of [
  ['kws_ds_cnn_int8', 'kws_25', 16_000],
  ['ic_resnet8_int8', 'ic_25', 49_152],
] as const) {
  for (const [strategy, kernels] of STRATEGIES.flatMap((name) =>
    KERNEL_SETS.map((set) => [name, set] as const),
  )) {
    test(`${model}, ${strategy}, ${kernels} kernels: every output byte of the host core is TFLite Micro's`, () => {
      const compiled = compile(readFileSync(sharedPath('models', `${model}.tflite`)), `${model}.tflite`, {
        strategy,
        kernels,
        boardNumber: 0,
        sramBytes: 64 << 10,
        nvmBytes: 512 << 10,
      });
      if (kernels === 'reference') {
        assert.equal(compiled.plan.arenaBytes, arenaBytes);
      }
      const file = `${data}.npz`;
      const arrays = readNpz(readFileSync(sharedPath('eval', file)), file);
      const rows = (name: string): Int8Array[] => {
        const array = arrays.get(name);
        assert(array?.data instanceof Int8Array);
        const { data: values, shape } = array;
        const length = values.length / shape[0];
        return Array.from({ length: shape[0] }, (_, i) => values.slice(i * length, (i + 1) * length));
      };
      const samples = quantizeInput(rows('x'), compiled.graph);
      assert.equal(samples.length, 25);
      assert.deepEqual(inferOnHost(compiled.image, samples), rows('expected'));
    });
  }
}
