/** Which operators the fast kernels can execute, and the arena that each needs while it runs: firmware/SPEC.md, 3.1. */
import { elementCount, type Graph, type Operator } from '../graph.js';

/** Taps are numbered in 16 bits; anything near that would not fit the arena of a board either. */
const LARGEST_TAPS = 0x7ffc;
/** Output pixels that share one gathering of inputs, each with a 16-bit half per tap. */
const BYTES_PER_TAP = 8;
/** Ample is enough that what is lost between two bursts, about 100 cycles, does not count beside the 8192 that half of it takes. */
const STREAM_BUFFER_BYTES: Readonly<Record<Room, number>> = { ample: 4096, scarce: 256 };
/** Two halves of whole units: BB_STREAM_BUFFER_GRAIN of firmware/kernels/bb_stream.h. */
const STREAM_BUFFER_GRAIN = 32;
const QUAD_CHANNELS = 4;
const PIXELS_PER_BLOCK = 4;
/**
 * Of CONV_2D_STREAMED: windows of all pixels may take so much. Fewer weights, or more pixels, are as well read through the cache:
 * there a weight costs 12 cycles once, and 2.7 for every pixel.
 */
const LARGEST_COLUMNS = 12_288;
const FEWEST_STREAMED_WEIGHTS = 1024;
const MOST_STREAMED_PIXELS = 64;
/** Half of its buffer. */
export const STREAM_PASS_BYTES = 2048;

/** What a plane of the fast DEPTHWISE_CONV_2D holds: firmware/kernels/bb_planes.h. */
const PLANE = { columns: 66, rows: 34, rowRecordBytes: 16 };

/** What the Winograd kernel works in: firmware/kernels/bb_winograd.h. */
const WINOGRAD = { points: 36, lanes: 4, tileBytes: 40_960, mostGroups: 4 };

/** What an operator's fast kernel may take: that of the fastest kernel, or of one that gets along with less. */
export type Room = 'ample' | 'scarce';

/**
 * Bytes that the Winograd kernel needs for an operator; null where it has none, or would not be faster. Cycles are those of the
 * kernels' comments.
 */
export function winogradScratchBytes(graph: Graph, operator: Operator): number | null {
  if (
    operator.kind !== 'CONV_2D' ||
    operator.strideHeight !== 1 ||
    operator.strideWidth !== 1 ||
    operator.dilationHeight !== 1 ||
    operator.dilationWidth !== 1
  ) {
    return null;
  }
  const [outputs, filterHeight, filterWidth, inputs] = graph.tensors[operator.inputs[1]].shape;
  if (filterHeight !== 3 || filterWidth !== 3) {
    return null;
  }
  const { points, lanes, tileBytes, mostGroups } = WINOGRAD;
  const channels = 2 * Math.ceil(inputs / 2);
  const groupBytes = 4 * points * lanes * channels;
  const groups = Math.min(mostGroups, Math.max(1, Math.floor(tileBytes / groupBytes)));
  const [, height, width] = graph.tensors[operator.outputs[0]].shape;
  const tiles = Math.ceil(height / 4) * Math.ceil(width / 4);
  const perTile = 560 * channels + 700 * outputs;
  const perGroup = points * (15.5 * channels + 30) * outputs;
  const perBatch = 300 * channels * outputs;
  const cycles =
    tiles * perTile + Math.ceil(tiles / lanes) * perGroup + Math.ceil(tiles / lanes / groups) * perBatch;
  const blocks = (height * width) / 4;
  const direct = blocks * (outputs * (110 + 11 * 9 * inputs) + 500 + 19 * 9 * inputs);
  if (cycles > direct) {
    return null;
  }
  return 2 * 2 * points * channels + 4 * points * lanes + groups * groupBytes;
}

/** Multiply-accumulates of one output of CONV_2D or FULLY_CONNECTED, up to the next multiple of 4. */
export function paddedTaps(graph: Graph, operator: Operator): number {
  const weights = graph.tensors[operator.inputs[1]].shape;
  return 4 * Math.ceil(elementCount(weights.slice(1)) / 4);
}

/** @returns bytes, or null for an operator that has no fast kernel */
export function scratchBytes(graph: Graph, operator: Operator, room: Room = 'ample'): number | null {
  const fastest =
    room === 'ample'
      ? (winogradScratchBytes(graph, operator) ?? streamedScratchBytes(graph, operator))
      : null;
  if (fastest !== null) {
    return fastest;
  }
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
        ? streamBufferBytes(graph, operator, room) + 5 * paddedTaps(graph, operator)
        : null;
    }
    default:
      return null;
  }
}

/**
 * Of a CONV_2D with a small image and many weights, for which it pays to keep the windows of all pixels and to let the weights
 * come in bursts. Its kernel takes at least what that for few weights takes.
 *
 * @returns null for all others
 */
export function streamedScratchBytes(graph: Graph, operator: Operator): number | null {
  if (operator.kind !== 'CONV_2D') {
    return null;
  }
  const [outputs, , filterWidth, depth] = graph.tensors[operator.inputs[1]].shape;
  const [, height, width] = graph.tensors[operator.outputs[0]].shape;
  const taps = paddedTaps(graph, operator);
  const columnBytes = BYTES_PER_TAP * taps * Math.ceil((height * width) / PIXELS_PER_BLOCK);
  if (
    columnBytes > LARGEST_COLUMNS ||
    height * width > MOST_STREAMED_PIXELS ||
    outputs * taps < FEWEST_STREAMED_WEIGHTS ||
    taps > STREAM_PASS_BYTES / 2
  ) {
    return null;
  }
  return columnBytes + 4 * Math.ceil((filterWidth * depth) / 4) + 2 * STREAM_PASS_BYTES;
}

/** Of a FULLY_CONNECTED: room for its weights on their way from flash; all of them, if there are only a few. */
export function streamBufferBytes(graph: Graph, operator: Operator, room: Room): number {
  const [units] = graph.tensors[operator.inputs[1]].shape;
  const weights = QUAD_CHANNELS * Math.ceil(units / QUAD_CHANNELS) * paddedTaps(graph, operator);
  return Math.min(STREAM_BUFFER_BYTES[room], STREAM_BUFFER_GRAIN * Math.ceil(weights / STREAM_BUFFER_GRAIN));
}
