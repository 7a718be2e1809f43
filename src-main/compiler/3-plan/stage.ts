/**
 * Stages: consecutive operators that are executed stripe by stripe together, so that only stripes of what lies between
 * them ever exist. A stage of one operator is row tiling; a longer one recomputes the rows that two stripes share.
 */
import { elementCount, type Graph, type Operator } from '../graph.js';
import { accessOf, windowRows, type Range } from './access.js';
import type { Buffer } from './lifetimes.js';
import { unitsOf } from './units.js';

/** What an operator does for one stripe. */
export interface StripeCall {
  /** In the source graph. */
  operator: number;
  /** Rows of its output. */
  rows: Range;
  /** By input, constants included: rows that are read; null for a constant. */
  inputs: (InputRows | null)[];
}

export interface InputRows extends Range {
  /** What the window reaches beyond the tensor: rows above and below. */
  above: number;
  below: number;
}

/** What of a buffer a stripe needs, in bytes. */
export interface StripeRange extends Range {
  buffer: Buffer;
}

export interface Stripe {
  /** In order of execution. */
  calls: StripeCall[];
  /** Of every buffer that a call reads or writes: all that any of them touches. */
  ranges: Map<Buffer, Range>;
}

/** The source graph with what stages are made from. */
export interface Source {
  graph: Graph;
  buffers: readonly Buffer[];
  bufferOf: (tensor: number) => Buffer | undefined;
}

export function createSource(graph: Graph, buffers: readonly Buffer[]): Source {
  const owners = new Map(buffers.flatMap((buffer) => buffer.tensors.map((tensor) => [tensor, buffer])));
  return { graph, buffers, bufferOf: (tensor) => owners.get(tensor) };
}

/** Bytes of a row of an image tensor. */
export function rowBytes(graph: Graph, tensor: number): number {
  return elementCount(graph.tensors[tensor].shape.slice(2));
}

/** Whether an operator can work on a stripe of rows. */
export function isStripeable({ graph, bufferOf }: Source, operator: Operator): boolean {
  const { shape } = graph.tensors[operator.outputs[0]];
  return (
    shape.length === 4 &&
    unitsOf(graph, operator).count === shape[1] &&
    operator.inputs.every(
      (tensor, index) => isWeights(operator, index) || isReadByRows(graph, operator, index, tensor, bufferOf),
    )
  );
}

/** Constants that belong to the operator and not to the rows of its input. */
function isWeights({ kind }: Operator, input: number): boolean {
  return input > 0 && (kind === 'CONV_2D' || kind === 'DEPTHWISE_CONV_2D');
}

function isReadByRows(
  graph: Graph,
  operator: Operator,
  input: number,
  tensor: number,
  bufferOf: Source['bufferOf'],
): boolean {
  const { kind } = accessOf(graph, operator, input);
  // A constant stays as it is, whatever the stripe.
  return (
    kind === 'every row' || (kind !== 'whole' && bufferOf(tensor) !== undefined && isImage(graph, tensor))
  );
}

function isImage(graph: Graph, tensor: number): boolean {
  return graph.tensors[tensor].shape.length === 4;
}

/**
 * One stripe of a stage.
 *
 * @param operators of the source graph, in order of execution; all stripeable if `rows` is not all of the output
 * @param rows of the last operator's output; null for all, whatever it is made of
 * @returns null where a window lies beside its input as a whole: such a stripe has nothing to read
 */
export function stripeOf(source: Source, operators: readonly number[], rows: Range | null): Stripe | null {
  const { graph, bufferOf } = source;
  const ranges = new Map<Buffer, Range>();
  const calls: StripeCall[] = [];
  for (const index of [...operators].reverse()) {
    const operator = graph.operators[index];
    const [outputTensor] = operator.outputs;
    const output = bufferOf(outputTensor);
    if (output === undefined) {
      return null;
    }
    if (rows === null) {
      ranges.set(output, { begin: 0, end: output.bytes });
    } else if (calls.length === 0) {
      const bytes = rowBytes(graph, outputTensor);
      ranges.set(output, { begin: rows.begin * bytes, end: rows.end * bytes });
    }
    const produced = ranges.get(output);
    if (produced === undefined) {
      return null;
    }
    const units = unitsOf(graph, operator);
    const own =
      rows === null ? { begin: 0, end: units.count } : asRows(produced, rowBytes(graph, outputTensor));
    const inputs = operator.inputs.map((tensor, input): InputRows | null | 'nothing' => {
      const buffer = bufferOf(tensor);
      if (buffer === undefined) {
        return null;
      }
      const isWhole = rows === null || accessOf(graph, operator, input).kind === 'every row';
      const read = isWhole ? null : inputRows(graph, operator, input, own);
      if (read === 'nothing') {
        return read;
      }
      const bytes = read === null ? null : rowBytes(graph, tensor);
      const range =
        read === null || bytes === null
          ? { begin: 0, end: buffer.bytes }
          : { begin: read.begin * bytes, end: read.end * bytes };
      const known = ranges.get(buffer) ?? range;
      ranges.set(buffer, { begin: Math.min(known.begin, range.begin), end: Math.max(known.end, range.end) });
      return read ?? { begin: 0, end: graph.tensors[tensor].shape[1] ?? 1, above: 0, below: 0 };
    });
    if (inputs.includes('nothing')) {
      return null;
    }
    calls.unshift({
      operator: index,
      rows: own,
      inputs: inputs.map((each) => (each === 'nothing' ? null : each)),
    });
  }
  return { calls, ranges };
}

function asRows({ begin, end }: Range, bytes: number): Range {
  return { begin: begin / bytes, end: end / bytes };
}

function inputRows(graph: Graph, operator: Operator, input: number, rows: Range): InputRows | 'nothing' {
  const access = accessOf(graph, operator, input);
  if (access.kind !== 'window') {
    return { ...rows, above: 0, below: 0 };
  }
  const height = graph.tensors[operator.inputs[input]].shape[1];
  const reached = windowRows(access, rows);
  const begin = Math.max(reached.begin, 0);
  const end = Math.min(reached.end, height);
  return begin < end ? { begin, end, above: begin - reached.begin, below: reached.end - end } : 'nothing';
}

/** Operator of a stripe: it reads and writes other tensors, and has padding only where the stripe lies at an edge. */
export function stripeOperator(
  operator: Operator,
  { rows, inputs: read }: StripeCall,
  height: number,
  inputs: number[],
  output: number,
): Operator {
  const whole = rows.begin === 0 && rows.end === height;
  const name = whole ? operator.name : `${operator.name} rows ${rows.begin}..${rows.end - 1}`;
  const changed = { ...operator, name, inputs, outputs: [output] };
  const edges = read.find((each) => each !== null);
  if (whole || edges === undefined || edges === null) {
    return changed;
  }
  if ('padding' in changed) {
    return { ...changed, padding: { ...changed.padding, top: edges.above, bottom: edges.below } };
  }
  if (changed.kind === 'PAD') {
    const set = (extents: readonly number[], extent: number): number[] =>
      extents.map((each, dimension) => (dimension === 1 ? extent : each));
    return { ...changed, before: set(changed.before, edges.above), after: set(changed.after, edges.below) };
  }
  return changed;
}

const STRIPE_NAME = /^(.*) rows (\d+)\.\.\d+$/;

/**
 * Name of some units of an operator, for people: `conv1`, `conv1 rows 4..7`. Rows of a stripe are those of the whole.
 *
 * @param count units of the operator
 */
export function partName({ name }: Operator, label: string, count: number, { begin, end }: Range): string {
  if (begin === 0 && end === count) {
    return name;
  }
  const stripe = label === 'rows' ? STRIPE_NAME.exec(name) : null;
  const [, whole, first] = stripe ?? [name, name, '0'];
  return `${whole} ${label} ${Number(first) + begin}..${Number(first) + end - 1}`;
}

/** Rows begin .. end - 1 of `height` in `count` stripes of equal height, of which the last may be lower. */
export function stripesOf(height: number, count: number): Range[] {
  const rows = Math.ceil(height / count);
  return Array.from({ length: Math.ceil(height / rows) }, (_, index) => ({
    begin: index * rows,
    end: Math.min((index + 1) * rows, height),
  }));
}
