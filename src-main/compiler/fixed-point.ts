/**
 * Real factors as the fixed-point multipliers of TensorFlow Lite's int8 kernels, bit for bit: a factor becomes
 * multiplier * 2^(shift - 31) with a multiplier of 31 bits. Convention of TensorFlow Lite: a positive shift is to the
 * left.
 */

export interface FixedPointMultiplier {
  /** 0, or 2^30 .. 2^31 - 1. */
  multiplier: number;
  /** Left shift when positive, right shift when negative; -31 .. 30. */
  shift: number;
}

/** Splits a finite number: value = fraction * 2^exponent with 0.5 <= |fraction| < 1; zero gives 0 and 0. C's frexp. */
export function frexp(value: number): { fraction: number; exponent: number } {
  if (value === 0 || !Number.isFinite(value)) {
    return { fraction: value, exponent: 0 };
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const biased = (view.getUint16(0) >> 4) & 0x7ff;
  if (biased === 0) {
    // Subnormal: scaled by an exact power of two into the normal range first.
    const { fraction, exponent } = frexp(value * 2 ** 64);
    return { fraction, exponent: exponent - 64 };
  }
  // The exponent field of numbers in [0.5, 1) is 1022.
  view.setUint16(0, (view.getUint16(0) & 0x800f) | (1022 << 4));
  return { fraction: view.getFloat64(0), exponent: biased - 1022 };
}

/** Rounds half away from zero, as C's round does; Math.round rounds half up. */
export function roundHalfAwayFromZero(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

/**
 * TensorFlow Lite's QuantizeMultiplier: fraction and exponent of `real`, the fraction rounded to 31 bits; factors too
 * small for a right shift of 31 become 0, factors too large the largest that there is.
 *
 * @param real a factor, at least 0
 */
export function quantizeMultiplier(real: number): FixedPointMultiplier {
  if (!Number.isFinite(real) || real < 0) {
    throw new RangeError(`a factor of ${real} has no fixed-point multiplier`);
  }
  const { fraction, exponent } = frexp(real);
  const rounded = roundHalfAwayFromZero(fraction * 2 ** 31);
  const carried = rounded === 2 ** 31;
  const multiplier = carried ? 2 ** 30 : rounded;
  const shift = carried ? exponent + 1 : exponent;
  if (shift < -31) {
    return { multiplier: 0, shift: 0 };
  }
  if (shift > 30) {
    return { multiplier: 2 ** 31 - 1, shift: 30 };
  }
  return { multiplier, shift };
}

/**
 * value * multiplier * 2^(shift - 31) as the kernels compute it: the high product rounded with ties towards plus infinity,
 * then the shift to the right with ties away from zero; a shift to the left comes first.
 *
 * @param value int32, also after its shift to the left
 */
export function requantize(value: number, { multiplier, shift }: FixedPointMultiplier): number {
  const shifted = BigInt.asIntN(32, BigInt(value) << BigInt(Math.max(shift, 0)));
  const product = (shifted * BigInt(multiplier) + (1n << 30n)) >> 31n;
  const right = BigInt(Math.max(-shift, 0));
  if (right === 0n) {
    return Number(product);
  }
  const half = 1n << (right - 1n);
  return Number((product + half - (product < 0n ? 1n : 0n)) >> right);
}

/** value / 2^bits, rounded with ties away from zero. */
export function roundingShift(value: number, bits: number): number {
  return roundHalfAwayFromZero(value / 2 ** bits);
}
