/** How operators can be cut: what the kernels of firmware/kernels call a unit. */
import { operatorMacs } from '../inspect.js';
import { elementCount, type Graph, type Operator } from '../graph.js';
import { accessOf, windowRows } from './access.js';
import { isBroadcast } from './broadcast.js';

export interface Units {
  /** How many there are, at least 1. */
  count: number;
  /** Output bytes of one; unit n is the n-th run of so many bytes of the output. */
  bytes: number;
  /** Multiply-accumulates of one, or for operators without weights the elements it reads: a measure of its time. */
  work: number;
  /** Of the whole operator; 0 where there are none. */
  weightBytes: number;
  /** For names of tasks: `rows`, `channels`, `elements`. */
  label: string;
}

/** @param operator any but RESHAPE, of a lowered graph */
export function unitsOf(graph: Graph, operator: Operator): Units {
  const input = graph.tensors[operator.inputs[0]].shape;
  const output = graph.tensors[operator.outputs[0]].shape;
  const weights = graph.tensors[operator.inputs[1] ?? -1]?.shape ?? [];
  const { count, label } = countOf(graph, operator, input, weights, output);
  const work = operatorMacs(graph, operator) || elementsRead(operator, input, output);
  return {
    count,
    bytes: elementCount(output) / count,
    work: Math.ceil(work / count),
    weightBytes: operatorMacs(graph, operator) > 0 ? elementCount(weights) : 0,
    label,
  };
}

function countOf(
  graph: Graph,
  operator: Operator,
  input: readonly number[],
  weights: readonly number[],
  output: readonly number[],
): { count: number; label: string } {
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return { count: output[1], label: 'rows' };
    case 'FULLY_CONNECTED': {
      // With several rows of input the channels of one row are neighbours, so a unit is a row.
      const rows = elementCount(input) / weights[1];
      return rows === 1 ? { count: weights[0], label: 'channels' } : { count: rows, label: 'rows' };
    }
    case 'MEAN':
      return { count: elementCount(input.slice(0, Math.min(...operator.axes))), label: 'blocks' };
    case 'SOFTMAX':
      return { count: elementCount(output.slice(0, -1)), label: 'rows' };
    case 'PAD':
      // Without a batch, the rows of an image of 3 dimensions come first.
      return { count: output.length === 4 ? output[1] : output.length === 3 ? output[0] : 1, label: 'rows' };
    case 'RESIZE_NEAREST':
      return { count: output[1], label: 'rows' };
    case 'TRANSPOSE':
    case 'SLICE':
    case 'SUB':
    case 'MUL':
    case 'CONCATENATION':
      return { count: outermost(output), label: 'rows' };
    case 'ADD':
      return { count: isBroadcast(operator, graph) ? outermost(output) : rowsOf(output), label: 'rows' };
    default:
      return { count: rowsOf(output), label: 'rows' };
  }
}

/** Rows of an image; what comes next when it has one only. */
function rowsOf(shape: readonly number[]): number {
  return shape.length < 3 ? 1 : shape[1] > 1 ? shape[1] : outermost(shape);
}

/** First extent above 1, if anything is left to be the unit. */
function outermost(shape: readonly number[]): number {
  const extents = shape.filter((extent) => extent > 1);
  return extents.length > 1 ? extents[0] : 1;
}

function elementsRead(operator: Operator, input: readonly number[], output: readonly number[]): number {
  return operator.kind === 'AVERAGE_POOL_2D' || operator.kind === 'MAX_POOL_2D'
    ? elementCount(output) * operator.filterHeight * operator.filterWidth
    : elementCount(input);
}

/**
 * First byte of an input that units from `unit` on still read: what lies before is not needed any more.
 *
 * @param input index in operator.inputs of an activation
 */
export function firstByteRead(graph: Graph, operator: Operator, input: number, unit: number): number {
  const access = accessOf(graph, operator, input);
  switch (access.kind) {
    case 'whole':
    case 'every row':
      return 0;
    case 'same':
      return unit * unitsOf(graph, operator).bytes;
    case 'window': {
      const [, height, ...row] = graph.tensors[operator.inputs[input]].shape;
      const { begin } = windowRows(access, { begin: unit, end: unit + 1 });
      return Math.min(Math.max(begin, 0), height) * elementCount(row);
    }
  }
}
