/** Weights as the packed kernels read them, channel by channel in one stream: firmware/SPEC.md, section 3.1, kind 11. */
import type { FixedPointMultiplier } from '../fixed-point.js';
import { findStairs, hasLanding, type Stairs } from './staircase.js';

/**
 * Largest sum of |weight| in a group of four taps: with inputs down to -128 the sum of products then stays in 16 bits,
 * 255 * 128 = 32640.
 */
const GROUP_LIMIT = 255;
const GROUP_TAPS = 4;
const HEAD_BYTES = 8;
const TAIL_BYTES = 12;
/** Follows the stairs of a channel when they have a landing. */
const LANDING_BYTES = 8;
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

/** What all channels of an operator share. */
export interface PackedRange {
  inputZeroPoint: number;
  zeroPoint: number;
  minimum: number;
  maximum: number;
}

/** @returns the stream, or null when a channel needs more range than the packed kernels have */
export function packChannels(
  channels: readonly PackedChannel[],
  taps: number,
  range: PackedRange,
): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (const channel of channels) {
    const part = packChannel(channel, taps, range);
    if (part === null) {
      return null;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const DEPTHWISE_RECORD_BYTES = 28;

/**
 * Of a DEPTHWISE_CONV_2D with 3 x 3 taps: fixed records.
 *
 * @returns the records, or null when a channel needs more range than the packed kernel has
 */
export function packDepthwise(channels: readonly PackedChannel[], range: PackedRange): Uint8Array | null {
  const landing = hasLanding(range);
  const recordBytes = DEPTHWISE_RECORD_BYTES + (landing ? LANDING_BYTES : 0);
  const bytes = new Uint8Array(channels.length * recordBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, channel] of channels.entries()) {
    const folded = foldZeroPoint(channel, range);
    const stairs = stairsOf(channel, folded, range);
    // Groups are two taps: only two of the lowest weight could overflow one.
    if (stairs === null || channel.weights.includes(-128)) {
      return null;
    }
    const at = index * recordBytes;
    view.setInt32(at, folded - stairs.base, true);
    view.setUint16(at + 4, stairs.low, true);
    view.setUint8(at + 6, stairs.shift);
    view.setUint32(at + 8, stairs.high, true);
    view.setInt32(at + 12, stairs.offset, true);
    view.setUint32(at + 16, stairs.limit, true);
    channel.weights.forEach((weight, tap) => view.setInt8(tap === 0 ? at + 7 : at + 19 + tap, weight));
    if (landing) {
      writeLanding(view, at + DEPTHWISE_RECORD_BYTES, stairs);
    }
  }
  return bytes;
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

/** Bias less input zero point x sum of all weights: what inputs are taken off for, once for all. */
function foldZeroPoint({ bias, weights }: PackedChannel, { inputZeroPoint }: PackedRange): number {
  return bias - inputZeroPoint * weights.reduce((sum, weight) => sum + weight, 0);
}

/** @param folded from foldZeroPoint */
function stairsOf({ multiplier, weights }: PackedChannel, folded: number, range: PackedRange): Stairs | null {
  const extreme = (worst: (weight: number) => number): number =>
    weights.reduce((sum, weight) => sum + worst(weight), folded);
  return findStairs(
    { multiplier, zeroPoint: range.zeroPoint, minimum: range.minimum, maximum: range.maximum },
    extreme((weight) => Math.min(127 * weight, -128 * weight)),
    extreme((weight) => Math.max(127 * weight, -128 * weight)),
  );
}

function packChannel(channel: PackedChannel, taps: number, range: PackedRange): Uint8Array | null {
  const { bias, multiplier, weights } = channel;
  const magnitude = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const shift = -multiplier.shift;
  if (!inRange(bias, magnitude, shift)) {
    return null;
  }
  const bounded = new Int8Array(taps);
  bounded.set(weights);
  const residuals = boundGroups(bounded);
  const folded = foldZeroPoint(channel, range);
  const stairs = stairsOf(channel, folded, range) ?? {
    base: 0,
    low: 0,
    high: 0,
    shift,
    offset: multiplier.multiplier,
    limit: 0,
    kink: 0,
    jump: 0,
  };
  const landing = hasLanding(range);
  const tailBytes = TAIL_BYTES + (landing ? LANDING_BYTES : 0);
  const bytes = new Uint8Array(HEAD_BYTES + taps + 4 * residuals.length + tailBytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, folded - stairs.base, true);
  view.setUint16(4, stairs.low, true);
  view.setUint16(6, residuals.length, true);
  bytes.set(new Uint8Array(bounded.buffer), HEAD_BYTES);
  residuals.forEach(({ tap, weight }, index) => {
    view.setInt16(HEAD_BYTES + taps + 4 * index, weight, true);
    view.setUint16(HEAD_BYTES + taps + 4 * index + 2, tap, true);
  });
  const tail = bytes.length - tailBytes;
  view.setUint32(tail, stairs.high + 2 ** 24 * stairs.shift, true);
  view.setInt32(tail + 4, stairs.offset, true);
  view.setUint32(tail + 8, stairs.limit, true);
  if (landing) {
    writeLanding(view, tail + TAIL_BYTES, stairs);
  }
  return bytes;
}

function writeLanding(view: DataView, at: number, { kink, jump }: Stairs): void {
  view.setUint32(at, kink, true);
  view.setInt32(at + 4, jump, true);
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
