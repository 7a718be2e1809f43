/**
 * TensorFlow Lite's int8 specification once more, straight from its definitions: exact integers (BigInt), one output element
 * at a time, no tiles, no clipping, no shared code with compiler or kernels. Slow, and therefore easy to trust.
 */
import assert from 'node:assert/strict';
import { unaryTable } from '../../src-main/compiler/4-emit/tables.js';
import type { Graph, Operator, Tensor } from '../../src-main/compiler/graph.js';

interface Activation {
  shape: readonly number[];
  values: Int8Array;
}

/** round(numerator / denominator), halves towards plus infinity; denominator > 0. */
function roundHalfUp(numerator: bigint, denominator: bigint): bigint {
  return floorDivide(2n * numerator + denominator, 2n * denominator);
}

/** round(numerator / denominator), halves away from zero; denominator > 0. */
export function roundHalfAway(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const rounded = (2n * magnitude + denominator) / (2n * denominator);
  return numerator < 0n ? -rounded : rounded;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** A factor as Q31 multiplier and exponent, by repeated halving and doubling. */
export function splitFactor(factor: number): { multiplier: bigint; exponent: number } {
  if (factor === 0) {
    return { multiplier: 0n, exponent: 0 };
  }
  let fraction = factor;
  let exponent = 0;
  while (fraction >= 1) {
    fraction /= 2;
    exponent++;
  }
  while (fraction < 0.5) {
    fraction *= 2;
    exponent--;
  }
  const multiplier = BigInt(Math.round(fraction * 2 ** 31));
  return multiplier === 2n ** 31n
    ? { multiplier: 2n ** 30n, exponent: exponent + 1 }
    : { multiplier, exponent };
}

/** value * factor, rounded after the multiplication and again after the shift, as the specification demands. */
export function requantized(
  value: bigint,
  { multiplier, exponent }: { multiplier: bigint; exponent: number },
): bigint {
  const shifted = exponent > 0 ? BigInt.asIntN(32, value << BigInt(exponent)) : value;
  const high = roundHalfUp(shifted * multiplier, 2n ** 31n);
  return exponent < 0 ? roundHalfAway(high, 2n ** BigInt(-exponent)) : high;
}

function scaleOf(tensor: Tensor): number {
  return tensor.quantization?.scales[0] ?? NaN;
}

function zeroOf(tensor: Tensor): bigint {
  return BigInt(tensor.quantization?.zeroPoints[0] ?? NaN);
}

function clamp(value: bigint, [low, high]: readonly [bigint, bigint]): number {
  return Number(value < low ? low : value > high ? high : value);
}

function limits(operator: Operator, output: Tensor): [bigint, bigint] {
  const activation = 'activation' in operator ? operator.activation : 'NONE';
  const stored = (real: number): bigint => {
    // Limits are divided in single precision: 5 / 0.08f is 62.5 there, and rounds away from zero.
    const quotient = Math.fround(real / scaleOf(output));
    const value = zeroOf(output) + BigInt(Math.sign(quotient) * Math.round(Math.abs(quotient)));
    return value < -128n ? -128n : value > 127n ? 127n : value;
  };
  const table: Record<string, [bigint, bigint]> = {
    NONE: [-128n, 127n],
    RELU: [stored(0), 127n],
    RELU6: [stored(0), stored(6)],
    RELU_N1_TO_1: [stored(-1), stored(1)],
  };
  if (operator.kind === 'CLAMP') {
    return [
      operator.minimum === -Infinity ? -128n : stored(operator.minimum),
      operator.maximum === Infinity ? 127n : stored(operator.maximum),
    ];
  }
  return table[activation];
}

/** All index tuples of a shape in row-major order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) {
    yield [];
    return;
  }
  for (let i = 0; i < shape[0]; i++) {
    for (const rest of indices(shape.slice(1))) {
      yield [i, ...rest];
    }
  }
}

/** Element at `index`, or null outside. */
function at(
  array: { shape: readonly number[]; values: ArrayLike<number> },
  index: readonly number[],
): number | null {
  let position = 0;
  for (const [d, extent] of array.shape.entries()) {
    if (index[d] < 0 || index[d] >= extent) {
      return null;
    }
    position = position * extent + index[d];
  }
  return array.values[position];
}

/** Index of the element that is broadcast to `index`. */
function broadcastIndex(index: readonly number[], shape: readonly number[]): number[] {
  return shape.map((extent, d) => (extent === 1 ? 0 : index[index.length - shape.length + d]));
}

/** As requantized, for factors below 0 too. */
function signedRequantized(value: bigint, factor: number): bigint {
  const { multiplier, exponent } = splitFactor(Math.abs(factor));
  return requantized(value, { multiplier: factor < 0 ? -multiplier : multiplier, exponent });
}

function constant(tensor: Tensor): { shape: readonly number[]; values: ArrayLike<number> } {
  assert(tensor.data !== null && !(tensor.data instanceof BigInt64Array));
  return { shape: tensor.shape, values: tensor.data };
}

/** Evaluates one operator; every kind but SOFTMAX, whose fixed-point exponential has its own tests. */
function evaluate(graph: Graph, operator: Operator, inputs: Activation[]): Int8Array {
  const tensors = operator.inputs.map((id) => graph.tensors[id]);
  const output = graph.tensors[operator.outputs[0]];
  const [x] = inputs;
  const zeroIn = zeroOf(tensors[0]);
  const zeroOut = zeroOf(output);
  const range = limits(operator, output);
  const finish = (value: bigint): number => clamp(value + zeroOut, range);
  const results: number[] = [];

  const factorOf = (channel: number, single: boolean): number => {
    const scales = tensors[1].quantization?.scales ?? new Float64Array();
    const product = scaleOf(tensors[0]) * (scales.length === 1 ? scales[0] : scales[channel]);
    return (single && scales.length === 1 ? Math.fround(product) : product) / scaleOf(output);
  };
  const biasOf = (channel: number): bigint =>
    tensors.length > 2 ? BigInt(constant(tensors[2]).values[channel]) : 0n;

  for (const [, y = 0, xx = 0, c = 0] of operator.kind === 'CONV_2D' ||
  operator.kind === 'DEPTHWISE_CONV_2D' ||
  operator.kind === 'AVERAGE_POOL_2D' ||
  operator.kind === 'MAX_POOL_2D'
    ? indices(output.shape)
    : []) {
    if (operator.kind === 'AVERAGE_POOL_2D' || operator.kind === 'MAX_POOL_2D') {
      const seen: bigint[] = [];
      for (const [ky, kx] of indices([operator.filterHeight, operator.filterWidth])) {
        const value = at(x, [
          0,
          y * operator.strideHeight - operator.padding.top + ky,
          xx * operator.strideWidth - operator.padding.left + kx,
          c,
        ]);
        if (value !== null) {
          seen.push(BigInt(value));
        }
      }
      const value =
        operator.kind === 'MAX_POOL_2D'
          ? seen.reduce((a, b) => (a > b ? a : b))
          : roundHalfAway(
              seen.reduce((a, b) => a + b),
              BigInt(seen.length),
            );
      results.push(clamp(value, range));
    } else if (operator.kind === 'CONV_2D' || operator.kind === 'DEPTHWISE_CONV_2D') {
      const weights = constant(tensors[1]);
      const [, height, width] = weights.shape;
      let sum = biasOf(c);
      for (const [ky, kx] of indices([height, width])) {
        const row = y * operator.strideHeight - operator.padding.top + ky * operator.dilationHeight;
        const column = xx * operator.strideWidth - operator.padding.left + kx * operator.dilationWidth;
        const channels =
          operator.kind === 'CONV_2D'
            ? Array.from({ length: x.shape[3] }, (_, i) => i)
            : [Math.floor(c / operator.depthMultiplier)];
        for (const i of channels) {
          const value = at(x, [0, row, column, i]);
          const weight = at(weights, operator.kind === 'CONV_2D' ? [c, ky, kx, i] : [0, ky, kx, c]);
          if (value !== null && weight !== null) {
            sum += (BigInt(value) - zeroIn) * BigInt(weight);
          }
        }
      }
      results.push(finish(requantized(sum, splitFactor(factorOf(c, false)))));
    }
  }
  switch (operator.kind) {
    case 'FULLY_CONNECTED': {
      const weights = constant(tensors[1]);
      const [outputs, depth] = weights.shape;
      const rows = x.values.length / depth;
      for (const [row, c] of indices([rows, outputs])) {
        let sum = biasOf(c);
        for (let i = 0; i < depth; i++) {
          sum += (BigInt(x.values[row * depth + i]) - zeroIn) * BigInt(weights.values[c * depth + i]);
        }
        results.push(finish(requantized(sum, splitFactor(factorOf(c, true)))));
      }
      break;
    }
    case 'ADD':
    case 'SUB':
    case 'MUL': {
      const operands = tensors.map((tensor) =>
        tensor.data === null ? (inputs.shift() ?? assert.fail('an operand is missing')) : constant(tensor),
      );
      const [a, b] = tensors;
      const common = 2 * Math.max(scaleOf(a), scaleOf(b));
      const part = (tensor: Tensor, value: number): bigint =>
        requantized((BigInt(value) - zeroOf(tensor)) << 20n, splitFactor(scaleOf(tensor) / common));
      const last = splitFactor(common / (2 ** 20 * scaleOf(output)));
      const product = splitFactor((scaleOf(a) * scaleOf(b)) / scaleOf(output));
      for (const index of indices(output.shape)) {
        const [p, q] = operands.map((operand) => at(operand, broadcastIndex(index, operand.shape)) ?? NaN);
        const value =
          operator.kind === 'MUL'
            ? requantized((BigInt(p) - zeroOf(a)) * (BigInt(q) - zeroOf(b)), product)
            : requantized(operator.kind === 'ADD' ? part(a, p) + part(b, q) : part(a, p) - part(b, q), last);
        results.push(finish(value));
      }
      break;
    }
    case 'QUANTIZE':
      x.values.forEach((value) =>
        results.push(
          finish(requantized(BigInt(value) - zeroIn, splitFactor(scaleOf(tensors[0]) / scaleOf(output)))),
        ),
      );
      break;
    case 'LEAKY_RELU': {
      const { fround } = Math;
      const identity = fround(scaleOf(tensors[0]) / scaleOf(output));
      const slope = fround(fround(scaleOf(tensors[0]) * fround(operator.alpha)) / scaleOf(output));
      x.values.forEach((stored) => {
        const value = BigInt(stored) - zeroIn;
        results.push(finish(signedRequantized(value, value >= 0n ? identity : slope)));
      });
      break;
    }
    case 'PRELU': {
      const slopes = constant(tensors[1]);
      const scale = scaleOf(tensors[0]);
      x.values.forEach((stored, i) => {
        const value = BigInt(stored) - zeroIn;
        const slope = BigInt(slopes.values[i % slopes.values.length]) - zeroOf(tensors[1]);
        results.push(
          finish(
            value >= 0n
              ? requantized(value, splitFactor(scale / scaleOf(output)))
              : requantized(value * slope, splitFactor((scale * scaleOf(tensors[1])) / scaleOf(output))),
          ),
        );
      });
      break;
    }
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'ELU':
    case 'GELU': {
      // The one thing shared with the compiler: tables.test.ts holds its tables against the real functions.
      const table = unaryTable(operator, tensors[0], output);
      x.values.forEach((stored) => results.push(table[stored + 128]));
      break;
    }
    case 'TRANSPOSE':
      for (const index of indices(output.shape)) {
        const from = new Array<number>(index.length);
        operator.permutation.forEach((axis, d) => (from[axis] = index[d]));
        results.push(at(x, from) ?? NaN);
      }
      break;
    case 'SLICE':
      for (const index of indices(output.shape)) {
        const from = index.map((i, d) => operator.begin[d] + i * operator.strides[d]);
        results.push(at(x, from) ?? NaN);
      }
      break;
    case 'RESIZE_NEAREST':
      for (const [, y, xx, c] of indices(output.shape)) {
        results.push(at(x, [0, operator.rows[y], operator.columns[xx], c]) ?? NaN);
      }
      break;
    case 'CONCATENATION':
      for (const index of indices(output.shape)) {
        let along = index[operator.axis];
        let part = 0;
        while (along >= inputs[part].shape[operator.axis]) {
          along -= inputs[part++].shape[operator.axis];
        }
        const value = at(inputs[part], index.with(operator.axis, along)) ?? NaN;
        const tensor = tensors[part];
        const same = scaleOf(tensor) === scaleOf(output) && zeroOf(tensor) === zeroOut;
        results.push(
          same
            ? value
            : finish(
                requantized(BigInt(value) - zeroOf(tensor), splitFactor(scaleOf(tensor) / scaleOf(output))),
              ),
        );
      }
      break;
    case 'CLAMP': {
      const factor = splitFactor(scaleOf(tensors[0]) / scaleOf(output));
      x.values.forEach((value) => results.push(finish(requantized(BigInt(value) - zeroIn, factor))));
      break;
    }
    case 'PAD':
      for (const index of indices(output.shape)) {
        const value = at(
          x,
          index.map((i, d) => i - operator.before[d]),
        );
        results.push(value ?? Number(zeroOut));
      }
      break;
    case 'MEAN': {
      const kept = x.shape.map((extent, d) => (operator.axes.includes(d) ? 1 : extent));
      const reduced = x.shape.map((extent, d) => (operator.axes.includes(d) ? extent : 1));
      const count = reduced.reduce((a, b) => a * b, 1);
      // The 1 / count goes into the multiplier, truncated, with as many bits as the count has.
      const { multiplier, exponent } = splitFactor(scaleOf(tensors[0]) / scaleOf(output));
      const bits = Math.min(count.toString(2).length - 1, 31 + exponent);
      const factor = {
        multiplier: (multiplier << BigInt(bits)) / BigInt(count),
        exponent: exponent - bits,
      };
      for (const outer of indices(kept)) {
        let sum = 0n;
        for (const inner of indices(reduced)) {
          sum +=
            BigInt(
              at(
                x,
                outer.map((i, d) => i + inner[d]),
              ) ?? 0,
            ) - zeroIn;
        }
        results.push(finish(requantized(sum, factor)));
      }
      break;
    }
    case 'RESHAPE':
      results.push(...x.values);
      break;
    default:
      break;
  }
  return Int8Array.from(results);
}

/** The output of an int8 graph for one input. */
export function inferWithOracle(graph: Graph, input: Int8Array): Int8Array {
  const activations = new Map<number, Activation>();
  activations.set(graph.inputs[0], { shape: graph.tensors[graph.inputs[0]].shape, values: input });
  for (const operator of graph.operators) {
    const inputs = operator.inputs.flatMap((id) => {
      const activation = activations.get(id);
      return activation === undefined ? [] : [activation];
    });
    const { id, shape } = graph.tensors[operator.outputs[0]];
    activations.set(id, { shape, values: evaluate(graph, operator, inputs) });
  }
  const output = activations.get(graph.outputs[0]);
  assert(output !== undefined);
  return output.values;
}
