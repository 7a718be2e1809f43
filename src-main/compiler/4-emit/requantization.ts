/**
 * The fixed-point constants that kernels read, computed with the floating-point types that TensorFlow Lite uses at each
 * place, because a multiplier that is off by one is a different model.
 */
import { present } from '../../common/present.js';
import { quantizeMultiplier, roundHalfAwayFromZero, type FixedPointMultiplier } from '../fixed-point.js';
import type { Activation, Quantization, Tensor } from '../graph.js';

/** Real values that a fused activation clamps to. */
const ACTIVATION_LIMITS: Readonly<Record<Activation, readonly [number, number]>> = {
  NONE: [-Infinity, Infinity],
  RELU: [0, Infinity],
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
};

export interface StoredRange {
  minimum: number;
  maximum: number;
}

export function quantizationOf(tensor: Tensor): Quantization {
  return present(tensor.quantization, `quantization of tensor "${tensor.name}"`);
}

/** The one scale of a tensor that is quantized as a whole. */
export function scaleOf(tensor: Tensor): number {
  return quantizationOf(tensor).scales[0];
}

export function zeroPointOf(tensor: Tensor): number {
  return quantizationOf(tensor).zeroPoints[0];
}

/** A real value as the tensor stores it, before clamping to int8; the quotient is float32 as in TensorFlow Lite. */
export function storedValue(value: number, tensor: Tensor): number {
  return zeroPointOf(tensor) + roundHalfAwayFromZero(Math.fround(value / scaleOf(tensor)));
}

/** The range of stored values that a clamp to the real values minimum .. maximum leaves; infinite = no limit. */
export function storedRange(minimum: number, maximum: number, output: Tensor): StoredRange {
  return {
    minimum: minimum === -Infinity ? -128 : Math.min(127, Math.max(-128, storedValue(minimum, output))),
    maximum: maximum === Infinity ? 127 : Math.min(127, Math.max(-128, storedValue(maximum, output))),
  };
}

export function activationRange(activation: Activation, output: Tensor): StoredRange {
  const [minimum, maximum] = ACTIVATION_LIMITS[activation];
  return storedRange(minimum, maximum, output);
}

/**
 * Multiplier of each of `count` output channels: input scale * weight scale / output scale. Weights quantized per channel
 * multiply in double precision, weights quantized as a whole in single (TensorFlow Lite, kernel_util.cc).
 */
export function channelMultipliers(
  input: Tensor,
  weights: Tensor,
  output: Tensor,
  count: number,
  perTensorInFloat: boolean,
): FixedPointMultiplier[] {
  const { scales } = quantizationOf(weights);
  return Array.from({ length: count }, (_, channel) => {
    const scale = scales.length === 1 ? scales[0] : scales[channel];
    const product = scaleOf(input) * scale;
    const single = perTensorInFloat && scales.length === 1;
    return quantizeMultiplier((single ? Math.fround(product) : product) / scaleOf(output));
  });
}

/** Both inputs of ADD to twice the larger scale, and their sum to the output's; 20 bits of head room before. */
export function addMultipliers(
  left: Tensor,
  right: Tensor,
  output: Tensor,
): { left: FixedPointMultiplier; right: FixedPointMultiplier; output: FixedPointMultiplier } {
  const common = 2 * Math.max(scaleOf(left), scaleOf(right));
  return {
    left: quantizeMultiplier(scaleOf(left) / common),
    right: quantizeMultiplier(scaleOf(right) / common),
    output: quantizeMultiplier(common / (2 ** 20 * scaleOf(output))),
  };
}

/** input scale / output scale / count, the last folded in with integers as TensorFlow Lite's reduce.h does. */
export function meanMultiplier(input: Tensor, output: Tensor, count: number): FixedPointMultiplier {
  const { multiplier, shift } = quantizeMultiplier(scaleOf(input) / scaleOf(output));
  const bits = Math.min(Math.floor(Math.log2(count)), 32, 31 + shift);
  return {
    multiplier: Number((BigInt(multiplier) << BigInt(bits)) / BigInt(count)),
    shift: shift - bits,
  };
}

/** Integer bits of the scaled difference of a softmax: firmware/kernels/bb_softmax.c. */
const SOFTMAX_INTEGER_BITS = 5;

/** beta * (x - max) as a Q5 number, and the smallest difference that it can hold. */
export function softmaxConstants(
  input: Tensor,
  beta: number,
): FixedPointMultiplier & { differenceMinimum: number } {
  const fractionBits = 31 - SOFTMAX_INTEGER_BITS;
  const factor = Math.min(beta * scaleOf(input) * 2 ** fractionBits, 2 ** 31 - 1);
  const { multiplier, shift } = quantizeMultiplier(factor);
  const radius = ((2 ** SOFTMAX_INTEGER_BITS - 1) * 2 ** fractionBits) / 2 ** shift;
  return { multiplier, shift, differenceMinimum: -Math.floor(radius) };
}
