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
  /** Every unit reads all of it, and whatever row it is, in the same way: a value per channel, or per column and channel. */
  | { kind: 'every row' }
  /** Unit n reads what stands where it writes, element by element: it may write over what it reads. */
  | { kind: 'same' }
  /** Output row y reads input rows y * stride - before + k * dilation, 0 <= k < taps, as far as they exist. */
  | { kind: 'window'; stride: number; before: number; taps: number; dilation: number };

const WHOLE: InputAccess = { kind: 'whole' };
const EVERY_ROW: InputAccess = { kind: 'every row' };
const SAME: InputAccess = { kind: 'same' };
const ROW_BY_ROW: InputAccess = { kind: 'window', stride: 1, before: 0, taps: 1, dilation: 1 };

/** @param input index in operator.inputs; of a constant that is weights or bias, it says nothing */
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
    case 'PRELU':
      return broadcastAccess(
        graph.tensors[operator.inputs[input]].shape,
        graph.tensors[operator.outputs[0]].shape,
      );
    case 'CONCATENATION': {
      const { shape } = graph.tensors[operator.outputs[0]];
      // Its units are rows only where there are some.
      return shape.length === 4 && shape[1] > 1 && operator.axis > 1 ? ROW_BY_ROW : WHOLE;
    }
    case 'CLAMP':
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'LEAKY_RELU':
    case 'ELU':
    case 'GELU':
    case 'QUANTIZE':
      return SAME;
    default:
      return WHOLE;
  }
}

/** An input that is broadcast is read by many units; shapes are matched from their ends. */
function broadcastAccess(input: readonly number[], output: readonly number[]): InputAccess {
  if (sameShape(input, output)) {
    return SAME;
  }
  const height = input.at(-3) ?? 1;
  return output.length === 4 && height === 1 ? EVERY_ROW : WHOLE;
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
