import type { BatchNorm, Conv2D, DepthwiseConv2D, FullyConnected, Graph, Operator } from '../../graph.js';
import {
  addTensor,
  hasSingleConsumer,
  producerOf,
  redirectReaders,
  replaceOperator,
} from '../../graph-edit.js';

type Weighted = Conv2D | DepthwiseConv2D | FullyConnected;

/**
 * Removes BATCH_NORM from a float graph. With factor = scale / sqrt(variance + epsilon) it is
 * y = factor * x + (offset - factor * mean), so that it goes into weights and bias of the operator before it; where
 * there is none with weights that feeds nothing else, it becomes a depthwise convolution of 1x1 (4 dimensions) or a
 * diagonal FULLY_CONNECTED (2 dimensions).
 */
export function foldBatchNorm(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    const norm = producerOf(current, operator.outputs[0]!);
    return norm?.kind === 'BATCH_NORM' ? foldOne(current, norm) : current;
  }, graph);
}

function foldOne(graph: Graph, norm: BatchNorm): Graph {
  const [input, ...parameters] = norm.inputs;
  const [scale, offset, mean, variance] = parameters.map((id) => graph.tensors[id]!.data as Float32Array);
  const factors = Float64Array.from(scale!, (value, c) => value / Math.sqrt(variance![c]! + norm.epsilon));
  const shifts = Float64Array.from(offset!, (value, c) => value - factors[c]! * mean![c]!);
  const producer = producerOf(graph, input!);
  if (producer !== undefined && isWeighted(producer) && hasSingleConsumer(graph, input!)) {
    const { graph: scaled, inputs } = scaleWeights(graph, producer, factors, shifts);
    const fused: Operator = { ...producer, inputs, outputs: norm.outputs };
    const removed = replaceOperator(replaceOperator(scaled, producer, fused), norm, null);
    return redirectReaders(removed, input!, norm.outputs[0]!);
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
  const weights = graph.tensors[weightsId!]!;
  const values = weights.data as Float32Array;
  const perChannel = values.length / factors.length;
  // Output channels are the last dimension of depthwise weights and the first of all others.
  const channelOf = (i: number): number =>
    operator.kind === 'DEPTHWISE_CONV_2D' ? i % factors.length : Math.floor(i / perChannel);
  const bias = biasId === undefined ? null : (graph.tensors[biasId]!.data as Float32Array);
  const withWeights = addTensor(graph, {
    ...weights,
    data: values.map((value, i) => value * factors[channelOf(i)]!),
  });
  const withBias = addTensor(withWeights.graph, {
    name: `${operator.name}/bias`,
    shape: [factors.length],
    type: 'float32',
    quantization: null,
    data: Float32Array.from(shifts, (shift, c) => shift + factors[c]! * (bias?.[c] ?? 0)),
  });
  return { graph: withBias.graph, inputs: [input!, withWeights.id, withBias.id] };
}

function standAlone(graph: Graph, norm: BatchNorm, factors: Float64Array, shifts: Float64Array): Graph {
  const channels = factors.length;
  const spatial = graph.tensors[norm.inputs[0]!]!.shape.length === 4;
  const constant = { type: 'float32' as const, quantization: null };
  const diagonal = new Float32Array(channels * channels);
  factors.forEach((factor, c) => (diagonal[c * channels + c] = factor));
  const withWeights = addTensor(graph, {
    ...constant,
    name: `${norm.name}/factor`,
    shape: spatial ? [1, 1, 1, channels] : [channels, channels],
    data: spatial ? Float32Array.from(factors) : diagonal,
  });
  const withBias = addTensor(withWeights.graph, {
    ...constant,
    name: `${norm.name}/shift`,
    shape: [channels],
    data: Float32Array.from(shifts),
  });
  const common = {
    name: norm.name,
    inputs: [norm.inputs[0]!, withWeights.id, withBias.id],
    outputs: norm.outputs,
    activation: 'NONE' as const,
  };
  const replacement: Operator = spatial
    ? {
        ...common,
        kind: 'DEPTHWISE_CONV_2D',
        depthMultiplier: 1,
        strideHeight: 1,
        strideWidth: 1,
        dilationHeight: 1,
        dilationWidth: 1,
        padding: { top: 0, bottom: 0, left: 0, right: 0 },
      }
    : { ...common, kind: 'FULLY_CONNECTED' };
  return replaceOperator(withBias.graph, norm, replacement);
}
