import { elementCount } from '../../graph.js';
import { floatData } from '../../graph-access.js';
import type { BatchNorm, Conv2D, DepthwiseConv2D, FullyConnected, Graph, Operator } from '../../graph.js';
import { addTensor, hasSingleConsumer, producerOf, replaceOperator } from '../../graph-edit.js';

type Weighted = Conv2D | DepthwiseConv2D | FullyConnected;

/**
 * Removes BATCH_NORM from a float graph. With factor = scale / sqrt(variance + epsilon) it is
 * y = factor * x + (offset - factor * mean), so that it goes into weights and bias of the operator before it; where
 * there is none with weights that feeds nothing else, it becomes a depthwise convolution of 1x1 (4 dimensions) or a
 * diagonal FULLY_CONNECTED (2 dimensions).
 */
export function foldBatchNorm(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    const norm = producerOf(current, operator.outputs[0]);
    return norm?.kind === 'BATCH_NORM' ? foldOne(current, norm) : current;
  }, graph);
}

function foldOne(graph: Graph, norm: BatchNorm): Graph {
  const [input, ...parameters] = norm.inputs;
  const [scale, offset, mean, variance] = parameters.map((id) => floatData(graph.tensors[id]));
  const factors = Float64Array.from(scale, (value, c) => value / Math.sqrt(variance[c] + norm.epsilon));
  const shifts = Float64Array.from(offset, (value, c) => value - factors[c] * mean[c]);
  const producer = producerOf(graph, input);
  if (producer !== undefined && isWeighted(producer) && hasSingleConsumer(graph, input)) {
    const { graph: scaled, inputs } = scaleWeights(graph, producer, factors, shifts);
    const fused: Operator = { ...producer, inputs, outputs: norm.outputs };
    return replaceOperator(replaceOperator(scaled, producer, [fused]), norm, []);
  }
  return standAlone(graph, norm, factors, shifts);
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
function standAlone(graph: Graph, norm: BatchNorm, factors: Float64Array, shifts: Float64Array): Graph {
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
