/**
 * Field numbers of TensorFlow Lite's schema, version 3 (tensorflow/lite/schema/schema.fbs: a field's number is its
 * position in the table's declaration). Only what the importer needs.
 */
import type { ElementType } from '../../graph.js';

export const MODEL = { version: 0, operatorCodes: 1, subgraphs: 2, buffers: 4 } as const;
export const OPERATOR_CODE = { deprecatedBuiltinCode: 0, customCode: 1, builtinCode: 3 } as const;
export const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 } as const;
export const BUFFER = { data: 0, offset: 1, size: 2 } as const;
export const TENSOR = {
  shape: 0,
  type: 1,
  buffer: 2,
  name: 3,
  quantization: 4,
  isVariable: 5,
  sparsity: 6,
} as const;
export const QUANTIZATION = { scale: 2, zeroPoint: 3, detailsType: 4, quantizedDimension: 6 } as const;
export const OPERATOR = { opcodeIndex: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4 } as const;

export const CONV_2D_OPTIONS = {
  padding: 0,
  strideW: 1,
  strideH: 2,
  activation: 3,
  dilationW: 4,
  dilationH: 5,
} as const;
export const DEPTHWISE_OPTIONS = {
  padding: 0,
  strideW: 1,
  strideH: 2,
  activation: 4,
  dilationW: 5,
  dilationH: 6,
} as const;
export const POOL_2D_OPTIONS = {
  padding: 0,
  strideW: 1,
  strideH: 2,
  filterW: 3,
  filterH: 4,
  activation: 5,
} as const;
export const FULLY_CONNECTED_OPTIONS = { activation: 0, weightsFormat: 1 } as const;
/** AddOptions, SubOptions and MulOptions. */
export const BINARY_OPTIONS = { activation: 0 } as const;
export const CONCATENATION_OPTIONS = { axis: 0, activation: 1 } as const;
export const STRIDED_SLICE_OPTIONS = {
  beginMask: 0,
  endMask: 1,
  ellipsisMask: 2,
  newAxisMask: 3,
  shrinkAxisMask: 4,
  offset: 5,
} as const;
export const RESIZE_OPTIONS = { alignCorners: 0, halfPixelCenters: 1 } as const;
export const LEAKY_RELU_OPTIONS = { alpha: 0 } as const;
export const GELU_OPTIONS = { approximate: 0 } as const;
export const SOFTMAX_OPTIONS = { beta: 0 } as const;
export const REDUCER_OPTIONS = { keepDims: 0 } as const;

/** Number in the union BuiltinOptions (its first member is 1) of the options that an operator has. */
export const OPTIONS_TYPE = {
  CONV_2D: 1,
  DEPTHWISE_CONV_2D: 2,
  POOL_2D: 5,
  FULLY_CONNECTED: 8,
  SOFTMAX: 9,
  CONCATENATION: 10,
  ADD: 11,
  MUL: 21,
  REDUCER: 27,
  SUB: 28,
  STRIDED_SLICE: 32,
  RESIZE_NEAREST_NEIGHBOR: 74,
  LEAKY_RELU: 75,
  GELU: 116,
} as const;

/** enum BuiltinOperator: the operator is named by custom_code. */
export const CUSTOM_OPERATOR_CODE = 32;

/** enum TensorType: float16, only ever of constants. */
export const HALF_FLOAT = 1;

/** enum TensorType, by number; missing entries are types that the bench has no use for. */
export const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [0, 'float32'],
  [2, 'int32'],
  [3, 'uint8'],
  [4, 'int64'],
  [6, 'bool'],
  [7, 'int16'],
  [9, 'int8'],
]);
