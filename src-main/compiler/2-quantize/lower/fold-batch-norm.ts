import { elementCount } from '../../graph.js';
import { floatData } from '../../graph-access.js';
import type {
  Activation,
  BatchNorm,
  Binary,
  Conv2D,
  DepthwiseConv2D,
  FullyConnected,
  Graph,
  Operator,
} from '../../graph.js';
import { addTensor, hasSingleConsumer, producerOf, replaceOperator } from '../../graph-edit.js';
import { sameShape } from '../../shapes.js';

type Weighted = Conv2D | DepthwiseConv2D | FullyConnected;

/** y = factor * x + shift per index of the last dimension, and then a clamp. */
interface Affine {
  input: number;
  factors: Float64Array;
  shifts: Float64Array;
  activation: Activation;
}

/**
 * Removes BATCH_NORM from a float graph. With factor = scale / sqrt(variance + epsilon) it is
 * y = factor * x + (offset - factor * mean), so that it goes into weights and bias of the operator before it; where
 * there is none with weights that feeds nothing else, it becomes a depthwise convolution of 1x1 (4 dimensions) or a
 * diagonal FULLY_CONNECTED (2 dimensions). ADD, SUB and MUL with a constant per channel or for all are folded likewise, and
 * stay what they are where they cannot be.
 */
export function foldBatchNorm(graph: Graph): Graph {
  return graph.operators.reduce((current, { outputs }) => {
    const operator = producerOf(current, outputs[0]);
    if (operator?.kind === 'BATCH_NORM') {
      const affine = affineOfNorm(current, operator);
      return fold(current, operator, affine) ?? standAlone(current, operator, affine);
    }
    if (operator?.kind === 'ADD' || operator?.kind === 'SUB' || operator?.kind === 'MUL') {
      const affine = affineOfBinary(current, operator);
      return affine === null ? current : (fold(current, operator, affine) ?? current);
    }
    return current;
  }, graph);
}

function affineOfNorm(graph: Graph, { inputs: [input, ...parameters], epsilon }: BatchNorm): Affine {
  const [scale, offset, mean, variance] = parameters.map((id) => floatData(graph.tensors[id]));
  const factors = Float64Array.from(scale, (value, c) => value / Math.sqrt(variance[c] + epsilon));
  const shifts = Float64Array.from(offset, (value, c) => value - factors[c] * mean[c]);
  return { input, factors, shifts, activation: 'NONE' };
}

/** null unless one operand is a float constant with a value per channel of the other, or one for all. */
function affineOfBinary(graph: Graph, { kind, inputs, outputs, activation }: Binary): Affine | null {
  const [left, right] = inputs.map((id) => graph.tensors[id]);
  const constantFirst = left.data !== null;
  const [input, constant] = constantFirst ? [right, left] : [left, right];
  const { data } = constant;
  const channels = input.shape.at(-1) ?? 1;
  const values = elementCount(constant.shape);
  const fits = values === 1 || (values === channels && constant.shape.at(-1) === channels);
  const sameOutput = sameShape(input.shape, graph.tensors[outputs[0]].shape);
  if (!(data instanceof Float32Array) || constant.quantization !== null || !fits || !sameOutput) {
    return null;
  }
  const all = Float64Array.from({ length: channels }, (_, c) => data[values === 1 ? 0 : c]);
  const ones = new Float64Array(channels).fill(1);
  const zeros = new Float64Array(channels);
  const common = { input: input.id, activation };
  if (kind === 'MUL') {
    return { ...common, factors: all, shifts: zeros };
  }
  if (kind === 'SUB') {
    return constantFirst
      ? { ...common, factors: ones.map((value) => -value), shifts: all }
      : { ...common, factors: ones, shifts: all.map((value) => -value) };
  }
  return { ...common, factors: ones, shifts: all };
}

/** The graph with the operator folded into the one before it; null where there is none that can take it. */
function fold(graph: Graph, operator: Operator, affine: Affine): Graph | null {
  const { input, factors, shifts, activation } = affine;
  const producer = producerOf(graph, input);
  if (
    producer === undefined ||
    !isWeighted(producer) ||
    !hasSingleConsumer(graph, input) ||
    graph.tensors[input].quantization !== null ||
    outputChannels(graph, producer) !== factors.length
  ) {
    return null;
  }
  const { graph: scaled, inputs } = scaleWeights(graph, producer, factors, shifts);
  const fused: Operator = { ...producer, inputs, outputs: operator.outputs, activation };
  return replaceOperator(replaceOperator(scaled, producer, [fused]), operator, []);
}

function outputChannels(graph: Graph, { kind, inputs }: Weighted): number {
  return graph.tensors[inputs[1]].shape[kind === 'DEPTHWISE_CONV_2D' ? 3 : 0];
}

function isWeighted(operator: Operator): operator is Weighted {
  return (
    (operator.kind === 'CONV_2D' ||
      operator.kind === 'DEPTHWISE_CONV_2D' ||
      operator.kind === 'FULLY_CONNECTED') &&
    operator.activation === 'NONE'
  );
}

function scaleWeights(
  graph: Graph,
  operator: Weighted,
  factors: Float64Array,
  shifts: Float64Array,
): { graph: Graph; inputs: number[] } {
  const [input, weightsId, biasId] = operator.inputs;
  const weights = graph.tensors[weightsId];
  const values = floatData(weights);
  const perChannel = values.length / factors.length;
  // Output channels are the last dimension of depthwise weights and the first of all others.
  const channelOf = (i: number): number =>
    operator.kind === 'DEPTHWISE_CONV_2D' ? i % factors.length : Math.floor(i / perChannel);
  const bias = biasId === undefined ? null : floatData(graph.tensors[biasId]);
  const withWeights = addTensor(graph, {
    ...weights,
    // What the weights were quantized with before does not fit them any more.
    quantization: null,
    data: values.map((value, i) => value * factors[channelOf(i)]),
  });
  const withBias = addTensor(withWeights.graph, {
    name: `${operator.name}/bias`,
    shape: [factors.length],
    type: 'float32',
    quantization: null,
    data: Float32Array.from(shifts, (shift, c) => shift + factors[c] * (bias?.[c] ?? 0)),
  });
  return { graph: withBias.graph, inputs: [input, withWeights.id, withBias.id] };
}

/** A depthwise convolution of 1x1 over the elements as [1, 1, elements / channels, channels]. */
function standAlone(graph: Graph, norm: BatchNorm, { factors, shifts }: Affine): Graph {
  const channels = factors.length;
  const [input, output] = [graph.tensors[norm.inputs[0]], graph.tensors[norm.outputs[0]]];
  const constant = { type: 'float32' as const, quantization: null };
  const withWeights = addTensor(graph, {
    ...constant,
    name: `${norm.name}/factor`,
    shape: [1, 1, 1, channels],
    data: Float32Array.from(factors),
  });
  const withBias = addTensor(withWeights.graph, {
    ...constant,
    name: `${norm.name}/shift`,
    shape: [channels],
    data: Float32Array.from(shifts),
  });
  const convolution = (from: number, to: number): Operator => ({
    kind: 'DEPTHWISE_CONV_2D',
    name: norm.name,
    inputs: [from, withWeights.id, withBias.id],
    outputs: [to],
    depthMultiplier: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    padding: { top: 0, bottom: 0, left: 0, right: 0 },
    activation: 'NONE',
  });
  if (input.shape.length === 4) {
    return replaceOperator(withBias.graph, norm, [convolution(input.id, output.id)]);
  }
  const image = { ...constant, shape: [1, 1, elementCount(input.shape) / channels, channels], data: null };
  const before = addTensor(withBias.graph, { ...image, name: `${norm.name}/image` });
  const after = addTensor(before.graph, { ...image, name: `${norm.name}/normalized` });
  return replaceOperator(after.graph, norm, [
    { kind: 'RESHAPE', name: norm.name, inputs: [input.id], outputs: [before.id] },
    convolution(before.id, after.id),
    { kind: 'RESHAPE', name: norm.name, inputs: [after.id], outputs: [output.id] },
  ]);
}
