/**
 * What every kind of operator reads of its inputs, row by row. It is the one table that in-place memory, row tiling,
 * patches and restores go by: an operator that is not in it still works, whole.
 */
import type { Graph, Operator } from '../graph.js';
import { sameShape } from '../shapes.js';

/** How a unit of the output reads one input. */
export type InputAccess =
  /** Every unit may read all of it. */
  | { kind: 'whole' }
  /** Unit n reads what stands where it writes, element by element: it may write over what it reads. */
  | { kind: 'same' }
  /** Output row y reads input rows y * stride - before + k * dilation, 0 <= k < taps, as far as they exist. */
  | { kind: 'window'; stride: number; before: number; taps: number; dilation: number };

const WHOLE: InputAccess = { kind: 'whole' };
const SAME: InputAccess = { kind: 'same' };

/** @param input index in operator.inputs of an activation */
export function accessOf(graph: Graph, operator: Operator, input: number): InputAccess {
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
      return {
        kind: 'window',
        stride: operator.strideHeight,
        before: operator.padding.top,
        taps: graph.tensors[operator.inputs[1]].shape[1],
        dilation: operator.dilationHeight,
      };
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return {
        kind: 'window',
        stride: operator.strideHeight,
        before: operator.padding.top,
        taps: operator.filterHeight,
        dilation: 1,
      };
    case 'PAD':
      return graph.tensors[operator.inputs[input]].shape.length === 4
        ? { kind: 'window', stride: 1, before: operator.before[1], taps: 1, dilation: 1 }
        : WHOLE;
    case 'ADD':
    case 'SUB':
    case 'MUL':
      // An input that is broadcast is read by many units.
      return sameShape(graph.tensors[operator.inputs[input]].shape, graph.tensors[operator.outputs[0]].shape)
        ? SAME
        : WHOLE;
    case 'CLAMP':
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'LEAKY_RELU':
    case 'ELU':
    case 'GELU':
    case 'QUANTIZE':
    case 'PRELU':
      return SAME;
    default:
      return WHOLE;
  }
}

/** Rows, or other things that are counted: begin .. end - 1. */
export interface Range {
  begin: number;
  end: number;
}

/** Input rows that output rows `begin` .. `end` - 1 read through a window; negative or beyond the input where it hangs over. */
export function windowRows(access: Extract<InputAccess, { kind: 'window' }>, { begin, end }: Range): Range {
  return {
    begin: begin * access.stride - access.before,
    end: (end - 1) * access.stride - access.before + (access.taps - 1) * access.dilation + 1,
  };
}
