/** Real numbers to the stored ones of TensorFlow Lite's int8 specification. */
import { roundHalfAwayFromZero } from '../fixed-point.js';
import { floatData } from '../graph-access.js';
import type { Quantization, Tensor } from '../graph.js';
import type { ValueRange } from './statistics.js';

/** A bias stays below this, so that the sum of the products still fits 32 bits beside it. */
const MAXIMUM_BIAS = 2 ** 30;

/**
 * Smallest factor from accumulator to output. A channel of weights that are 0 or next to 0 gets larger steps than its
 * weights need, since otherwise its bias would not fit 32 bits; 2^-22 of an output step per accumulator step keeps a
 * bias anywhere in the output's range below 2^30.
 */
const MINIMUM_REQUANTIZATION = 2 ** -22;

/** Scale and zero point for int8 activations of a range, which includes 0; 0 is exact. */
export function asymmetricQuantization({ minimum, maximum }: ValueRange): Quantization {
  // TensorFlow Lite stores scales as float32; models made here behave the same after a detour through its files.
  const scale = Math.fround((maximum - minimum) / 255) || Math.fround(1 / 255);
  const zeroPoint = Math.min(127, Math.max(-128, roundHalfAwayFromZero(-128 - minimum / scale)));
  return { scales: Float64Array.of(scale), zeroPoints: Int32Array.of(zeroPoint), axis: null };
}

/** Whether every output channel has a scale of its own, or all have the largest; both are in the specification. */
export type Granularity = 'per-channel' | 'per-tensor';

/**
 * Weights as int8 in -127 .. 127 with a scale per output channel and zero point 0; with the scales that they came with if they
 * are symmetric.
 *
 * @param bias of the same operator; its size bounds the scale of a channel from below
 */
export function quantizeWeights(
  weights: Tensor,
  bias: Tensor | null,
  {
    channelAxis,
    inputScale,
    outputScale,
    granularity = 'per-channel',
  }: { channelAxis: 0 | 3; inputScale: number; outputScale: number; granularity?: Granularity },
): Omit<Tensor, 'id'> & { quantization: Quantization } {
  const values = floatData(weights);
  const channels = weights.shape[channelAxis];
  const perChannel = values.length / channels;
  const channelOf = (i: number): number => (channelAxis === 0 ? Math.floor(i / perChannel) : i % channels);
  const largest = new Float64Array(channels);
  values.forEach((value, i) => {
    const channel = channelOf(i);
    largest[channel] = Math.max(largest[channel], Math.abs(value));
  });
  const given = weights.quantization;
  const own = largest.map((magnitude, channel) => {
    if (given !== null && given.zeroPoints.every((zeroPoint) => zeroPoint === 0)) {
      return given.axis === null ? given.scales[0] : given.scales[channel];
    }
    const biasMagnitude = bias === null ? 0 : Math.abs(floatData(bias)[channel]);
    return Math.fround(
      Math.max(
        magnitude / 127,
        (MINIMUM_REQUANTIZATION * outputScale) / inputScale,
        biasMagnitude / (inputScale * MAXIMUM_BIAS),
      ),
    );
  });
  const scales =
    granularity === 'per-channel' || given !== null
      ? own
      : own.fill(own.reduce((most, scale) => Math.max(most, scale), 0));
  return {
    name: weights.name,
    shape: weights.shape,
    type: 'int8',
    quantization: { scales, zeroPoints: new Int32Array(channels), axis: channelAxis },
    data: Int8Array.from(values, (value, i) => {
      const stored = roundHalfAwayFromZero(value / scales[channelOf(i)]);
      return Math.min(127, Math.max(given === null ? -127 : -128, stored));
    }),
  };
}

/** A constant operand as int8 with one scale and zero point: the ones that it came with, else those of its range. */
export function quantizeOperand(operand: Tensor): Omit<Tensor, 'id'> {
  const values = floatData(operand);
  const range = values.reduce(
    ({ minimum, maximum }, value) => ({
      minimum: Math.min(minimum, value),
      maximum: Math.max(maximum, value),
    }),
    { minimum: 0, maximum: 0 },
  );
  const given = operand.quantization;
  const quantization = given !== null && given.axis === null ? given : asymmetricQuantization(range);
  const [scale, zeroPoint] = [quantization.scales[0], quantization.zeroPoints[0]];
  return {
    name: operand.name,
    shape: operand.shape,
    type: 'int8',
    quantization,
    data: Int8Array.from(values, (value) =>
      Math.min(127, Math.max(-128, roundHalfAwayFromZero(value / scale) + zeroPoint)),
    ),
  };
}

/** A bias as int32 in steps of input scale times weight scale, the unit of the accumulator. */
export function quantizeBias(
  bias: Tensor,
  weightScales: Float64Array,
  inputScale: number,
): Omit<Tensor, 'id'> {
  const scales = weightScales.map((scale) => scale * inputScale);
  return {
    name: bias.name,
    shape: bias.shape,
    type: 'int32',
    quantization: { scales, zeroPoints: new Int32Array(scales.length), axis: 0 },
    data: Int32Array.from(floatData(bias), (value, channel) =>
      roundHalfAwayFromZero(value / scales[channel]),
    ),
  };
}
