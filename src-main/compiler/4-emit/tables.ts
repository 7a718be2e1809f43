/**
 * What an int8 operator of one varying input makes of each of the 256 values, as the reference kernels of TensorFlow Lite
 * compute it: one kernel that looks it up does for all of them.
 */
import {
  quantizeMultiplier,
  requantize,
  roundHalfAwayFromZero,
  roundingShift,
  type FixedPointMultiplier,
} from '../fixed-point.js';
import { functionOf } from '../functions.js';
import { constantData } from '../graph-access.js';
import type { Binary, Tensor, Unary } from '../graph.js';
import { ARGUMENT_BITS, logistic, tanh } from './gemmlowp.js';
import { activationRange, addMultipliers, scaleOf, zeroPointOf, type StoredRange } from './requantization.js';

/** Both inputs of ADD and SUB are brought to a common scale with 20 bits to spare. */
const HEAD_ROOM = 2 ** 20;
const INT8: StoredRange = { minimum: -128, maximum: 127 };

/** Maps a stored value to a stored value. */
type StoredFunction = (stored: number) => number;

/** The table of a function: entry i is for the stored value i - 128. */
export function tabulate(value: StoredFunction): Int8Array {
  return Int8Array.from({ length: 256 }, (_, index) => value(index - 128));
}

function clamp(value: number, { minimum, maximum }: StoredRange): number {
  return Math.max(minimum, Math.min(maximum, value));
}

/** As requantize, for factors of either sign. */
function scaled(value: number, factor: number): number {
  const { multiplier, shift } = quantizeMultiplier(Math.abs(factor));
  return requantize(value, { multiplier: factor < 0 ? -multiplier : multiplier, shift });
}

/** QUANTIZE: the same real number in another scale. */
export function requantizationTable(input: Tensor, output: Tensor): Int8Array {
  const factor = quantizeMultiplier(scaleOf(input) / scaleOf(output));
  return tabulate((stored) =>
    clamp(requantize(stored - zeroPointOf(input), factor) + zeroPointOf(output), INT8),
  );
}

/** Table of an element-wise operator of one input. */
export function unaryTable(operator: Unary, input: Tensor, output: Tensor): Int8Array {
  const [zeroIn, zeroOut] = [zeroPointOf(input), zeroPointOf(output)];
  const { fround } = Math;
  switch (operator.kind) {
    case 'QUANTIZE':
      return requantizationTable(input, output);
    case 'LOGISTIC':
      return tabulate(throughFixedPoint(input, [-128, 127], (x) => roundingShift(logistic(x), 23) - 128));
    case 'TANH':
      return tabulate(throughFixedPoint(input, [-128, 127], (x) => roundingShift(tanh(x), 24)));
    case 'HARD_SWISH': {
      const table = hardSwishTable(input, output);
      return table ?? realTable(operator, input, output);
    }
    case 'LEAKY_RELU': {
      // TensorFlow Lite computes both factors in single precision.
      const identity = fround(scaleOf(input) / scaleOf(output));
      const slope = fround(fround(scaleOf(input) * fround(operator.alpha)) / scaleOf(output));
      return tabulate((stored) => {
        const value = stored - zeroIn;
        return clamp(scaled(value, value >= 0 ? identity : slope) + zeroOut, INT8);
      });
    }
    default:
      return realTable(operator, input, output);
  }
}

/** ELU, GELU and what TensorFlow Lite does not have: in real numbers, rounded once. */
function realTable(operator: Unary, input: Tensor, output: Tensor): Int8Array {
  const real = functionOf(operator);
  return tabulate((stored) => {
    const value = real((stored - zeroPointOf(input)) * scaleOf(input)) / scaleOf(output);
    return clamp(roundHalfAwayFromZero(value) + zeroPointOf(output), INT8);
  });
}

/** Functions that TensorFlow Lite evaluates on Q4 numbers; beyond what those hold the ends of the range are the result. */
function throughFixedPoint(
  input: Tensor,
  [low, high]: readonly [number, number],
  value: (q4: number) => number,
): StoredFunction {
  const factor = quantizeMultiplier(scaleOf(input) * 2 ** (31 - ARGUMENT_BITS));
  const largest = (2 ** ARGUMENT_BITS - 1) * 2 ** (31 - ARGUMENT_BITS);
  const radius = Math.floor(largest / 2 ** factor.shift);
  return (stored) => {
    const difference = stored - zeroPointOf(input);
    if (difference <= -radius) {
      return low;
    }
    if (difference >= radius) {
      return high;
    }
    return clamp(value(requantize(difference, factor)), { minimum: low, maximum: high });
  };
}

/**
 * HARD_SWISH in 16 bits, step by step as the reference kernel (TensorFlow Lite, reference/hard_swish.h); null where that kernel
 * refuses, because an output step is less than 1/128 of an input step.
 */
function hardSwishTable(input: Tensor, output: Tensor): Int8Array | null {
  const { fround } = Math;
  const fineScale = fround(fround(1 / 128) * fround(scaleOf(input)));
  const toOutput = narrow(quantizeMultiplier(fround(fineScale / fround(scaleOf(output)))));
  const toUnit = narrow(quantizeMultiplier(fround(fineScale / fround(3 / 32768))));
  if (toOutput.shift > 0) {
    return null;
  }
  return tabulate((stored) => {
    const fine = wrap16((stored - zeroPointOf(input)) * 128);
    const beforeShift = product16(fine, toOutput.multiplier);
    // x in units of 3 / 32768, so that -3 .. 3 become the ends of the range.
    let unit = fine;
    if (toUnit.shift > 0) {
      unit = saturate16(unit * 2 ** (toUnit.shift - 1));
    }
    unit = product16(unit, toUnit.multiplier);
    if (toUnit.shift > 0) {
      unit = saturate16(unit * 2);
    } else if (toUnit.shift < 0) {
      unit = wrap16(roundingShift(unit, -toUnit.shift));
    }
    const gate = (unit + 32768) >> 1;
    const swished = Math.trunc((gate * beforeShift) / 32768);
    const value = roundingShift(swished, -toOutput.shift);
    return clamp(wrap16(value + zeroPointOf(output)), INT8);
  });
}

/** A multiplier in 15 bits. */
function narrow({ multiplier, shift }: FixedPointMultiplier): FixedPointMultiplier {
  const rounding = 2 ** 15;
  return {
    multiplier: multiplier >= 2 ** 31 - 1 - rounding ? 32767 : (multiplier + rounding) >> 16,
    shift,
  };
}

function wrap16(value: number): number {
  return (value << 16) >> 16;
}

function saturate16(value: number): number {
  return Math.max(-32768, Math.min(32767, value));
}

/** round(a * b / 2^15), halves towards plus infinity. */
function product16(a: number, b: number): number {
  return Math.min(32767, Math.floor((a * b + 2 ** 14) / 2 ** 15));
}

/**
 * Tables of an operator that combines its input with a constant, one per channel where the constant has one value per
 * channel.
 *
 * @param constantFirst whether the constant is the left operand
 */
export function constantTables(
  operator: Binary,
  input: Tensor,
  constant: Tensor,
  output: Tensor,
  constantFirst: boolean,
): Int8Array[] {
  const range = activationRange(operator.activation, output);
  return valuesOf(constant).map((value) => {
    const other = value - zeroPointOf(constant);
    return tabulate((stored) => {
      const own = stored - zeroPointOf(input);
      const [a, b] = constantFirst ? [other, own] : [own, other];
      const left = constantFirst ? constant : input;
      const right = constantFirst ? input : constant;
      return clamp(combine(operator.kind, left, right, output, a, b) + zeroPointOf(output), range);
    });
  });
}

/** What a binary operator makes of two stored values less their zero points, before the output's zero point. */
function combine(
  kind: Binary['kind'],
  left: Tensor,
  right: Tensor,
  output: Tensor,
  a: number,
  b: number,
): number {
  if (kind === 'MUL') {
    return requantize(a * b, productMultiplier(left, right, output));
  }
  const multipliers = addMultipliers(left, right, output);
  const [x, y] = [requantize(a * HEAD_ROOM, multipliers.left), requantize(b * HEAD_ROOM, multipliers.right)];
  return requantize(kind === 'ADD' ? x + y : x - y, multipliers.output);
}

/** Of MUL: both input scales over the output's, in double precision. */
export function productMultiplier(left: Tensor, right: Tensor, output: Tensor): FixedPointMultiplier {
  return quantizeMultiplier((scaleOf(left) * scaleOf(right)) / scaleOf(output));
}

function valuesOf(constant: Tensor): number[] {
  return Array.from(constantData(constant) as ArrayLike<number>, Number);
}

/** Tables of PRELU, one per slope. */
export function preluTables(input: Tensor, slopes: Tensor, output: Tensor): Int8Array[] {
  const identity = scaleOf(input) / scaleOf(output);
  const product = (scaleOf(input) * scaleOf(slopes)) / scaleOf(output);
  return valuesOf(slopes).map((value) => {
    const slope = value - zeroPointOf(slopes);
    return tabulate((stored) => {
      const own = stored - zeroPointOf(input);
      const result = own >= 0 ? scaled(own, identity) : scaled(own * slope, product);
      return clamp(result + zeroPointOf(output), INT8);
    });
  });
}
