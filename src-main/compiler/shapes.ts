/** Output shapes of operators: the one place that knows them, for importers, checks and tests. */
import type { Operator, Padding } from './graph.js';

/** Positions of a sliding window along one dimension, padding included; at most 0 when the window does not fit. */
export function windowPositions(
  extent: number,
  filter: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
): number {
  return Math.floor((extent + before + after - dilation * (filter - 1) - 1) / stride) + 1;
}

/**
 * Padding of one dimension for TensorFlow's "SAME": the output has ceil(extent / stride) positions and an odd number of
 * padded positions has the extra one after.
 */
export function samePadding(
  extent: number,
  filter: number,
  stride: number,
  dilation: number,
): { before: number; after: number } {
  const positions = Math.ceil(extent / stride);
  const total = Math.max((positions - 1) * stride + dilation * (filter - 1) + 1 - extent, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before };
}

/**
 * The shape of the operator's output, from the shapes of its inputs (activations and constants, as graph.ts orders
 * them); null for RESHAPE, whose output shape is its only parameter. A string says why there is none.
 */
export function inferOutputShape(
  operator: Operator,
  inputs: readonly (readonly number[])[],
): number[] | null | string {
  const input = inputs[0] ?? [];
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D': {
      const weights = inputs[1] ?? [];
      const [, height, width, channels] = input;
      const [first, filterHeight, filterWidth, last] = weights;
      if (input.length !== 4 || weights.length !== 4) {
        return `needs an input and weights of 4 dimensions, not [${input.join(', ')}] and [${weights.join(', ')}]`;
      }
      const depthwise = operator.kind === 'DEPTHWISE_CONV_2D';
      const fits = depthwise
        ? first === 1 && last === channels * operator.depthMultiplier
        : last === channels;
      if (!fits) {
        return `weights [${weights.join(', ')}] do not fit the ${channels} channels of its input`;
      }
      const outputChannels = depthwise ? last : first;
      return windowShape(
        [height, width, outputChannels],
        [filterHeight, filterWidth],
        [operator.strideHeight, operator.strideWidth],
        [operator.dilationHeight, operator.dilationWidth],
        operator.padding,
      );
    }
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D': {
      if (input.length !== 4) {
        return `needs an input of 4 dimensions, not [${input.join(', ')}]`;
      }
      return windowShape(
        [input[1], input[2], input[3]],
        [operator.filterHeight, operator.filterWidth],
        [operator.strideHeight, operator.strideWidth],
        [1, 1],
        operator.padding,
      );
    }
    case 'FULLY_CONNECTED': {
      const weights = inputs[1] ?? [];
      const [outputs, depth] = weights;
      const elements = input.reduce((product, extent) => product * extent, 1);
      if (weights.length !== 2 || elements % depth !== 0) {
        return `weights [${weights.join(', ')}] do not fit its input [${input.join(', ')}]`;
      }
      return [elements / depth, outputs];
    }
    case 'ADD':
    case 'SUB':
    case 'MUL': {
      const other = inputs[1] ?? [];
      return (
        broadcastShape(input, other) ??
        `combines [${input.join(', ')}] and [${other.join(', ')}], whose shapes do not fit each other`
      );
    }
    case 'TRANSPOSE': {
      const { permutation } = operator;
      const sorted = [...permutation].sort((a, b) => a - b);
      if (permutation.length !== input.length || sorted.some((axis, d) => axis !== d)) {
        return `permutes [${input.join(', ')}] by [${permutation.join(', ')}]`;
      }
      return permutation.map((axis) => input[axis]);
    }
    case 'SLICE': {
      const { begin, size, strides } = operator;
      const fits =
        [begin, size, strides].every((list) => list.length === input.length) &&
        input.every((extent, d) => {
          const last = begin[d] + (size[d] - 1) * strides[d];
          return size[d] >= 1 && strides[d] !== 0 && isIndex(begin[d], extent) && isIndex(last, extent);
        });
      return fits
        ? [...size]
        : `cuts [${size.join(', ')}] from [${begin.join(', ')}] on out of [${input.join(', ')}]`;
    }
    case 'CONCATENATION': {
      const { axis } = operator;
      const fits =
        isIndex(axis, input.length) &&
        inputs.every(
          (shape) =>
            shape.length === input.length && shape.every((extent, d) => d === axis || extent === input[d]),
        );
      return fits
        ? input.map((extent, d) =>
            d === axis ? inputs.reduce((sum, shape) => sum + shape[axis], 0) : extent,
          )
        : `joins ${inputs.map((shape) => `[${shape.join(', ')}]`).join(' and ')} along dimension ${axis}`;
    }
    case 'RESIZE_NEAREST': {
      const { rows, columns } = operator;
      const fits =
        input.length === 4 &&
        rows.every((row) => isIndex(row, input[1])) &&
        columns.every((column) => isIndex(column, input[2]));
      return fits
        ? [input[0], rows.length, columns.length, input[3]]
        : `resizes [${input.join(', ')}] to ${rows.length}x${columns.length}`;
    }
    case 'PRELU': {
      const slopes = (inputs[1] ?? []).reduce((product, extent) => product * extent, 1);
      return slopes === 1 || slopes === input.at(-1)
        ? [...input]
        : `has ${slopes} slopes for [${input.join(', ')}]`;
    }
    case 'PAD': {
      if (operator.before.length !== input.length || operator.after.length !== input.length) {
        return `pads ${operator.before.length} dimensions of an input [${input.join(', ')}]`;
      }
      return input.map((extent, d) => extent + operator.before[d] + operator.after[d]);
    }
    case 'MEAN': {
      if (operator.axes.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= input.length)) {
        return `takes the mean over dimension ${operator.axes.join(', ')} of an input [${input.join(', ')}]`;
      }
      return operator.keepDims
        ? input.map((extent, d) => (operator.axes.includes(d) ? 1 : extent))
        : input.filter((_, d) => !operator.axes.includes(d));
    }
    case 'RESHAPE':
      return null;
    case 'SOFTMAX':
      return input.length === 0 ? 'needs an input of at least one dimension' : [...input];
    case 'CLAMP':
    case 'BATCH_NORM':
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'LEAKY_RELU':
    case 'ELU':
    case 'GELU':
    case 'QUANTIZE':
      return [...input];
  }
}

/** Whether two shapes are equal, dimension by dimension. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
}

/** The shape that two shapes broadcast to, as in NumPy; null when they do not. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const extent = (shape: readonly number[], d: number): number => shape[d - rank + shape.length] ?? 1;
  const result = Array.from({ length: rank }, (_, d) => Math.max(extent(a, d), extent(b, d)));
  const fits = result.every((wanted, d) =>
    [extent(a, d), extent(b, d)].every((found) => found === 1 || found === wanted),
  );
  return fits ? result : null;
}

function isIndex(value: number, extent: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < extent;
}

function windowShape(
  [height, width, channels]: [number, number, number],
  [filterHeight, filterWidth]: [number, number],
  [strideHeight, strideWidth]: [number, number],
  [dilationHeight, dilationWidth]: [number, number],
  padding: Padding,
): number[] | string {
  const rows = windowPositions(
    height,
    filterHeight,
    strideHeight,
    dilationHeight,
    padding.top,
    padding.bottom,
  );
  const columns = windowPositions(
    width,
    filterWidth,
    strideWidth,
    dilationWidth,
    padding.left,
    padding.right,
  );
  if (rows < 1 || columns < 1) {
    return `has a window of ${filterHeight}x${filterWidth} that does not fit its input of ${height}x${width}`;
  }
  return [1, rows, columns, channels];
}
