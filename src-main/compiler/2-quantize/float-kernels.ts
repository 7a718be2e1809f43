/**
 * Operators of the graph in float32 with sums in float64: for calibration and for the accuracy of the float model, not
 * for the board. Every function writes all of `output`. Layouts are those of graph.ts.
 */
import type { Activation, Binary, Conv2D, DepthwiseConv2D, Pool2D, ResizeNearest, Slice } from '../graph.js';
import { ACTIVATION_RANGES } from './activation.js';

/** Extents of an image tensor [1, height, width, channels]. */
export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** Clamps `values` in place to what a fused activation lets through. */
export function activate(values: Float32Array, activation: Activation): void {
  if (activation !== 'NONE') {
    clamp(values, values, ...ACTIVATION_RANGES[activation]);
  }
}

export function clamp(input: Float32Array, output: Float32Array, minimum: number, maximum: number): void {
  for (let i = 0; i < input.length; i++) {
    const value = input[i];
    output[i] = value < minimum ? minimum : value > maximum ? maximum : value;
  }
}

/** Weights [O,KH,KW,I] of the given filter size. */
export function conv2D(
  operator: Conv2D,
  filter: { height: number; width: number },
  input: Float32Array,
  inputShape: ImageShape,
  weights: Float32Array,
  bias: Float32Array | null,
  output: Float32Array,
  outputShape: ImageShape,
): void {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padding } = operator;
  const depth = inputShape.channels;
  const outputs = outputShape.channels;
  const weightsPerOutput = filter.height * filter.width * depth;
  const sums = new Float64Array(outputs);
  for (let y = 0; y < outputShape.height; y++) {
    for (let x = 0; x < outputShape.width; x++) {
      sums.fill(0);
      for (let ky = 0; ky < filter.height; ky++) {
        const row = y * strideHeight - padding.top + ky * dilationHeight;
        if (row < 0 || row >= inputShape.height) {
          continue;
        }
        for (let kx = 0; kx < filter.width; kx++) {
          const column = x * strideWidth - padding.left + kx * dilationWidth;
          if (column < 0 || column >= inputShape.width) {
            continue;
          }
          const from = (row * inputShape.width + column) * depth;
          let weight = (ky * filter.width + kx) * depth;
          let o = 0;
          // Four outputs at a time: an input is read once for all, and four sums do not wait for each other.
          for (; o + 4 <= outputs; o += 4) {
            const [second, third] = [weight + weightsPerOutput, weight + 2 * weightsPerOutput];
            const fourth = third + weightsPerOutput;
            let [a, b, c, d] = [0, 0, 0, 0];
            for (let i = 0; i < depth; i++) {
              const value = input[from + i];
              a += value * weights[weight + i];
              b += value * weights[second + i];
              c += value * weights[third + i];
              d += value * weights[fourth + i];
            }
            sums[o] += a;
            sums[o + 1] += b;
            sums[o + 2] += c;
            sums[o + 3] += d;
            weight = fourth + weightsPerOutput;
          }
          for (; o < outputs; o++) {
            let sum = 0;
            for (let i = 0; i < depth; i++) {
              sum += input[from + i] * weights[weight + i];
            }
            sums[o] += sum;
            weight += weightsPerOutput;
          }
        }
      }
      const to = (y * outputShape.width + x) * outputs;
      for (let o = 0; o < outputs; o++) {
        output[to + o] = sums[o] + (bias === null ? 0 : bias[o]);
      }
    }
  }
  activate(output, operator.activation);
}

/** Weights [1,KH,KW,O] of the given filter size. */
export function depthwiseConv2D(
  operator: DepthwiseConv2D,
  filter: { height: number; width: number },
  input: Float32Array,
  inputShape: ImageShape,
  weights: Float32Array,
  bias: Float32Array | null,
  output: Float32Array,
  outputShape: ImageShape,
): void {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padding, depthMultiplier } = operator;
  const outputs = outputShape.channels;
  const sums = new Float64Array(outputs);
  for (let y = 0; y < outputShape.height; y++) {
    for (let x = 0; x < outputShape.width; x++) {
      sums.fill(0);
      for (let ky = 0; ky < filter.height; ky++) {
        const row = y * strideHeight - padding.top + ky * dilationHeight;
        if (row < 0 || row >= inputShape.height) {
          continue;
        }
        for (let kx = 0; kx < filter.width; kx++) {
          const column = x * strideWidth - padding.left + kx * dilationWidth;
          if (column < 0 || column >= inputShape.width) {
            continue;
          }
          const from = (row * inputShape.width + column) * inputShape.channels;
          const weight = (ky * filter.width + kx) * outputs;
          if (depthMultiplier === 1) {
            for (let o = 0; o < outputs; o++) {
              sums[o] += input[from + o] * weights[weight + o];
            }
          } else {
            for (let o = 0; o < outputs; o++) {
              sums[o] += input[from + Math.floor(o / depthMultiplier)] * weights[weight + o];
            }
          }
        }
      }
      const to = (y * outputShape.width + x) * outputs;
      for (let o = 0; o < outputs; o++) {
        output[to + o] = sums[o] + (bias === null ? 0 : bias[o]);
      }
    }
  }
  activate(output, operator.activation);
}

/** Maximum, or average over the positions that are not padding. */
export function pool2D(
  operator: Pool2D,
  input: Float32Array,
  inputShape: ImageShape,
  output: Float32Array,
  outputShape: ImageShape,
): void {
  const { strideHeight, strideWidth, filterHeight, filterWidth, padding } = operator;
  const channels = inputShape.channels;
  const average = operator.kind === 'AVERAGE_POOL_2D';
  const values = new Float64Array(channels);
  for (let y = 0; y < outputShape.height; y++) {
    const top = y * strideHeight - padding.top;
    const firstRow = Math.max(top, 0);
    const endRow = Math.min(top + filterHeight, inputShape.height);
    for (let x = 0; x < outputShape.width; x++) {
      const left = x * strideWidth - padding.left;
      const firstColumn = Math.max(left, 0);
      const endColumn = Math.min(left + filterWidth, inputShape.width);
      values.fill(average ? 0 : -Infinity);
      for (let row = firstRow; row < endRow; row++) {
        for (let column = firstColumn; column < endColumn; column++) {
          const from = (row * inputShape.width + column) * channels;
          for (let c = 0; c < channels; c++) {
            const value = input[from + c];
            values[c] = average ? values[c] + value : Math.max(values[c], value);
          }
        }
      }
      const count = average ? (endRow - firstRow) * (endColumn - firstColumn) : 1;
      const to = (y * outputShape.width + x) * channels;
      for (let c = 0; c < channels; c++) {
        output[to + c] = values[c] / count;
      }
    }
  }
  activate(output, operator.activation);
}

/** Rows of `depth` inputs times weights [O, depth]. */
export function fullyConnected(
  input: Float32Array,
  weights: Float32Array,
  bias: Float32Array | null,
  output: Float32Array,
  depth: number,
): void {
  const outputs = weights.length / depth;
  const rows = input.length / depth;
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias === null ? 0 : bias[o];
      for (let i = 0; i < depth; i++) {
        sum += input[row * depth + i] * weights[o * depth + i];
      }
      output[row * outputs + o] = sum;
    }
  }
}

/** ADD, SUB and MUL with both operands broadcast to the shape of the output. */
export function binary(
  kind: Binary['kind'],
  [a, b]: readonly [Float32Array, Float32Array],
  [aShape, bShape]: readonly [readonly number[], readonly number[]],
  output: Float32Array,
  outputShape: readonly number[],
): void {
  const same = a.length === output.length && b.length === output.length;
  const positions = same ? null : [aShape, bShape].map((shape) => broadcastPositions(shape, outputShape));
  for (let i = 0; i < output.length; i++) {
    const x = a[positions === null ? i : positions[0][i]];
    const y = b[positions === null ? i : positions[1][i]];
    output[i] = kind === 'ADD' ? x + y : kind === 'SUB' ? x - y : x * y;
  }
}

/** For every element of a shape, where the element that is broadcast to it lies. */
function broadcastPositions(shape: readonly number[], to: readonly number[]): Uint32Array {
  const missing = to.length - shape.length;
  const own = stridesOf(shape);
  return strided(
    to,
    to.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : own[d - missing])),
    0,
  );
}

/** Positions begin + sum of index times stride, for all indices of a shape in row-major order. */
function strided(shape: readonly number[], strides: readonly number[], begin: number): Uint32Array {
  let positions = Uint32Array.of(begin);
  shape.forEach((extent, d) => {
    const next = new Uint32Array(positions.length * extent);
    positions.forEach((position, p) => {
      for (let i = 0; i < extent; i++) {
        next[p * extent + i] = position + i * strides[d];
      }
    });
    positions = next;
  });
  return positions;
}

/** Positions that the elements of a TRANSPOSE come from. */
export function transposedFrom(inputShape: readonly number[], permutation: readonly number[]): Uint32Array {
  const strides = stridesOf(inputShape);
  return strided(
    permutation.map((axis) => inputShape[axis]),
    permutation.map((axis) => strides[axis]),
    0,
  );
}

/** Positions that the elements of a SLICE come from. */
export function slicedFrom(inputShape: readonly number[], { begin, size, strides }: Slice): Uint32Array {
  const own = stridesOf(inputShape);
  return strided(
    size,
    own.map((stride, d) => stride * strides[d]),
    begin.reduce((sum, index, d) => sum + index * own[d], 0),
  );
}

/** Positions that the elements of a RESIZE_NEAREST come from. */
export function resizedFrom(
  [, , width, channels]: readonly number[],
  { rows, columns }: ResizeNearest,
): Uint32Array {
  const positions = new Uint32Array(rows.length * columns.length * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (let c = 0; c < channels; c++) {
        positions[to++] = (row * width + column) * channels + c;
      }
    }
  }
  return positions;
}

/** Runs of every part in turn; `lengths` are the elements of one run of each. */
export function concatenate(
  parts: readonly Float32Array[],
  lengths: readonly number[],
  output: Float32Array,
): void {
  const runs = parts[0].length / lengths[0];
  let to = 0;
  for (let run = 0; run < runs; run++) {
    parts.forEach((part, i) => {
      output.set(part.subarray(run * lengths[i], (run + 1) * lengths[i]), to);
      to += lengths[i];
    });
  }
}

/** x, below 0 times the slope of its index of the last dimension. */
export function prelu(input: Float32Array, slopes: Float32Array, output: Float32Array): void {
  for (let i = 0; i < input.length; i++) {
    output[i] = input[i] >= 0 ? input[i] : slopes[i % slopes.length] * input[i];
  }
}

/** Copies `input` into the middle of `output`, which is filled with `value`. */
export function pad(
  input: Float32Array,
  inputShape: readonly number[],
  output: Float32Array,
  outputShape: readonly number[],
  before: readonly number[],
  value: number,
): void {
  output.fill(value);
  const innermost = inputShape.at(-1) ?? 1;
  const strides = stridesOf(outputShape);
  for (let from = 0; from < input.length; from += innermost) {
    let to = before.at(-1) ?? 0;
    let rest = from / innermost;
    for (let d = inputShape.length - 2; d >= 0; d--) {
      to += ((rest % inputShape[d]) + before[d]) * strides[d];
      rest = Math.floor(rest / inputShape[d]);
    }
    output.set(input.subarray(from, from + innermost), to);
  }
}

/** Mean over `axes` of the input; whether they are kept as extents of 1 makes no difference to the order of elements. */
export function mean(
  input: Float32Array,
  inputShape: readonly number[],
  output: Float32Array,
  axes: readonly number[],
): void {
  const keptShape = inputShape.map((extent, d) => (axes.includes(d) ? 1 : extent));
  const strides = stridesOf(keptShape).map((stride, d) => (axes.includes(d) ? 0 : stride));
  const sums = new Float64Array(output.length);
  for (let from = 0; from < input.length; from++) {
    let to = 0;
    let rest = from;
    for (let d = inputShape.length - 1; d >= 0; d--) {
      to += (rest % inputShape[d]) * strides[d];
      rest = Math.floor(rest / inputShape[d]);
    }
    sums[to] += input[from];
  }
  const count = input.length / output.length;
  for (let i = 0; i < output.length; i++) {
    output[i] = sums[i] / count;
  }
}

/** exp(beta * x) over runs of `depth`, each divided by its sum; shifted by the maximum so that nothing overflows. */
export function softmax(input: Float32Array, output: Float32Array, depth: number, beta: number): void {
  for (let start = 0; start < input.length; start += depth) {
    let maximum = -Infinity;
    for (let i = start; i < start + depth; i++) {
      maximum = Math.max(maximum, input[i]);
    }
    let sum = 0;
    for (let i = start; i < start + depth; i++) {
      sum += Math.exp(beta * (input[i] - maximum));
    }
    for (let i = start; i < start + depth; i++) {
      output[i] = Math.exp(beta * (input[i] - maximum)) / sum;
    }
  }
}

/** Per channel of the last dimension. */
export function batchNorm(
  input: Float32Array,
  output: Float32Array,
  [scale, offset, average, variance]: readonly Float32Array[],
  epsilon: number,
): void {
  const channels = scale.length;
  for (let c = 0; c < channels; c++) {
    const factor = scale[c] / Math.sqrt(variance[c] + epsilon);
    for (let i = c; i < input.length; i += channels) {
      output[i] = (input[i] - average[c]) * factor + offset[c];
    }
  }
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) {
    strides[d] = strides[d + 1] * shape[d + 1];
  }
  return strides;
}
