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
    case 'ADD': {
      const other = inputs[1] ?? [];
      if (!sameShape(input, other)) {
        return `adds [${input.join(', ')}] and [${other.join(', ')}], whose shapes differ`;
      }
      return [...input];
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
      return [...input];
  }
}

/** Whether two shapes are equal, dimension by dimension. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
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
