import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSamples, loadDigits, splitDigits } from '../../../tools/train/data.js';
import { exportOnnx } from '../../../tools/train/onnx.js';
import { accuracy, train } from '../../../tools/train/train.js';

const OPTIONS = { seed: 5, epochs: 3, batchSize: 8, peakLearningRate: 3e-3 };

test('a short training learns far better than chance, and equally each time', () => {
  const digits = firstSamples(splitDigits(loadDigits()).training, 300);
  const losses: number[] = [];
  const network = train(digits, OPTIONS, (_, loss) => losses.push(loss));
  assert.ok(losses[2] < losses[0], `loss falls: ${losses.join(', ')}`);
  const share = accuracy(network, digits);
  assert.ok(share > 0.5, `${share} of the training digits are right`);
  const again = train(digits, OPTIONS, () => undefined);
  assert.deepEqual(exportOnnx(again), exportOnnx(network));
});
