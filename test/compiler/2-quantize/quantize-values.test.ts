import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asymmetricQuantization,
  quantizeBias,
  quantizeWeights,
} from '../../../src-main/compiler/2-quantize/quantize-values.js';
import type { Tensor } from '../../../src-main/compiler/graph.js';

const constant = (shape: number[], data: number[]): Tensor => ({
  id: 0,
  name: 't',
  shape,
  type: 'float32',
  quantization: null,
  data: Float32Array.from(data),
});

test('activations: zero is exact and the range is covered within half a step', () => {
  fc.assert(
    fc.property(
      fc.float({ min: -1e6, max: 0, noNaN: true }),
      fc.float({ min: 0, max: 1e6, noNaN: true }),
      (minimum, maximum) => {
        fc.pre(maximum - minimum > 1e-30);
        const { scales, zeroPoints, axis } = asymmetricQuantization({ minimum, maximum });
        const [scale, zeroPoint] = [scales[0], zeroPoints[0]];
        assert.equal(axis, null);
        assert.ok(zeroPoint >= -128 && zeroPoint <= 127);
        const tolerance = 0.5001 * scale;
        assert.ok(scale * (-128 - zeroPoint) <= minimum + tolerance);
        assert.ok(scale * (127 - zeroPoint) >= maximum - tolerance);
      },
    ),
  );
  assert.deepEqual(asymmetricQuantization({ minimum: 0, maximum: 255 }).zeroPoints, Int32Array.of(-128));
  assert.ok(asymmetricQuantization({ minimum: 0, maximum: 0 }).scales[0] > 0);
});

test('weights: symmetric per output channel, depthwise along the last dimension', () => {
  const use = { inputScale: 1, outputScale: 1 };
  const rows = quantizeWeights(constant([2, 2], [1, -0.5, 10, 20]), null, { channelAxis: 0, ...use });
  assert.deepEqual(rows.data, Int8Array.of(127, -64, 64, 127));
  assert.deepEqual(Array.from(rows.quantization.scales), [1 / 127, 20 / 127].map(Math.fround));
  assert.equal(rows.quantization.axis, 0);
  const depthwise = quantizeWeights(constant([1, 2, 1, 2], [1, 10, -0.5, 20]), null, {
    channelAxis: 3,
    ...use,
  });
  assert.deepEqual(depthwise.data, Int8Array.of(127, 64, -64, 127));
  assert.equal(depthwise.quantization.axis, 3);
});

test('a channel without weights keeps its bias, and no bias leaves 32 bits', () => {
  const bias = constant([3], [100, -3e9, 0.25]);
  const use = { channelAxis: 0 as const, inputScale: 0.01, outputScale: 0.5 };
  const { data, quantization } = quantizeWeights(constant([3, 2], [0, 0, 1e-9, 0, 1, 1]), bias, use);
  const quantized = quantizeBias(bias, quantization.scales, use.inputScale);
  assert.deepEqual(Array.from(data as Int8Array).slice(0, 2), [0, 0]);
  quantized.data?.forEach((stored, c) => {
    const real = Number(stored) * quantization.scales[c] * use.inputScale;
    const wanted = Number(bias.data?.[c]);
    assert.ok(Math.abs(Number(stored)) <= 2 ** 30 + 128);
    assert.ok(Math.abs(real - wanted) <= Math.max(1e-6 * Math.abs(wanted), use.outputScale / 1000));
  });
});
