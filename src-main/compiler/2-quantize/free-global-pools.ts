import type { Graph, Operator } from '../graph.js';

/**
 * The float graph with MEAN for every AVERAGE_POOL_2D over the whole image: the same function, but in int8 a pooling keeps the
 * quantization of its input, while a MEAN may have a finer one. Averages are much smaller than the largest value averaged.
 */
export function freeGlobalPools(graph: Graph): Graph {
  return { ...graph, operators: graph.operators.map((operator) => freed(graph, operator)) };
}

function freed(graph: Graph, operator: Operator): Operator {
  if (operator.kind !== 'AVERAGE_POOL_2D' || operator.activation !== 'NONE') {
    return operator;
  }
  const { name, inputs, outputs, filterHeight, filterWidth, padding } = operator;
  const [input, output] = [graph.tensors[inputs[0]], graph.tensors[outputs[0]]];
  const whole =
    filterHeight === input.shape[1] &&
    filterWidth === input.shape[2] &&
    Object.values(padding).every((count: number) => count === 0) &&
    output.shape[1] === 1 &&
    output.shape[2] === 1;
  return whole && output.quantization === null
    ? { kind: 'MEAN', name, inputs, outputs, axes: [1, 2], keepDims: true }
    : operator;
}
