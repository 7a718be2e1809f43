/**
 * Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019):
 * what leaves an operator is divided by a factor per channel, and the weights that read it are multiplied by the same, which
 * changes no result as long as only positively homogeneous functions lie between them. int8 has one scale for all
 * channels of an activation, so that channels of small values lose the most; here they are made larger.
 */
import { entryOf, floatData } from '../graph-access.js';
import { addTensor, consumersOf } from '../graph-edit.js';
import type { Graph, Operator } from '../graph.js';
import type { TensorStatistics } from './statistics.js';
import { isWeighted, type WeightedOperator } from './weighted.js';

/**
 * `depthwise`: only where the reader is depthwise, whose weights have a scale per channel and thus lose nothing.
 * `all`: also in front of weights that share one scale across input channels; each then bears half of the factor.
 */
export type Equalization = 'none' | 'depthwise' | 'all';

interface Pair {
  writer: WeightedOperator;
  reader: WeightedOperator;
  /** What the writer writes. */
  tensor: number;
}

/** Larger factors would only serve channels that hardly matter, and strain the fixed point. */
const LARGEST_FACTOR = 256;

/** The pairs that `equalize` would work on. */
export function equalizablePairs(graph: Graph, equalization: Equalization): Pair[] {
  return equalization === 'none'
    ? []
    : graph.operators
        .flatMap((operator) => pairFrom(graph, operator) ?? [])
        .filter(({ reader }) => equalization === 'all' || reader.kind === 'DEPTHWISE_CONV_2D');
}

/**
 * @param graph float, lowered
 * @param statistics of every activation
 * @returns a graph with the same operators and activations, in the same order and with the same ids
 */
export function equalize(
  graph: Graph,
  statistics: ReadonlyMap<number, TensorStatistics>,
  equalization: Equalization,
): Graph {
  return equalizablePairs(graph, equalization).reduce((current, { writer, reader, tensor }) => {
    // Earlier pairs may have given both of them other weights.
    const [from, to] = [writer, reader].map((operator) => sameOutput(current, operator));
    const ranges = entryOf(statistics, tensor).channelMagnitudes;
    const factors = factorsOf(ranges, to, columnMagnitudes(current, to, ranges.length));
    const divided = from.inputs.slice(1).map((id) => {
      const perChannel = current.tensors[id].shape.length === 1 || from.kind === 'DEPTHWISE_CONV_2D';
      const inner = perChannel ? 1 : floatData(current.tensors[id]).length / factors.length;
      return { id, factor: (i: number) => 1 / factors[Math.floor(i / inner) % factors.length] };
    });
    const multiplied = {
      id: to.inputs[1],
      factor: (i: number) => factors[inputChannel(to, i, factors.length)],
    };
    return scaleConstants(scaleConstants(current, from, divided), to, [multiplied]);
  }, graph);
}

/** The input channel that element `i` of an operator's weights is multiplied with. */
function inputChannel(reader: WeightedOperator, i: number, channels: number): number {
  return reader.kind === 'DEPTHWISE_CONV_2D'
    ? Math.floor((i % (channels * reader.depthMultiplier)) / reader.depthMultiplier)
    : i % channels;
}

function columnMagnitudes(graph: Graph, reader: WeightedOperator, channels: number): Float64Array {
  const magnitudes = new Float64Array(channels);
  floatData(graph.tensors[reader.inputs[1]]).forEach((value, i) => {
    const channel = inputChannel(reader, i, channels);
    magnitudes[channel] = Math.max(magnitudes[channel], Math.abs(value));
  });
  return magnitudes;
}

/** What each channel is divided by; powers of two would be exact, but others come closer. */
function factorsOf(ranges: Float64Array, reader: WeightedOperator, columns: Float64Array): Float64Array {
  const wanted = ranges.map((range, c) =>
    reader.kind === 'DEPTHWISE_CONV_2D' ? range : Math.sqrt(range / columns[c]),
  );
  const usable = wanted.filter((factor) => factor > 0 && Number.isFinite(factor));
  const unit = usable.length === 0 ? 1 : usable.reduce((largest, factor) => Math.max(largest, factor), 0);
  return wanted.map((factor) =>
    factor > 0 && Number.isFinite(factor) ? Math.max(factor / unit, 1 / LARGEST_FACTOR) : 1,
  );
}

/** The operator whose scaled output nothing but one weighted operator reads, and that one; what a model says of scales stands. */
function pairFrom(graph: Graph, writer: Operator): Pair | null {
  if (!isWeighted(writer) || !['NONE', 'RELU'].includes(writer.activation)) {
    return null;
  }
  const tensor = writer.outputs[0];
  const given = ({ inputs, outputs }: Operator): boolean =>
    [...inputs.slice(1), ...outputs].some((id) => graph.tensors[id].quantization !== null);
  const channels = graph.tensors[tensor].shape.at(-1) ?? 1;
  let current = tensor;
  for (;;) {
    const [reader, ...others] = consumersOf(graph, current);
    if (reader === undefined || others.length > 0 || graph.outputs.includes(current)) {
      return null;
    }
    if (isWeighted(reader)) {
      const rowLength = graph.tensors[reader.inputs[1]].shape[1];
      const fits = reader.kind !== 'FULLY_CONNECTED' || rowLength % channels === 0;
      return reader.inputs[0] === current && fits && !given(writer) && !given(reader)
        ? { writer, reader, tensor }
        : null;
    }
    if (!isHomogeneous(graph, reader, channels)) {
      return null;
    }
    current = reader.outputs[0];
  }
}

/** Whether f(s x) = s f(x) for positive factors s per channel, with the channels still last. */
function isHomogeneous(graph: Graph, operator: Operator, channels: number): boolean {
  switch (operator.kind) {
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
      return operator.activation === 'NONE' || operator.activation === 'RELU';
    case 'PAD':
      return operator.value === 0 && operator.before.at(-1) === 0 && operator.after.at(-1) === 0;
    case 'MEAN':
      return !operator.axes.includes(graph.tensors[operator.inputs[0]].shape.length - 1);
    case 'RESHAPE': {
      // Flattened in front of a FULLY_CONNECTED, or with the channels where they were.
      const last = graph.tensors[operator.outputs[0]].shape.at(-1) ?? 1;
      return (
        last === channels ||
        (last % channels === 0 &&
          consumersOf(graph, operator.outputs[0]).every(({ kind }) => kind === 'FULLY_CONNECTED'))
      );
    }
    default:
      return false;
  }
}

function sameOutput(graph: Graph, operator: WeightedOperator): WeightedOperator {
  const found = graph.operators.find(({ outputs }) => outputs[0] === operator.outputs[0]);
  if (found === undefined || !isWeighted(found)) {
    throw new RangeError(`operator "${operator.name}" is gone`);
  }
  return found;
}

/** The graph in which one operator reads scaled copies of its constants; others may read the same ones unscaled. */
function scaleConstants(
  graph: Graph,
  operator: WeightedOperator,
  changes: readonly { id: number; factor: (element: number) => number }[],
): Graph {
  let current = graph;
  const inputs = [...operator.inputs];
  for (const { id, factor } of changes) {
    const tensor = graph.tensors[id];
    const data = floatData(tensor).map((value, i) => value * factor(i));
    const added = addTensor(current, { ...tensor, data });
    inputs[operator.inputs.indexOf(id)] = added.id;
    current = added.graph;
  }
  return {
    ...current,
    operators: current.operators.map((other) =>
      other.outputs[0] === operator.outputs[0] ? { ...operator, inputs } : other,
    ),
  };
}
