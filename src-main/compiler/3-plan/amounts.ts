/**
 * How much of everything that takes time there is in some units of an operator. The cost model is linear in these amounts:
 * its coefficients, cycles of each, are fitted to measurements of the board (tools/costs).
 */
import { elementCount, type Graph, type Operator } from '../graph.js';
import { unitsOf, type Units } from './units.js';

/** What each amount counts; an operator has those that its kind can have. */
export const AMOUNTS = [
  /** Calls of the kernel: 1. */
  'executes',
  'units',
  /** Elements written. */
  'outputs',
  /** Elements read, by operators without weights. */
  'elements',
  /** Positions of the window. */
  'pixels',
  /** Products with taps that lie inside the input; comparisons or additions of a pool. */
  'macs',
  /** Products with all taps, those in the padding included. */
  'paddedMacs',
  /** Filter rows inside the input, over all outputs: one inner loop each. */
  'runs',
  /** Positions in blocks of four, and what is gathered and computed for these. */
  'blockPixels',
  'blockOutputs',
  'blockMacs',
  'blockGathers',
  /** Places where the window hangs over a side of the input, over all rows of filter and positions. */
  'edgeGathers',
  /** Outputs of rows in pairs, and the inputs under these. */
  'pairOutputs',
  'pairInputs',
  'pairChannels',
  /** Tiles of 4 x 4 outputs with their channels, these in groups of four, and those in as many as are kept at once. */
  'tileInputs',
  'tileOutputs',
  'groupProducts',
  'groupOutputs',
  'batchFilters',
  'batchOutputs',
  /** FULLY_CONNECTED: inputs, once per call; products of channels in fours. */
  'inputs',
  'quadMacs',
  /** Bytes of weights, once per call. */
  'weights',
  /** 1, and bytes of weights, if the kernel and its weights are not in the cache in front of flash. */
  'coldExecutes',
  'coldWeights',
  'coldQuads',
  /** Lines of a table of 256 entries that as many random elements touch. */
  'coldTables',
  /** Bytes of weights, once per call, of operators that the cache cannot hold. */
  'uncachedWeights',
  /** Bytes of weights that every position reads again because the cache does not hold them all: from half of the cache on, */
  'crowdedWeights',
  /** and beyond the whole of it. */
  'streamedWeights',
  /** Gathers that are repeated because the weights are used in parts that the cache holds. */
  'passGathers',
  'passPixels',
  /** Groups of four weights that are too heavy for a packed word, times the blocks that need them. */
  'heavyGroups',
] as const;
export type Amount = (typeof AMOUNTS)[number];
export type Amounts = Partial<Record<Amount, number>>;

/** Pixels that packed kernels take at a time. */
const BLOCK = 4;
/** Packed kernels use so many bytes of weights at a time: firmware/kernels/bb_conv_2d_packed.c. */
const PASS_BYTES = 12288;
/** Magnitudes of four weights that share a word sum to at most this. */
const LIGHT_GROUP = 255;

type Windowed = Extract<Operator, { padding: unknown }>;

/** Amounts of one operator of a graph, for any range of its units, in constant time. */
export class OperatorAmounts {
  readonly units: Units;
  readonly #of: (begin: number, end: number, cold: boolean) => Amounts;

  /**
   * @param cacheBytes weights beyond this do not stay in the cache
   * @param inTiles by a kernel that computes 4 x 4 outputs at once, and up to two rows that are left over one by one
   */
  constructor(graph: Graph, operator: Operator, cacheBytes: number, inTiles = false) {
    this.units = unitsOf(graph, operator);
    this.#of = amountsOf(graph, operator, this.units, cacheBytes, inTiles);
  }

  /** @param cold the weights are not in the cache */
  of(begin: number, end: number, cold: boolean): Amounts {
    const amounts = this.#of(begin, end, cold);
    return {
      executes: 1,
      units: end - begin,
      ...amounts,
      ...(cold ? this.#cold(amounts) : {}),
    };
  }

  #cold({ elements, coldWeights }: Amounts): Amounts {
    return {
      coldExecutes: 1,
      coldWeights: coldWeights ?? this.units.weightBytes,
      ...(elements === undefined ? {} : { coldTables: tableLines(elements) }),
    };
  }
}

/** Distinct lines, of which each holds two entries, that so many random elements find in a table for int8. */
function tableLines(elements: number): number {
  return 128 * (1 - Math.exp(-elements / 128));
}

function amountsOf(graph: Graph, operator: Operator, units: Units, cacheBytes: number, inTiles: boolean) {
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return windowAmounts(graph, operator, units, cacheBytes, inTiles);
    case 'FULLY_CONNECTED':
      return denseAmounts(graph, operator, units, cacheBytes);
    case 'PAD': {
      // Rows in the padding copy nothing.
      const input = graph.tensors[operator.inputs[0]].shape;
      const top = operator.before[units.label === 'rows' && input.length === 4 ? 1 : 0];
      const height = input.length === 4 ? input[1] : units.count;
      const rowElements = elementCount(input) / height;
      const inside = (row: number): number => Math.min(Math.max(row - top, 0), height);
      return (begin: number, end: number): Amounts => ({
        outputs: (end - begin) * units.bytes,
        elements: (inside(end) - inside(begin)) * rowElements,
      });
    }
    default: {
      const elementsPerUnit = elementCount(graph.tensors[operator.inputs[0]].shape) / units.count;
      return (begin: number, end: number): Amounts => ({
        outputs: (end - begin) * units.bytes,
        elements: (end - begin) * elementsPerUnit,
      });
    }
  }
}

function windowAmounts(graph: Graph, operator: Windowed, units: Units, cacheBytes: number, inTiles: boolean) {
  const [, inputHeight, inputWidth, depth] = graph.tensors[operator.inputs[0]].shape;
  const [, outputHeight, width, channels] = graph.tensors[operator.outputs[0]].shape;
  const [filterHeight, filterWidth] =
    'filterHeight' in operator
      ? [operator.filterHeight, operator.filterWidth]
      : graph.tensors[operator.inputs[1]].shape.slice(1, 3);
  const dilationHeight = 'dilationHeight' in operator ? operator.dilationHeight : 1;
  const dilationWidth = 'dilationWidth' in operator ? operator.dilationWidth : 1;
  const { strideHeight, strideWidth, padding } = operator;
  const inside = (position: number, extent: number): boolean => position >= 0 && position < extent;
  const tapsInside = (at: number, taps: number, dilation: number, extent: number): number =>
    Array.from({ length: taps }).filter((_, tap) => inside(at + tap * dilation, extent)).length;

  // Rows of filter inside the input, before each row of output.
  const rowsBefore = [0];
  for (let y = 0; y < outputHeight; y++) {
    const rows = tapsInside(y * strideHeight - padding.top, filterHeight, dilationHeight, inputHeight);
    rowsBefore.push(rowsBefore[y] + rows);
  }
  let columns = 0;
  let edges = 0;
  for (let x = 0; x < width; x++) {
    const inner = tapsInside(x * strideWidth - padding.left, filterWidth, dilationWidth, inputWidth);
    columns += inner;
    edges += inner < filterWidth ? 1 : 0;
  }
  const tapDepth = operator.kind === 'CONV_2D' ? depth : 1;
  const taps = filterHeight * filterWidth * tapDepth;
  const { weightBytes } = units;
  const passes = Math.max(1, Math.ceil(channels / Math.max(1, Math.floor(PASS_BYTES / taps))));
  const heavy = operator.kind === 'CONV_2D' ? heavyGroups(graph, operator, taps) : 0;
  return (begin: number, end: number): Amounts => {
    const all = end - begin;
    const left = all % TILE;
    const rows = !inTiles ? all : left <= ROWS_OUTSIDE_TILES ? left : 0;
    const filterRows = rowsBefore[end] - rowsBefore[begin];
    const pixels = rows * width;
    const outputs = pixels * channels;
    const blockPixels = BLOCK * Math.ceil(pixels / BLOCK);
    const pairRows = 2 * Math.ceil(rows / 2);
    return {
      outputs,
      pixels,
      macs: filterRows * columns * tapDepth * channels,
      paddedMacs: outputs * taps,
      runs: filterRows * width * channels,
      blockPixels,
      blockOutputs: blockPixels * channels,
      blockMacs: blockPixels * BLOCK * Math.ceil(taps / BLOCK) * channels,
      blockGathers: blockPixels * taps,
      edgeGathers: rows * edges * filterHeight,
      pairOutputs: pairRows * width * channels,
      pairInputs: (pairRows * strideHeight + filterHeight - 1) * inputWidth * depth,
      pairChannels: (pairRows / 2) * channels,
      ...(inTiles ? tileAmounts(all - rows, width, depth, channels) : {}),
      weights: weightBytes,
      uncachedWeights: weightBytes > cacheBytes ? weightBytes : 0,
      crowdedWeights: pixels * Math.max(0, Math.min(weightBytes, cacheBytes) - cacheBytes / 2),
      streamedWeights: pixels * missed(weightBytes, cacheBytes),
      passGathers: (passes - 1) * blockPixels * taps,
      passPixels: (passes - 1) * blockPixels,
      heavyGroups: (blockPixels / BLOCK) * heavy,
    };
  };
}

/** Of Winograd kernels: firmware/kernels/bb_conv_2d_winograd.c and bb_winograd.h. */
const TILE = 4;
const ROWS_OUTSIDE_TILES = 2;
const TILES_PER_GROUP = 4;
const MOST_GROUPS = 4;
const GROUP_BYTES_PER_CHANNEL = 4 * 36 * TILES_PER_GROUP;
const TILE_BYTES = 40_960;

function tileAmounts(rows: number, width: number, depth: number, outputs: number): Amounts {
  const channels = 2 * Math.ceil(depth / 2);
  const tiles = Math.ceil(rows / TILE) * Math.ceil(width / TILE);
  const groups = Math.ceil(tiles / TILES_PER_GROUP);
  const kept = Math.floor(TILE_BYTES / (GROUP_BYTES_PER_CHANNEL * channels));
  const batches = Math.ceil(groups / Math.min(MOST_GROUPS, Math.max(1, kept)));
  return {
    tileInputs: tiles * channels,
    tileOutputs: tiles * outputs,
    groupProducts: groups * channels * outputs,
    groupOutputs: groups * outputs,
    batchFilters: batches * channels * outputs,
    batchOutputs: batches * outputs,
  };
}

function denseAmounts(
  graph: Graph,
  { inputs }: Extract<Operator, { kind: 'FULLY_CONNECTED' }>,
  units: Units,
  cacheBytes: number,
) {
  const taps = graph.tensors[inputs[1]].shape[1];
  const isVector = units.label === 'channels';
  const { weightBytes } = units;
  return (begin: number, end: number, cold: boolean): Amounts => {
    const count = end - begin;
    const fours = BLOCK * (Math.ceil(end / BLOCK) - Math.floor(begin / BLOCK));
    // The units before these have read the rest of the first four.
    const newFours = cold ? fours : BLOCK * (Math.ceil(end / BLOCK) - Math.ceil(begin / BLOCK));
    return {
      outputs: count * units.bytes,
      macs: count * units.work,
      inputs: taps,
      quadMacs: isVector ? fours * taps : count * units.work,
      weights: isVector ? 0 : weightBytes,
      // Weights that are used once per inference are never in the cache.
      ...(isVector ? { coldWeights: count * taps, coldQuads: newFours * taps } : {}),
      uncachedWeights: isVector || weightBytes <= cacheBytes ? 0 : weightBytes,
      streamedWeights: isVector ? 0 : count * missed(weightBytes, cacheBytes),
    };
  };
}

/**
 * Bytes that are read from flash again when so many are read over and over. The cache has two ways and replaces what was not
 * used last: where three lines compete for one set, none of them is ever found.
 */
function missed(bytes: number, cacheBytes: number): number {
  const lines = (3 * cacheBytes) / 2;
  return bytes <= cacheBytes ? 0 : bytes >= lines ? bytes : 3 * (bytes - cacheBytes);
}

/** Groups of four consecutive weights of a channel, in the order of the image, that one word cannot hold. */
function heavyGroups(graph: Graph, { inputs }: Operator, taps: number): number {
  const { data } = graph.tensors[inputs[1]];
  if (data === null) {
    return 0;
  }
  let groups = 0;
  for (let channel = 0; channel < data.length; channel += taps) {
    for (let tap = 0; tap < taps; tap += BLOCK) {
      let sum = 0;
      for (let at = tap; at < Math.min(taps, tap + BLOCK); at++) {
        sum += Math.abs(Number(data[channel + at]));
      }
      groups += sum > LIGHT_GROUP ? 1 : 0;
    }
  }
  return groups;
}
