/** Which operators the fast kernels can execute, and the arena that each needs while it runs: firmware/SPEC.md, 3.1. */
import { elementCount, type Graph, type Operator } from '../graph.js';

/** Taps are numbered in 16 bits; anything near that would not fit the arena of a board either. */
const LARGEST_TAPS = 0x7ffc;
/** Output pixels that share one gathering of inputs, each with a 16-bit half per tap. */
const BYTES_PER_TAP = 8;
/** Enough that what is lost between two bursts, about 100 cycles, does not count beside the 8192 that half of it takes. */
const LARGEST_STREAM_BUFFER = 4096;
/** Two halves of whole units: BB_STREAM_BUFFER_GRAIN of firmware/kernels/bb_stream.h. */
const STREAM_BUFFER_GRAIN = 32;
const QUAD_CHANNELS = 4;

/** What a plane of the fast DEPTHWISE_CONV_2D holds: firmware/kernels/bb_planes.h. */
const PLANE = { columns: 66, rows: 34, rowRecordBytes: 16 };

/** Multiply-accumulates of one output of CONV_2D or FULLY_CONNECTED, up to the next multiple of 4. */
export function paddedTaps(graph: Graph, operator: Operator): number {
  const weights = graph.tensors[operator.inputs[1]].shape;
  return 4 * Math.ceil(elementCount(weights.slice(1)) / 4);
}

/** @returns bytes, or null for an operator that has no fast kernel */
export function scratchBytes(graph: Graph, operator: Operator): number | null {
  switch (operator.kind) {
    case 'CONV_2D': {
      const taps = paddedTaps(graph, operator);
      const [, , filterWidth, depth] = graph.tensors[operator.inputs[1]].shape;
      return taps > LARGEST_TAPS ? null : BYTES_PER_TAP * taps + filterWidth * depth;
    }
    case 'DEPTHWISE_CONV_2D': {
      const [, filterHeight, filterWidth] = graph.tensors[operator.inputs[1]].shape;
      if (filterHeight !== 3 || filterWidth !== 3 || operator.dilationWidth !== 1) {
        return null;
      }
      const { strideHeight, dilationHeight } = operator;
      const pairs = Math.min(
        Math.ceil(graph.tensors[operator.outputs[0]].shape[1] / 2),
        dilationHeight === 1 ? Math.floor((PLANE.rows - 3) / strideHeight) + 1 : 1,
      );
      return ((pairs - 1) * strideHeight + 3) * (4 * PLANE.columns + PLANE.rowRecordBytes);
    }
    case 'FULLY_CONNECTED': {
      const [, inputs] = graph.tensors[operator.inputs[1]].shape;
      const rows = elementCount(graph.tensors[operator.inputs[0]].shape) / inputs;
      return rows === 1 && inputs <= LARGEST_TAPS
        ? streamBufferBytes(graph, operator) + 5 * paddedTaps(graph, operator)
        : null;
    }
    default:
      return null;
  }
}

/** Of a FULLY_CONNECTED: room for its weights on their way from flash; all of them, if there are only a few. */
export function streamBufferBytes(graph: Graph, operator: Operator): number {
  const [units] = graph.tensors[operator.inputs[1]].shape;
  const weights = QUAD_CHANNELS * Math.ceil(units / QUAD_CHANNELS) * paddedTaps(graph, operator);
  return Math.min(LARGEST_STREAM_BUFFER, STREAM_BUFFER_GRAIN * Math.ceil(weights / STREAM_BUFFER_GRAIN));
}
