/** Weights as the packed kernels read them, channel by channel in one stream: firmware/SPEC.md, section 3.1, kind 11. */
import type { FixedPointMultiplier } from '../fixed-point.js';

/**
 * Largest sum of |weight| in a group of four taps: with inputs down to -128 the sum of products then stays in 16 bits,
 * 255 * 128 = 32640.
 */
const GROUP_LIMIT = 255;
const GROUP_TAPS = 4;
const HEADER_BYTES = 16;
/** The kernels split a sum into halves and multiply those; they have room for this much. */
const LARGEST_SUM = 2 ** 29;
/** Largest distance of an int8 input from its zero point. */
const LARGEST_INPUT = 255;

export interface PackedChannel {
  bias: number;
  multiplier: FixedPointMultiplier;
  /** In the order of the taps, one per tap. */
  weights: Int8Array;
}

/** @returns the stream, or null when a channel needs more range than the packed kernels have */
export function packChannels(
  channels: readonly PackedChannel[],
  taps: number,
  inputZeroPoint: number,
): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (const channel of channels) {
    const part = packChannel(channel, taps, inputZeroPoint);
    if (part === null) {
      return null;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * Of a DEPTHWISE_CONV_2D with 3 x 3 taps: fixed records, weights column by column as words.
 *
 * @returns the records, or null when a channel needs more range than the packed kernel has
 */
export function packDepthwise(channels: readonly PackedChannel[], inputZeroPoint: number): Uint8Array | null {
  const groups = 5;
  const records = channels.map(({ bias, multiplier, weights }) => {
    const magnitude = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    const shift = -multiplier.shift;
    if (!inRange(bias, magnitude, shift) || weights.includes(-128)) {
      return null;
    }
    const foldedBias = bias - inputZeroPoint * weights.reduce((sum, weight) => sum + weight, 0);
    const columns = [0, 3, 6, 1, 4, 7, 2, 5, 8].map((tap) => weights[tap]);
    return [firstSum(foldedBias, groups), foldedBias, multiplier.multiplier, shift, ...columns];
  });
  if (records.includes(null)) {
    return null;
  }
  return new Uint8Array(Int32Array.from(records.flatMap((record) => record ?? [])).buffer);
}

export interface PackedFullyConnected {
  weights: Uint8Array;
  channels: Uint8Array;
  residuals: Uint8Array;
}

/**
 * Of a FULLY_CONNECTED: four channels at a time, of each four taps bytes that become pairs of channels by masking.
 *
 * @param taps inputs, up to the next multiple of 4
 * @returns null when a channel needs more range than the packed kernel has
 */
export function packFullyConnected(
  channels: readonly PackedChannel[],
  taps: number,
  inputZeroPoint: number,
): PackedFullyConnected | null {
  const units = 4 * Math.ceil(channels.length / 4);
  const weightBytes = new Uint8Array(units * taps).fill(128);
  const records: number[] = [];
  const residuals: number[] = [];
  for (const [unit, { bias, multiplier, weights }] of channels.entries()) {
    const magnitude = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    const shift = -multiplier.shift;
    if (!inRange(bias, magnitude, shift)) {
      return null;
    }
    const foldedBias = bias - inputZeroPoint * weights.reduce((sum, weight) => sum + weight, 0);
    records.push(foldedBias, multiplier.multiplier, shift, residuals.length);
    const bounded = new Int8Array(taps);
    bounded.set(weights);
    residuals.push(...boundGroups(bounded).map(({ tap, weight }) => (tap << 16) | (weight & 0xffff)));
    bounded.forEach((weight, tap) => {
      // Words of a group: channels 0 and 1 of its first two taps, channels 2 and 3 of them, the same of the last two.
      const word = taps * (unit >> 2) + 4 * (tap >> 2) + (tap & 2) + ((unit & 2) >> 1);
      weightBytes[4 * word + 2 * (unit & 1) + (tap & 1)] = weight + 128;
    });
  }
  for (let unit = channels.length; unit <= units; unit++) {
    records.push(0, 0, 1, residuals.length);
  }
  return {
    weights: weightBytes,
    channels: new Uint8Array(Int32Array.from(records).buffer),
    residuals: new Uint8Array(Int32Array.from(residuals).buffer),
  };
}

/** Whether the kernels' requantization has room for the sums of a channel. */
function inRange(bias: number, magnitude: number, shift: number): boolean {
  return shift >= 1 && shift <= 31 && Math.abs(bias) + LARGEST_INPUT * magnitude < LARGEST_SUM;
}

/** What the sum of both halves starts with: the bias in both, less what rounding adds in every group. */
function firstSum(bias: number, groups: number): number {
  return (bias + (bias << 16) - groups * 0x8000) | 0;
}

function packChannel(
  { bias, multiplier, weights }: PackedChannel,
  taps: number,
  inputZeroPoint: number,
): Uint8Array | null {
  const magnitude = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const shift = -multiplier.shift;
  if (!inRange(bias, magnitude, shift)) {
    return null;
  }
  const bounded = new Int8Array(taps);
  bounded.set(weights);
  const residuals = boundGroups(bounded);
  const foldedBias = bias - inputZeroPoint * weights.reduce((sum, weight) => sum + weight, 0);
  const bytes = new Uint8Array(HEADER_BYTES + taps + 4 * residuals.length);
  const view = new DataView(bytes.buffer);
  const groups = taps / GROUP_TAPS;
  view.setInt32(0, firstSum(foldedBias, groups), true);
  view.setInt32(4, foldedBias, true);
  view.setInt32(8, multiplier.multiplier, true);
  view.setUint32(12, shift + 256 * residuals.length, true);
  bytes.set(new Uint8Array(bounded.buffer), HEADER_BYTES);
  residuals.forEach(({ tap, weight }, index) => {
    view.setInt16(HEADER_BYTES + taps + 4 * index, weight, true);
    view.setUint16(HEADER_BYTES + taps + 4 * index + 2, tap, true);
  });
  return bytes;
}

/** Takes from the heaviest taps of each group what is beyond its limit, and returns that. */
function boundGroups(weights: Int8Array): { tap: number; weight: number }[] {
  const residuals: { tap: number; weight: number }[] = [];
  for (let first = 0; first < weights.length; first += GROUP_TAPS) {
    const heaviest = Array.from({ length: GROUP_TAPS }, (_, index) => first + index).sort(
      (a, b) => Math.abs(weights[b]) - Math.abs(weights[a]) || a - b,
    );
    let excess = heaviest.reduce((sum, tap) => sum + Math.abs(weights[tap]), 0) - GROUP_LIMIT;
    for (const tap of heaviest) {
      if (excess <= 0) {
        break;
      }
      const taken = Math.min(excess, Math.abs(weights[tap]));
      const weight = Math.sign(weights[tap]) * taken;
      residuals.push({ tap, weight });
      weights[tap] -= weight;
      excess -= taken;
    }
  }
  return residuals;
}
