import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { loadDataset } from '../../src-main/common/dataset.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { compile, quantizeInput } from '../../src-main/compiler/index.js';
import { argmax } from '../../src-main/common/argmax.js';
import { createFloatEvaluator } from '../../src-main/compiler/2-quantize/index.js';

function example(name: string): ReturnType<typeof loadDataset> {
  return loadDataset(readFileSync(resourcePath('dist', 'examples', name)), name);
}

test('the bundled model is right on at least 98 % of the held-out digits, and as int8 on at most 0.5 points fewer', () => {
  const model = readFileSync(resourcePath('dist', 'examples', 'digits.onnx'));
  const { samples, labels } = example('digits-eval.npz');
  assert.equal(samples.length, 1000);
  const isRight = (output: ArrayLike<number>, index: number): boolean => argmax(output) === labels?.[index];

  const evaluator = createFloatEvaluator(importModel(model, 'digits.onnx'));
  const inFloat = samples.filter((sample, index) => {
    const [probabilities] = evaluator.run([Float32Array.from(sample)]);
    return isRight(probabilities, index);
  }).length;
  assert.ok(inFloat >= 980, `${inFloat} of 1000 are right in float32`);

  const { graph, image } = compile(model, 'digits.onnx', {
    strategy: 'layer',
    kernels: 'reference',
    boardNumber: 0,
    sramBytes: 200 << 10,
    nvmBytes: 512 << 10,
    calibration: example('digits-calibration.npz').samples.map((sample) => Float32Array.from(sample)),
  });
  const inInt8 = inferOnHost(image, quantizeInput(samples, graph)).filter(isRight).length;
  assert.ok(inInt8 >= inFloat - 5, `${inInt8} of 1000 are right in int8, ${inFloat} in float32`);
});
