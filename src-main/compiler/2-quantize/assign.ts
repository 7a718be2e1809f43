/** From ranges to an int8 graph: scales and zero points of activations, then the constants that depend on them. */
import type { Graph, Quantization, Tensor } from '../graph.js';
import { activationsOf, entryOf, scaleAndZeroPoint } from '../graph-access.js';
import {
  asymmetricQuantization,
  quantizeBias,
  quantizeOperand,
  quantizeWeights,
  type Granularity,
} from './quantize-values.js';
import { sharedQuantization } from './rules.js';
import type { ValueRange } from './statistics.js';
import { isWeighted, outputChannelAxis } from './weighted.js';

/**
 * @param ranges of every activation whose quantization is free
 * @returns the quantization of every activation; those that must share one get the union of their ranges
 */
export function assignQuantizations(
  graph: Graph,
  ranges: ReadonlyMap<number, ValueRange>,
): Map<number, Quantization> {
  const { representative, fixed } = sharedQuantization(graph);
  const unions = new Map<number, ValueRange>();
  for (const [id, group] of representative) {
    if (fixed.has(group)) {
      continue;
    }
    const [range, known] = [entryOf(ranges, id), unions.get(group)];
    unions.set(group, known === undefined ? range : union(known, range));
  }
  return new Map(
    [...representative].map(([id, group]) => [
      id,
      fixed.get(group) ?? asymmetricQuantization(entryOf(unions, group)),
    ]),
  );
}

/**
 * The graph in int8. Each weighted operator gets constants of its own, appended to the tensors, since their scales depend
 * on its input and output; what was there keeps its id.
 *
 * @param graph float, lowered
 */
export function applyQuantizations(
  graph: Graph,
  quantizations: ReadonlyMap<number, Quantization>,
  granularity: Granularity,
): Graph {
  const ids = new Set(activationsOf(graph).map(({ id }) => id));
  const tensors = graph.tensors.map((tensor): Tensor =>
    ids.has(tensor.id)
      ? { ...tensor, type: 'int8', quantization: entryOf(quantizations, tensor.id) }
      : tensor,
  );
  const append = (tensor: Omit<Tensor, 'id'>): number => {
    tensors.push({ ...tensor, id: tensors.length });
    return tensors.length - 1;
  };
  const operators = graph.operators.map((operator) => {
    if (!isWeighted(operator)) {
      // Constants among the operands of an element-wise operator have one scale for all.
      const inputs = operator.inputs.map((id) =>
        graph.tensors[id].data === null ? id : append(quantizeOperand(graph.tensors[id])),
      );
      return { ...operator, inputs };
    }
    const [input, weightsId, biasId] = operator.inputs;
    const inputScale = scaleAndZeroPoint(tensors[input]).scale;
    const bias = biasId === undefined ? null : graph.tensors[biasId];
    const weights = quantizeWeights(graph.tensors[weightsId], bias, {
      channelAxis: outputChannelAxis(operator),
      inputScale,
      outputScale: scaleAndZeroPoint(tensors[operator.outputs[0]]).scale,
      granularity,
    });
    const inputs = [input, append(weights)];
    if (bias !== null) {
      inputs.push(append(quantizeBias(bias, weights.quantization.scales, inputScale)));
    }
    return { ...operator, inputs };
  });
  return { ...graph, tensors, operators };
}

function union(a: ValueRange, b: ValueRange): ValueRange {
  return { minimum: Math.min(a.minimum, b.minimum), maximum: Math.max(a.maximum, b.maximum) };
}
