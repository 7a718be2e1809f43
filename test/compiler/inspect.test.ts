import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { lower } from '../../src-main/compiler/2-quantize/index.js';
import { inspectGraph } from '../../src-main/compiler/inspect.js';
import { sharedPath } from '../support/shared.js';

// The figures are those of shared/models/README.md. Its "bytes of parameters and constants" also count the shape
// operands of RESHAPE (8 bytes, micro_speech 16), which are no parameters.
const FIGURES = [
  {
    file: 'kws_ds_cnn_int8',
    macs: 2_656_768,
    peak: 16_000,
    parameterBytes: 24_376 - 8,
    input: [1, 49, 10, 1],
  },
  {
    file: 'ic_resnet8_int8',
    macs: 12_501_632,
    peak: 49_152,
    parameterBytes: 78_752 - 8,
    input: [1, 32, 32, 3],
  },
  { file: 'micro_speech_int8', macs: 336_000, peak: 5_960, parameterBytes: 16_704 - 16, input: [1, 1960] },
  { file: 'hello_world_int8', macs: 288, peak: 32, parameterBytes: 420, input: [1, 1] },
];

for (const { file, macs, peak, parameterBytes, input } of FIGURES) {
  test(`${file} has the published cost, as imported and lowered`, () => {
    const graph = importModel(readFileSync(sharedPath('models', `${file}.tflite`)), `${file}.tflite`);
    for (const inspection of [inspectGraph(graph), inspectGraph(lower(graph))]) {
      assert.equal(inspection.macs, macs);
      assert.equal(inspection.peakActivationBytes, peak);
      assert.equal(inspection.parameterBytes, parameterBytes);
      assert.deepEqual(inspection.inputs[0].shape, input);
      assert.equal(
        inspection.operators.reduce((total, operator) => total + operator.macs, 0),
        macs,
      );
    }
  });
}

test('the float twins cost as many MACs as the int8 models', () => {
  for (const [file, macs] of [
    ['kws_ds_cnn_float', 2_656_768],
    ['ic_resnet8_float', 12_501_632],
  ] as const) {
    const graph = importModel(readFileSync(sharedPath('models', `${file}.tflite`)), `${file}.tflite`);
    assert.equal(inspectGraph(graph).macs, macs);
    assert.equal(graph.tensors[graph.inputs[0]].type, 'float32');
  }
});
