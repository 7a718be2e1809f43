/**
 * Operators whose time is measured: those of the networks of MLPerf Tiny and of other small ones, and what lies between
 * them. Weights are normally distributed with the largest at 127, as in trained and quantized models.
 */
import { OperatorAmounts } from '../../src-main/compiler/3-plan/amounts.js';
import { GraphBuilder, seededChoices, type Choices } from '../bench/random-graph.js';
import type { Graph, Padding } from '../../src-main/compiler/graph.js';

type Shape = [height: number, width: number, channels: number];

export interface Specimen {
  /** Of the operator that is measured; what it has in the graph beside it serves the measurement. */
  graph: Graph;
  /** Index of the operator, and of the one whose weights drive all else out of the cache. */
  operator: number;
  evictor: number;
}

interface Window {
  input: Shape;
  filter: [height: number, width: number];
  outputs: number;
  stride: number;
  valid?: boolean;
}

const square = (input: Shape, filter: number, outputs: number, stride = 1): Window => ({
  input,
  filter: [filter, filter],
  outputs,
  stride,
});

const CONVOLUTIONS: Window[] = [
  // ResNet8
  square([32, 32, 3], 3, 16),
  square([32, 32, 16], 3, 16),
  square([32, 32, 16], 3, 32, 2),
  square([16, 16, 32], 3, 32),
  square([32, 32, 16], 1, 32, 2),
  square([16, 16, 32], 3, 64, 2),
  square([8, 8, 64], 3, 64),
  square([16, 16, 32], 1, 64, 2),
  // DS-CNN
  { input: [49, 10, 1], filter: [10, 4], outputs: 64, stride: 2 },
  square([25, 5, 64], 1, 64),
  // MobileNetV1, a quarter of its width, 96 x 96
  square([96, 96, 3], 3, 8, 2),
  square([48, 48, 8], 1, 16),
  square([24, 24, 16], 1, 32),
  square([24, 24, 32], 1, 32),
  square([12, 12, 32], 1, 64),
  square([12, 12, 64], 1, 64),
  square([6, 6, 64], 1, 128),
  square([6, 6, 128], 1, 128),
  square([3, 3, 128], 1, 256),
  square([3, 3, 256], 1, 256),
  // Inverted residuals, fire modules, first layers, and what lies between
  square([20, 20, 16], 1, 96),
  square([20, 20, 96], 1, 16),
  square([14, 14, 24], 1, 8),
  square([10, 10, 12], 3, 20),
  square([12, 12, 8], 3, 8),
  square([9, 9, 40], 3, 24),
  square([28, 28, 1], 3, 8),
  square([28, 28, 1], 5, 6),
  square([14, 14, 6], 5, 16),
  square([16, 16, 4], 3, 8, 2),
  square([14, 14, 8], 3, 16, 2),
  square([7, 7, 16], 3, 32),
  { input: [1, 64, 4], filter: [1, 5], outputs: 12, stride: 1 },
  { input: [24, 20, 1], filter: [8, 8], outputs: 16, stride: 2 },
  { input: [12, 10, 8], filter: [3, 3], outputs: 10, stride: 1, valid: true },
];

/** Again with weights that are evenly distributed, so that more of them are large: where the packed kernel is for certain. */
const HEAVY_CONVOLUTIONS = CONVOLUTIONS.filter(
  ({ filter, stride }, index) => index % 2 === 1 && (filter[0] !== 3 || stride > 1),
);

const DEPTHWISE: Window[] = [
  square([25, 5, 64], 3, 64),
  square([48, 48, 8], 3, 8),
  square([48, 48, 16], 3, 16, 2),
  square([24, 24, 32], 3, 32),
  square([24, 24, 32], 3, 32, 2),
  square([12, 12, 64], 3, 64),
  square([12, 12, 64], 3, 64, 2),
  square([6, 6, 128], 3, 128),
  square([6, 6, 128], 3, 128, 2),
  square([3, 3, 256], 3, 256),
  { input: [49, 40, 1], filter: [10, 8], outputs: 8, stride: 2 },
  square([14, 14, 24], 5, 24),
  square([10, 8, 12], 3, 12),
  square([9, 9, 4], 3, 8),
  { input: [12, 10, 8], filter: [3, 3], outputs: 8, stride: 1, valid: true },
];

const POOLS: Window[] = [
  { input: [8, 8, 64], filter: [8, 8], outputs: 64, stride: 1, valid: true },
  { input: [25, 5, 64], filter: [25, 5], outputs: 64, stride: 1, valid: true },
  { input: [3, 3, 256], filter: [3, 3], outputs: 256, stride: 1, valid: true },
  { input: [28, 28, 8], filter: [2, 2], outputs: 8, stride: 2, valid: true },
  { input: [14, 14, 16], filter: [2, 2], outputs: 16, stride: 2, valid: true },
  square([12, 12, 32], 3, 32, 2),
  square([10, 10, 12], 3, 12),
  { input: [6, 6, 48], filter: [2, 2], outputs: 48, stride: 2, valid: true },
];

/** Inputs and outputs. */
const DENSE: [number, number][] = [
  [1, 16],
  [16, 16],
  [16, 1],
  [64, 10],
  [64, 12],
  [256, 2],
  [4000, 4],
  [640, 40],
  [128, 128],
  [128, 8],
  [8, 128],
  [400, 30],
  [784, 32],
  [288, 10],
  [512, 10],
  [100, 7],
  [1568, 10],
];

const ELEMENTWISE: Shape[] = [
  [32, 32, 16],
  [16, 16, 32],
  [8, 8, 64],
  [12, 12, 24],
  [25, 5, 64],
  [6, 7, 9],
  [4, 4, 4],
];

const SOFTMAX: Shape[] = [
  [1, 1, 10],
  [1, 1, 12],
  [1, 1, 4],
  [1, 1, 2],
  [1, 1, 3],
  [1, 1, 25],
  [1, 1, 100],
];

/** More than the cache of the board holds. */
const EVICTING_BYTES = 20_000;
/** Results have at most 1 KB. */
const LARGEST_RESULT = 1024;

export const MEASURED_KINDS = [
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
  'AVERAGE_POOL_2D',
  'MAX_POOL_2D',
  'ADD',
  'PAD',
  'MEAN',
  'SOFTMAX',
  'CLAMP',
] as const;
export type MeasuredKind = (typeof MEASURED_KINDS)[number];

export function specimensOf(kind: MeasuredKind): Specimen[] {
  switch (kind) {
    case 'CONV_2D':
      return [
        ...CONVOLUTIONS.map((window) => windowSpecimen(kind, window)),
        ...HEAVY_CONVOLUTIONS.map((window) => windowSpecimen(kind, window, true)),
      ];
    case 'DEPTHWISE_CONV_2D':
      return DEPTHWISE.map((window) => windowSpecimen(kind, window));
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return POOLS.map((window) => windowSpecimen(kind, window));
    case 'FULLY_CONNECTED':
      return DENSE.map(([inputs, outputs]) =>
        specimen([1, 1, inputs], (graph, choices) => {
          const weights = normalWeights(graph, choices, [outputs, inputs], outputs, 0, inputs);
          graph.add({ kind, inputs: [graph.last, ...weights], activation: 'RELU' });
        }),
      );
    default:
      return (kind === 'SOFTMAX' ? SOFTMAX : ELEMENTWISE).map((input) =>
        specimen(input, (graph) => addElementwise(graph, kind, input)),
      );
  }
}

/** Cuts an operator of a specimen as plans do: single units at both ends and inside, a few, many, all. */
export function rangesOf({ graph, operator }: Specimen): [number, number][] {
  const { units } = new OperatorAmounts(graph, graph.operators[operator], 0);
  const { count } = units;
  const middle = count >> 1;
  const candidates: [number, number][] = [
    [0, 1],
    [1, 2],
    [0, 2],
    [middle, middle + 1],
    [middle, middle + 3],
    [0, 4],
    [count - 1, count],
    [count - 2, count],
    [0, Math.min(count, 9)],
    [0, count * units.work < LARGEST_WORK ? count : 1],
  ];
  const seen = new Set<string>();
  return candidates.filter(([begin, end]) => {
    const isNew = !seen.has(`${begin}-${end}`);
    seen.add(`${begin}-${end}`);
    return isNew && begin >= 0 && end > begin && end <= count;
  });
}

/** Whole operators are measured up to this many products. */
const LARGEST_WORK = 1_300_000;

function specimen(input: Shape, append: (graph: GraphBuilder, choices: Choices) => void): Specimen {
  const choices = seededChoices(7);
  const graph = new GraphBuilder('specimen', [1, ...input], choices);
  const source = graph.last;
  const elements = input[0] * input[1] * input[2];
  const channels = Math.ceil(EVICTING_BYTES / elements);
  const evicting = normalWeights(graph, choices, [channels, elements], channels, 0, elements);
  graph.add({ kind: 'FULLY_CONNECTED', inputs: [source, ...evicting], activation: 'NONE' });
  graph.last = source;
  append(graph, choices);
  const operator = graph.operators.length - 1;
  const [, height, width, depth] = [...graph.tensors[graph.last].shape, 1, 1, 1];
  if (height * width * depth > LARGEST_RESULT) {
    graph.add(
      {
        kind: 'MAX_POOL_2D',
        inputs: [graph.last],
        filterHeight: height,
        filterWidth: width,
        strideHeight: 1,
        strideWidth: 1,
        padding: NO_PADDING,
        activation: 'NONE',
      },
      graph.tensors[graph.last].quantization,
    );
  }
  return { graph: graph.build(), operator, evictor: 0 };
}

const NO_PADDING: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

/** As TensorFlow's SAME: what is odd goes to the end. */
function samePadding({ input, filter, stride }: Window): Padding {
  const [vertical, horizontal] = [0, 1].map((axis) =>
    Math.max(0, (Math.ceil(input[axis] / stride) - 1) * stride + filter[axis] - input[axis]),
  );
  const [top, left] = [vertical >> 1, horizontal >> 1];
  return { top, bottom: vertical - top, left, right: horizontal - left };
}

function windowSpecimen(
  kind: 'CONV_2D' | 'DEPTHWISE_CONV_2D' | 'AVERAGE_POOL_2D' | 'MAX_POOL_2D',
  shape: Window,
  heavy = false,
): Specimen {
  const { input, filter, outputs, stride } = shape;
  const [filterHeight, filterWidth] = filter;
  const window = {
    strideHeight: stride,
    strideWidth: stride,
    padding: shape.valid ? NO_PADDING : samePadding(shape),
    activation: 'RELU' as const,
  };
  const dilation = { dilationHeight: 1, dilationWidth: 1 };
  const depth = input[2];
  return specimen(input, (graph, choices) => {
    const taps = filterHeight * filterWidth;
    if (kind === 'CONV_2D') {
      const dimensions = [outputs, ...filter, depth];
      const weights = heavy
        ? graph.weights(dimensions, outputs, 0, taps * depth)
        : normalWeights(graph, choices, dimensions, outputs, 0, taps * depth);
      graph.add({ kind, inputs: [graph.last, ...weights], ...window, ...dilation });
    } else if (kind === 'DEPTHWISE_CONV_2D') {
      const weights = normalWeights(graph, choices, [1, ...filter, outputs], outputs, 3, taps);
      const depthMultiplier = outputs / depth;
      graph.add({ kind, inputs: [graph.last, ...weights], ...window, ...dilation, depthMultiplier });
    } else {
      const { quantization } = graph.tensors[graph.last];
      graph.add({ kind, inputs: [graph.last], ...window, filterHeight, filterWidth }, quantization);
    }
  });
}

function addElementwise(
  graph: GraphBuilder,
  kind: Exclude<
    MeasuredKind,
    'CONV_2D' | 'DEPTHWISE_CONV_2D' | 'AVERAGE_POOL_2D' | 'MAX_POOL_2D' | 'FULLY_CONNECTED'
  >,
  [, , channels]: Shape,
): void {
  const inputs = [graph.last];
  switch (kind) {
    case 'ADD':
      graph.add({ kind, inputs: [graph.last, graph.last], activation: 'RELU' });
      break;
    case 'PAD':
      graph.add(
        { kind, inputs, before: [0, 1, 1, 0], after: [0, 1, 1, 0], value: 0 },
        graph.tensors[graph.last].quantization,
      );
      break;
    case 'MEAN':
      graph.add({ kind, inputs, axes: [1, 2], keepDims: true });
      break;
    case 'SOFTMAX':
      graph.add(
        { kind, inputs, beta: 1 },
        { scales: Float64Array.of(1 / 256), zeroPoints: Int32Array.of(-128), axis: null },
      );
      break;
    case 'CLAMP':
      graph.add({ kind, inputs, minimum: 0, maximum: channels });
      break;
  }
}

/** GraphBuilder's weights and bias, the weights' values normally distributed and each channel's largest at 127. */
function normalWeights(
  graph: GraphBuilder,
  choices: Choices,
  shape: number[],
  channels: number,
  axis: number,
  taps: number,
): number[] {
  const ids = graph.weights(shape, channels, axis, taps);
  const { data } = graph.tensors[ids[0]];
  if (!(data instanceof Int8Array)) {
    return ids;
  }
  const uniform = (): number => (choices.integer(0, 999_999) + 0.5) / 1e6;
  const values = Float64Array.from(
    { length: data.length },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
  const channelOf = (index: number): number =>
    axis === 0 ? Math.floor(index / (data.length / channels)) : index % channels;
  const largest = new Float64Array(channels);
  values.forEach((value, index) => {
    largest[channelOf(index)] = Math.max(largest[channelOf(index)], Math.abs(value));
  });
  values.forEach((value, index) => {
    data[index] = Math.round((127 * value) / largest[channelOf(index)]);
  });
  return ids;
}
