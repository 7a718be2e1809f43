/**
 * The one intermediate representation that every compiler phase reads or writes: a topologically ordered list of
 * operators over numbered tensors. Layout is always NHWC (importers convert), padding is always explicit, and shapes
 * are static with batch 1. Phases never change a graph they were given; they return a new one.
 */

export type ElementType = 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'float32' | 'bool';

export type ElementArray = Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array;

/** Affine quantization: real = scale * (stored - zeroPoint). One entry per tensor, or one per slice along `axis`. */
export interface Quantization {
  scales: Float64Array;
  zeroPoints: Int32Array;
  /** Dimension that the entries run along; null when there is a single entry for the whole tensor. */
  axis: number | null;
}

export interface Tensor {
  /** Index in Graph.tensors. */
  id: number;
  name: string;
  /** Static shape; [] is a scalar. Activations of image operators are [1, height, width, channels]. */
  shape: number[];
  type: ElementType;
  quantization: Quantization | null;
  /** Constant value in row-major order; null for activations. */
  data: ElementArray | null;
}

export interface Padding {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** Clamp fused into an operator's output. */
export type Activation = 'NONE' | 'RELU' | 'RELU6' | 'RELU_N1_TO_1';

interface OperatorBase {
  /** Node name or output name in the source model, for messages. */
  name: string;
  /** Tensor ids of activations and constants, in the order documented per kind; no optional holes. */
  inputs: number[];
  outputs: number[];
}

interface Window {
  strideHeight: number;
  strideWidth: number;
  padding: Padding;
  activation: Activation;
}

/** inputs: activation [1,H,W,I], weights [O,KH,KW,I], optional bias [O]. */
export interface Conv2D extends OperatorBase, Window {
  kind: 'CONV_2D';
  dilationHeight: number;
  dilationWidth: number;
}

/** inputs: activation [1,H,W,I], weights [1,KH,KW,I*M], optional bias [I*M]; output channel c reads input channel floor(c / M). */
export interface DepthwiseConv2D extends OperatorBase, Window {
  kind: 'DEPTHWISE_CONV_2D';
  depthMultiplier: number;
  dilationHeight: number;
  dilationWidth: number;
}

/** inputs: activation (any shape, flattened to [N,I]), weights [O,I], optional bias [O]. */
export interface FullyConnected extends OperatorBase {
  kind: 'FULLY_CONNECTED';
  activation: Activation;
}

/** Average excludes padded positions from the count, as TensorFlow Lite does. */
export interface Pool2D extends OperatorBase, Window {
  kind: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D';
  filterHeight: number;
  filterWidth: number;
}

/**
 * inputs: two values that broadcast as in NumPy; one of them may be a constant. Constants of an int8 graph are int8 with
 * scale and zero point.
 */
export interface Binary extends OperatorBase {
  kind: 'ADD' | 'SUB' | 'MUL';
  activation: Activation;
}

/**
 * A function of one value: 1 / (1 + exp(-x)); tanh x; x * min(max(x + 3, 0), 6) / 6; min(max(alpha x + beta, 0), 1); x for
 * x >= 0, else alpha x (LEAKY_RELU) or alpha (exp(x) - 1) (ELU); x/2 (1 + erf(x / sqrt 2)), with `alpha` 1 the approximation
 * by tanh; QUANTIZE: x itself, in the scale and zero point of the output.
 */
export interface Unary extends OperatorBase {
  kind: 'LOGISTIC' | 'TANH' | 'HARD_SWISH' | 'HARD_SIGMOID' | 'LEAKY_RELU' | 'ELU' | 'GELU' | 'QUANTIZE';
  alpha: number;
  beta: number;
}

/** inputs: activation, slopes for values below 0: one for all, or one for each index of the last dimension. */
export interface Prelu extends OperatorBase {
  kind: 'PRELU';
}

/** Output dimension d is input dimension permutation[d]. */
export interface Transpose extends OperatorBase {
  kind: 'TRANSPOSE';
  permutation: number[];
}

/** Output index i of dimension d is input index begin[d] + i * strides[d]; strides may be negative, not 0. */
export interface Slice extends OperatorBase {
  kind: 'SLICE';
  begin: number[];
  size: number[];
  strides: number[];
}

/** inputs: two or more activations, whose shapes differ in dimension `axis` only. */
export interface Concatenation extends OperatorBase {
  kind: 'CONCATENATION';
  axis: number;
}

/** Row y and column x of the output are row rows[y] and column columns[x] of the input [1,H,W,C]. */
export interface ResizeNearest extends OperatorBase {
  kind: 'RESIZE_NEAREST';
  rows: number[];
  columns: number[];
}

/** Pads with the real value `value` (0 unless said otherwise); `before` and `after` have one entry per dimension. */
export interface Pad extends OperatorBase {
  kind: 'PAD';
  before: number[];
  after: number[];
  value: number;
}

/** Mean over `axes` (of the input's dimensions). */
export interface Mean extends OperatorBase {
  kind: 'MEAN';
  axes: number[];
  keepDims: boolean;
}

/** Same elements, new shape: costs nothing, the planner gives input and output the same memory. */
export interface Reshape extends OperatorBase {
  kind: 'RESHAPE';
}

/** Over the last dimension. */
export interface Softmax extends OperatorBase {
  kind: 'SOFTMAX';
  beta: number;
}

/** A stand-alone clamp; fused into the operator before it wherever that is exact. */
export interface Clamp extends OperatorBase {
  kind: 'CLAMP';
  minimum: number;
  maximum: number;
}

/** y = (x - mean) * scale / sqrt(variance + epsilon) + offset per channel; inputs: activation, scale, offset, mean, variance. Float only; folded before quantization. */
export interface BatchNorm extends OperatorBase {
  kind: 'BATCH_NORM';
  epsilon: number;
}

export type Operator =
  | Conv2D
  | DepthwiseConv2D
  | FullyConnected
  | Pool2D
  | Binary
  | Unary
  | Prelu
  | Transpose
  | Slice
  | Concatenation
  | ResizeNearest
  | Pad
  | Mean
  | Reshape
  | Softmax
  | Clamp
  | BatchNorm;

export type OperatorKind = Operator['kind'];

export interface Graph {
  name: string;
  tensors: Tensor[];
  /** In execution order: an operator's activations are produced before it. */
  operators: Operator[];
  inputs: number[];
  outputs: number[];
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
