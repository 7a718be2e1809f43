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
  const parts = channels.map((channel) => packChannel(channel, taps, range));
  return parts.every((part) => part !== null) ? Buffer.concat(parts) : null;
}

export interface PackedPasses {
  stream: Uint8Array;
  /** Of each pass, filled up. */
  passWords: number;
  /** In each pass but the last. */
  passChannels: number;
}

/**
 * The same for weights that come from flash in bursts of one size, each with the same number of channels.
 *
 * @param halfBytes room for a pass
 * @returns null also when not even one channel is sure to fit into a pass
 */
export function packPasses(
  channels: readonly PackedChannel[],
  taps: number,
  range: PackedRange,
  halfBytes: number,
): PackedPasses | null {
  const parts = channels.map((channel) => packChannel(channel, taps, range));
  if (!parts.every((part) => part !== null)) {
    return null;
  }
  const passesOf = (count: number) =>
    Array.from({ length: Math.ceil(parts.length / count) }, (_, pass) =>
      Buffer.concat(parts.slice(pass * count, (pass + 1) * count)),
    );
  const largest = (passes: readonly Uint8Array[]) => Math.max(...passes.map(({ length }) => length));
  let passChannels = Math.min(
    parts.length,
    Math.floor(halfBytes / Math.min(...parts.map(({ length }) => length))),
  );
  while (passChannels > 0 && largest(passesOf(passChannels)) > halfBytes) {
    passChannels--;
  }
  if (passChannels === 0) {
    return null;
  }
  const passes = passesOf(passChannels);
  const passBytes = largest(passes);
  const stream = new Uint8Array(passes.length * passBytes);
  passes.forEach((pass, index) => stream.set(pass, index * passBytes));
  return { stream, passWords: passBytes / 4, passChannels };
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
  stream: Uint8Array;
  /** Where in the stream each quad of channels begins, and its end: words. */
  quads: Uint8Array;
  /** Of all channels; shift 0 when each has its own in the stream. */
  multiplier: number;
  shift: number;
  /** Units of 4 words that a quad's count of residuals counts. */
  residualUnits: number;
}

const QUAD_CHANNELS = 4;
const UNIT_WORDS = 4;
/** A quad's count of residuals is 2 bits beside each of its biases. */
const LARGEST_RESIDUAL_COUNT = 255;

/**
 * Of a FULLY_CONNECTED: four channels at a time, all that belongs to them together.
 *
 * @param taps inputs, up to the next multiple of 4
 * @returns null when a channel needs more range than the packed kernel has
 */
export function packFullyConnected(
  channels: readonly PackedChannel[],
  taps: number,
  inputZeroPoint: number,
): PackedFullyConnected | null {
  const none: PackedChannel = {
    bias: 0,
    multiplier: { multiplier: 0, shift: -1 },
    weights: new Int8Array(taps),
  };
  const quads: { channels: PackedChannel[]; weights: Uint8Array; residuals: number[] }[] = [];
  for (let first = 0; first < channels.length; first += QUAD_CHANNELS) {
    const members = Array.from({ length: QUAD_CHANNELS }, (_, index) => channels[first + index] ?? none);
    if (
      !members.every(({ bias, weights, multiplier }) =>
        inRange(bias, magnitudeOf(weights), -multiplier.shift),
      )
    ) {
      return null;
    }
    quads.push({ channels: members, ...packQuad(members, taps) });
  }
  const mostUnits = Math.max(...quads.map(({ residuals }) => Math.ceil(residuals.length / UNIT_WORDS)));
  const residualUnits = Math.max(1, Math.ceil(mostUnits / LARGEST_RESIDUAL_COUNT));
  const { multiplier, shift } = channels[0].multiplier;
  const shared = channels.every(
    (channel) => channel.multiplier.multiplier === multiplier && channel.multiplier.shift === shift,
  );
  const parts: Uint8Array[] = [];
  const begin = [0];
  for (const { channels: members, weights, residuals } of quads) {
    const count = Math.ceil(residuals.length / (UNIT_WORDS * residualUnits));
    const words = members.map(({ bias, weights: own }, index) => {
      const foldedBias = bias - inputZeroPoint * own.reduce((sum, weight) => sum + weight, 0);
      return (foldedBias << 2) | ((count >> (2 * index)) & 3);
    });
    if (!shared) {
      words.push(...members.map((channel) => channel.multiplier.multiplier));
      words.push(...members.map((channel) => -channel.multiplier.shift));
    }
    const filled = new Int32Array(count * residualUnits * UNIT_WORDS);
    filled.set(residuals);
    const quad = Buffer.concat([bytesOf(Int32Array.from(words)), bytesOf(filled), weights]);
    parts.push(quad);
    begin.push(begin[begin.length - 1] + quad.length / 4);
  }
  return {
    stream: Buffer.concat(parts),
    quads: bytesOf(Int32Array.from(begin)),
    multiplier: shared ? multiplier : 0,
    shift: shared ? -shift : 0,
    residualUnits,
  };
}

/** Weights of four channels as bytes that become pairs of channels by masking, and what is too much in a group of taps. */
function packQuad(
  members: readonly PackedChannel[],
  taps: number,
): { weights: Uint8Array; residuals: number[] } {
  const bytes = new Uint8Array(QUAD_CHANNELS * taps);
  const residuals: number[] = [];
  for (const [channel, { weights }] of members.entries()) {
    const bounded = new Int8Array(taps);
    bounded.set(weights);
    residuals.push(
      ...boundGroups(bounded).map(({ tap, weight }) => (tap << 10) | (channel << 8) | (weight & 0xff)),
    );
    bounded.forEach((weight, tap) => {
      // Words of a group: channels 0 and 1 of its first two taps, channels 2 and 3 of them, the same of the last two.
      const word = 4 * (tap >> 2) + (tap & 2) + (channel >> 1);
      bytes[4 * word + 2 * (channel & 1) + (tap & 1)] = weight + 128;
    });
  }
  return { weights: bytes, residuals };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function magnitudeOf(weights: Int8Array): number {
  return weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
}

/** The Winograd kernel has sums times 64 in a word. */
const WINOGRAD_LARGEST_SUM = 2 ** 31 / 64;

/** Whether the Winograd kernel has room for the sums of all channels. */
export function isWinogradExact(channels: readonly PackedChannel[]): boolean {
  return channels.every(({ weights }) => LARGEST_INPUT * magnitudeOf(weights) < WINOGRAD_LARGEST_SUM);
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
  const shift = -multiplier.shift;
  if (!inRange(bias, magnitudeOf(weights), shift)) {
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
