import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { resourcePath } from '../../src-main/common/resources.js';
import {
  CALIBRATION_COUNT,
  HELD_OUT_COUNT,
  PIXELS,
  firstSamples,
  loadDigits,
  splitDigits,
  type DigitSet,
} from '../../tools/train/data.js';

function imageHashes(set: DigitSet): string[] {
  return Array.from(set.labels, (_, index) =>
    createHash('sha256')
      .update(new Uint8Array(set.pixels.slice(index * PIXELS, (index + 1) * PIXELS).buffer))
      .digest('hex'),
  );
}

test('the split keeps 1,000 samples apart: no image is in both parts, none is lost', () => {
  const digits = loadDigits();
  const { training, heldOut } = splitDigits(digits);
  assert.equal(digits.labels.length, 10_000);
  assert.equal(heldOut.labels.length, HELD_OUT_COUNT);
  assert.equal(training.labels.length, 10_000 - HELD_OUT_COUNT);
  const kept = new Set(imageHashes(heldOut));
  const trained = imageHashes(training);
  assert.equal(trained.filter((hash) => kept.has(hash)).length, 0);
  assert.equal(new Set([...trained, ...kept]).size, 10_000);
  for (let digit = 0; digit < 10; digit++) {
    const count = heldOut.labels.filter((label) => label === digit).length;
    assert.ok(count >= 70 && count <= 130, `${count} held-out samples of the digit ${digit}`);
  }
});

test('the built files hold exactly those samples', () => {
  const { training, heldOut } = splitDigits(loadDigits());
  for (const [name, expected] of [
    ['digits-eval.npz', heldOut],
    ['digits-calibration.npz', firstSamples(training, CALIBRATION_COUNT)],
  ] as const) {
    const files = unzipSync(readFileSync(resourcePath('dist', 'examples', name)));
    const count = expected.labels.length;
    const x = parseNpy(files['x.npy']);
    const y = parseNpy(files['y.npy']);
    assert.match(x.header, new RegExp(`'descr': '<f4'.*'shape': \\(${count}, 28, 28, 1\\)`));
    assert.match(y.header, new RegExp(`'descr': '<i8'.*'shape': \\(${count},\\)`));
    assert.deepEqual(new Float32Array(x.data), expected.pixels);
    assert.deepEqual(Array.from(new BigInt64Array(y.data), Number), [...expected.labels]);
  }
});

/** Reads the format from its definition (numpy.lib.format, version 1.0), apart from the product's own reader. */
function parseNpy(bytes: Uint8Array): { header: string; data: ArrayBuffer } {
  assert.deepEqual([...bytes.subarray(0, 8)], [0x93, ...Buffer.from('NUMPY'), 1, 0]);
  const headerEnd = 10 + bytes[8] + 256 * bytes[9];
  assert.equal(headerEnd % 64, 0);
  const header = Buffer.from(bytes.subarray(10, headerEnd)).toString('latin1');
  return { header, data: bytes.slice(headerEnd).buffer };
}
