/**
 * exp, logistic function and tanh in the fixed-point arithmetic of gemmlowp, on which TensorFlow Lite's int8 reference
 * kernels rest; every bit of a table made from them agrees with those kernels. Qn: an int32 with n integer bits beside the
 * sign, 31 - n fraction bits. Formulas: gemmlowp, fixedpoint.h; DIFFERENCE in bb_softmax.c is the same exponential in C.
 */
import { roundingShift } from '../fixed-point.js';

/** Integer bits of the argument of all three. */
export const ARGUMENT_BITS = 4;

const LARGEST = 2 ** 31 - 1;
const SMALLEST = -(2 ** 31);
const Q2_ONE = 2 ** 29;
/** round(2^31 exp(-2^k)) for k = -2, -1, ... */
const EXPONENTIALS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

/** round(a * b / 2^31), halves towards plus infinity. */
function product(a: number, b: number): number {
  return Number((BigInt(a) * BigInt(b) + (1n << 30n)) >> 31n);
}

function saturate(value: number): number {
  return Math.max(SMALLEST, Math.min(LARGEST, value));
}

/** exp(a) for a in [-1/4, 0), Q0 to Q0: Taylor series of degree 4 around -1/8. */
function expNearZero(a: number): number {
  const expMinusEighth = 1895147668;
  const third = 715827883;
  const x = a + 2 ** 28;
  const x2 = product(x, x);
  const x3 = product(x2, x);
  const x4Over4 = roundingShift(product(x2, x2), 2);
  const higher = roundingShift(product(x4Over4 + x3, third) + x2, 1);
  return expMinusEighth + product(expMinusEighth, x + higher);
}

/** exp(a) for a <= 0 with so many integer bits, to Q0. */
function expOfNegative(a: number, integerBits: number): number {
  if (a === 0) {
    return LARGEST;
  }
  const quarter = 2 ** (31 - integerBits - 2);
  const fraction = (((a % quarter) + quarter) % quarter) - quarter;
  const remainder = fraction - a;
  let result = expNearZero(saturate(fraction * 2 ** integerBits));
  EXPONENTIALS.forEach((factor, k) => {
    if (integerBits > k - 2 && Math.floor(remainder / (quarter * 2 ** k)) % 2 === 1) {
      result = product(result, factor);
    }
  });
  return result;
}

/** 1 / half of (1 + a) for a in [0, 1), Q0 to Q2: three steps of Newton and Raphson. */
function reciprocalOfHalf(a: number): number {
  const sum = a + LARGEST;
  // Rounds half away from zero; both terms are not negative.
  const half = Math.floor((sum + 1) / 2);
  let x = 1515870810 + product(half, -1010580540);
  for (let step = 0; step < 3; step++) {
    const error = Q2_ONE - product(half, x);
    x += saturate(product(x, error) * 4);
  }
  return x;
}

/** 1 / (1 + exp(-x)), x in Q4, result in Q0. */
export function logistic(x: number): number {
  if (x === 0) {
    return 2 ** 30;
  }
  // Half of the reciprocal in Q2 is one with a bit less before the point: its bits as Q1, times 2.
  const positive = saturate(2 * reciprocalOfHalf(expOfNegative(-Math.abs(x), ARGUMENT_BITS)));
  return x > 0 ? positive : LARGEST - positive;
}

/** tanh x, x in Q4, result in Q0. */
export function tanh(x: number): number {
  if (x === 0) {
    return 0;
  }
  // Twice the argument is the same bits with one more before the point.
  const exponential = expOfNegative(-Math.abs(x), ARGUMENT_BITS + 1);
  const magnitude = saturate(4 * (reciprocalOfHalf(exponential) - Q2_ONE));
  return x > 0 ? magnitude : -magnitude;
}
