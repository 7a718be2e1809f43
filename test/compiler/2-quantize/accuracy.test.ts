import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { accuracy } from '../../../src-main/common/accuracy.js';
import { argmax } from '../../../src-main/common/argmax.js';
import { loadDataset } from '../../../src-main/common/dataset.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { importModel } from '../../../src-main/compiler/1-import/index.js';
import { createFloatEvaluator, lower } from '../../../src-main/compiler/2-quantize/index.js';
import { compile, quantizeInput } from '../../../src-main/compiler/index.js';
import { crossValidate } from '../../../tools/bench/cross-validate.js';
import { sharedPath } from '../../support/shared.js';

for (const name of ['kws_ds_cnn', 'ic_resnet8'] as const) {
  test(`${name}: quantized with other samples, it keeps class and logits of the float model`, () => {
    const file = (...parts: string[]): Uint8Array => readFileSync(sharedPath(...parts));
    const result = crossValidate(
      {
        float: file('models', `${name}_float.tflite`),
        int8: file('models', `${name}_int8.tflite`),
        data: file('eval', `${name.startsWith('kws') ? 'kws' : 'ic'}_25.npz`),
      },
      { calibrateBy: 'best', folds: 3 },
    );
    assert.equal(result.samples, 25);
    assert.ok(result.ours.agree >= 24, `${result.ours.agree} of 25 classes`);
    assert.ok(
      result.ours.logitsSqnr >= 30 || result.ours.logitsSqnr > result.official.logitsSqnr,
      `${result.ours.logitsSqnr} dB, official ${result.official.logitsSqnr} dB`,
    );
  });
}

test('digits: at most half a percent of the held-out samples lost', () => {
  const example = (name: string): Uint8Array => readFileSync(join(resourcePath('dist', 'examples'), name));
  const model = example('digits.onnx');
  const calibration = loadDataset(example('digits-calibration.npz'), 'calibration').samples as Float32Array[];
  const { samples, labels } = loadDataset(example('digits-eval.npz'), 'eval');
  assert.ok(labels !== null && samples.length === 1000);
  const evaluator = createFloatEvaluator(lower(importModel(model, 'digits.onnx')));
  const float = accuracy(
    samples.map((sample) => argmax(evaluator.run([sample as Float32Array])[0])),
    labels,
  );
  const { image, graph } = compile(model, 'digits.onnx', {
    strategy: 'restart',
    kernels: 'fast',
    boardNumber: 0,
    sramBytes: 200_000,
    nvmBytes: 512 << 10,
    calibration,
  });
  const int8 = accuracy(inferOnHost(image, quantizeInput(samples, graph)).map(argmax), labels);
  assert.ok(float !== null && int8 !== null && int8 >= float - 0.005, `${int8} after ${float}`);
});
