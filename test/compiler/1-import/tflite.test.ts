import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importModel } from '../../../src-main/compiler/1-import/index.js';
import { InputError } from '../../../src-main/common/errors.js';
import { lower } from '../../../src-main/compiler/2-quantize/index.js';
import { validateGraph } from '../../../src-main/compiler/validate.js';
import { assertRobust } from '../../support/assert-robust.js';
import { sharedPath } from '../../support/shared.js';

const MODELS = [
  'hello_world_int8',
  'ic_resnet8_float',
  'ic_resnet8_int8',
  'kws_ds_cnn_float',
  'kws_ds_cnn_int8',
  'micro_speech_int8',
];

function modelBytes(name: string): Buffer {
  return readFileSync(sharedPath('models', `${name}.tflite`));
}

for (const name of MODELS) {
  test(`${name} imports, lowers and stays valid; lowering twice changes nothing`, () => {
    const graph = importModel(modelBytes(name), `some/folder/${name}.tflite`);
    assert.equal(graph.name, name);
    const lowered = lower(graph);
    validateGraph(lowered, name);
    assert.deepEqual(lower(lowered), lowered);
  });
}

test('SAME padding is explicit, with the odd row after', () => {
  const graph = importModel(modelBytes('kws_ds_cnn_int8'), 'kws.tflite');
  const first = graph.operators[0];
  assert.ok(first.kind === 'CONV_2D');
  // 49 rows, window 10, stride 2: 25 positions need 24 * 2 + 10 - 49 = 9 padded rows.
  assert.deepEqual(first.padding, { top: 4, bottom: 5, left: 1, right: 1 });
  assert.equal(first.activation, 'RELU');
});

test('a truncated file is one InputError that names the file, wherever it is cut', () => {
  const bytes = modelBytes('hello_world_int8');
  for (let length = 0; length < bytes.length; length += 7) {
    try {
      importModel(bytes.subarray(0, length), 'cut.tflite');
    } catch (error) {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.place, /^cut\.tflite/);
      continue;
    }
    // FlatBuffers put what matters first or last as they like; only unused bytes at the end may be missing.
    assert.ok(length > bytes.length / 2, `imported from ${length} of ${bytes.length} bytes`);
  }
});

test('thousands of damaged files import or are refused, quickly', () => {
  assertRobust([modelBytes('hello_world_int8')], 'fuzz.tflite', 3000);
  assertRobust([modelBytes('micro_speech_int8')], 'fuzz.tflite', 1000);
});
