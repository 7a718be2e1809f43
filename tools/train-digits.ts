/**
 * Trains the bundled digit model and writes src-main/examples/digits.onnx: `npm run train:digits`. The same seed gives the
 * same file. The trainer is our own, because no machine-learning library on npm is both maintained and light enough for a
 * network that needs a few hundred lines.
 */
import { writeFileSync } from 'node:fs';
import { resourcePath } from '../src-main/common/resources.js';
import { loadDigits, splitDigits } from './train/data.js';
import { exportOnnx } from './train/onnx.js';
import { accuracy, train } from './train/train.js';

const OPTIONS = { seed: 1, epochs: 20, batchSize: 32, peakLearningRate: 3e-3 };
const LEAST_ACCURACY = 0.98;

const started = performance.now();
const { training, heldOut } = splitDigits(loadDigits());
const network = train(training, OPTIONS, (epoch, meanLoss) => {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`epoch ${epoch + 1}/${OPTIONS.epochs}: mean loss ${meanLoss.toFixed(4)} nats, ${seconds} s`);
});
const heldOutAccuracy = accuracy(network, heldOut);
const shown = `${(100 * heldOutAccuracy).toFixed(1)} % of ${heldOut.labels.length} held-out digits are right`;
if (heldOutAccuracy < LEAST_ACCURACY) {
  throw new Error(`train-digits: ${shown}, fewer than ${100 * LEAST_ACCURACY} %. Nothing was written.`);
}
const path = resourcePath('src-main', 'examples', 'digits.onnx');
writeFileSync(path, exportOnnx(network));
console.log(`${shown}; written to ${path}`);
