/**
 * The way from a channel's sum to its int8 is a staircase: it rises with the sum, by at most 255 steps, and outside of them
 * it is flat. Where the steps are follows from the constants, so a cheaper formula may be used wherever it has the very same
 * steps; firmware/SPEC.md, section 3.1, "Stairs", has the formula. It is looked for here, and proved step by step.
 */
import type { FixedPointMultiplier } from '../fixed-point.js';

/** The formula's constants, of a sum that is already counted from `base`. */
export interface Stairs {
  /** Sum at which counting begins; below, the output is the minimum. */
  base: number;
  /** Slope per unit of the sum in Q24: `high` plus `low` / 2^`shift`. */
  low: number;
  high: number;
  shift: number;
  /** Output for the sum `base`, Q24, modulo 2^32. */
  offset: number;
  /** From here on the output is the maximum. Never 0. */
  limit: number;
  /** Below this, `jump` is taken off the offset: 0 in stairs without landing. */
  kink: number;
  jump: number;
}

/**
 * Whether the staircase has a landing: rounding treats values above and below the output's zero point differently by up to
 * two units of the sum, which no single line follows.
 */
export function hasLanding({ minimum, zeroPoint }: { minimum: number; zeroPoint: number }): boolean {
  return minimum < zeroPoint;
}

/** What a channel computes from its sum. */
export interface Requantization {
  multiplier: FixedPointMultiplier;
  zeroPoint: number;
  minimum: number;
  maximum: number;
}

const FRACTION_BITS = 24;
const ONE = 2 ** FRACTION_BITS;
const WORD = 2 ** 32;
const LARGEST_SHIFT = 16;
/** It shares a word with the shift. */
const LARGEST_HIGH = 2 ** 24;
/** Slopes that are tried on both sides of the true one, in units of their last bit. */
const SEARCH_RADIUS = 48;
/** Below this nothing overflows when sums are counted from another base. */
const LARGEST_SUM = 2 ** 30;

/**
 * Finds the formula for sums between `lowest` and `highest`.
 *
 * @returns null when there is none; that happens with multipliers below about 1/2000, where 32-bit products get too coarse
 */
export function findStairs(
  { multiplier: { multiplier, shift }, zeroPoint, minimum, maximum }: Requantization,
  lowest: number,
  highest: number,
): Stairs | null {
  if (shift > -1 || shift < -31 || lowest < -LARGEST_SUM || highest >= LARGEST_SUM) {
    return null;
  }
  const step = (value: number): number => lowestSum(value - zeroPoint, multiplier, -shift);
  // Steps that sums can reach: `steps[i]` is the smallest sum whose output is at least first + 1 + i.
  let first = minimum;
  while (first < maximum && step(first + 1) <= lowest) {
    first++;
  }
  const steps: number[] = [];
  for (let value = first + 1; value <= maximum && step(value) <= highest; value++) {
    steps.push(step(value));
  }
  const reachesMaximum = first + steps.length === maximum && steps.length > 0;
  // Sums below `base` give the minimum, so it may lie above `lowest` only if that is what they shall give.
  const base = steps.length > 0 && first === minimum ? steps[0] - 1 : lowest;
  const limit = (reachesMaximum ? steps[steps.length - 1] : highest + 1) - base;
  if (steps.length === 0) {
    return { base, low: 0, high: 0, shift: 0, offset: (first * ONE) | 0, limit, kink: 0, jump: 0 };
  }
  const bits = Math.min(LARGEST_SHIFT, 32 - Math.ceil(Math.log2(limit + 1)));
  if (bits < 1) {
    return null;
  }
  const unit = 2 ** bits;
  // Steps up to the zero point are below the landing, the others above it.
  const below = Math.min(Math.max(zeroPoint - first, 0), steps.length);
  const kink = below < steps.length ? steps[below] - 1 - base : limit;
  const slope = Math.round(multiplier * 2 ** (FRACTION_BITS + bits - 31 + shift));
  for (let distance = 0; distance <= 2 * SEARCH_RADIUS; distance++) {
    const candidate = slope + (distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2);
    const high = Math.floor(candidate / unit);
    const low = candidate - high * unit;
    if (candidate < 0 || high >= LARGEST_HIGH || low * limit >= WORD) {
      continue;
    }
    // Rises with the sum, so that it is right everywhere if it is right on both sides of every step.
    const risen = (sum: number): number => sum * high + Math.floor((sum * low) / unit);
    const offsetFor = (firstStep: number, endStep: number, lastSum: number): number | null => {
      // Where a flight begins the output is that of its lower floor, where it ends that of its upper one.
      let smallest = firstStep * ONE - (firstStep === 0 ? 0 : risen(kink));
      let largest = (endStep + 1) * ONE - 1 - risen(lastSum);
      for (let index = firstStep; index < endStep; index++) {
        const sum = steps[index] - base;
        const edge = (index + 1) * ONE;
        smallest = Math.max(smallest, edge - risen(sum));
        largest = Math.min(largest, edge - 1 - risen(sum - 1));
      }
      return smallest <= largest ? Math.floor((smallest + largest) / 2) : null;
    };
    const lastStep = reachesMaximum ? steps.length - 1 : steps.length;
    const upper = offsetFor(below, Math.max(below, lastStep), limit - 1);
    const lower = below === 0 ? upper : offsetFor(0, Math.min(below, lastStep), Math.min(kink, limit) - 1);
    if (below === steps.length) {
      // Nothing above the landing.
      if (lower !== null) {
        return { base, low, high, shift: bits, offset: (first * ONE + lower) | 0, limit, kink: 0, jump: 0 };
      }
    } else if (upper !== null && lower !== null) {
      const offset = (first * ONE + upper) | 0;
      return {
        base,
        low,
        high,
        shift: bits,
        offset,
        limit,
        kink: below === 0 ? 0 : kink,
        jump: upper - lower,
      };
    }
  }
  return null;
}

/**
 * The smallest sum that requantizes to `value` or more: both roundings of fixed-point.ts `requantize`, undone.
 *
 * @param rightShift 1 .. 31
 */
function lowestSum(value: number, multiplier: number, rightShift: number): number {
  if (multiplier === 0) {
    return value <= 0 ? -Infinity : Infinity;
  }
  // Ties go away from zero in the shift, towards plus infinity in the product.
  const product =
    (BigInt(value) << BigInt(rightShift)) - (1n << BigInt(rightShift - 1)) + (value <= 0 ? 1n : 0n);
  const numerator = (product << 31n) - (1n << 30n);
  const divisor = BigInt(multiplier);
  const quotient = numerator / divisor;
  const rounded = numerator > 0n && quotient * divisor !== numerator ? quotient + 1n : quotient;
  return Number(rounded);
}
