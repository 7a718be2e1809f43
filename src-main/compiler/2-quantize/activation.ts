import type { Activation } from '../graph.js';

/** Range of real values that a fused activation lets through. */
export const ACTIVATION_RANGES: Readonly<Record<Activation, readonly [minimum: number, maximum: number]>> = {
  NONE: [-Infinity, Infinity],
  RELU: [0, Infinity],
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
};
