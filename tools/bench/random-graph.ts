/** Small int8 graphs: chains with branches over every kind of operator, for properties of compiler and firmware. */
import fc from 'fast-check';
import type { Activation, Graph, Operator, Quantization, Tensor } from '../../src-main/compiler/graph.js';
import { elementCount } from '../../src-main/compiler/graph.js';
import { broadcastShape, inferOutputShape } from '../../src-main/compiler/shapes.js';

/** Where a graph's choices come from; inclusive bounds. */
export interface Choices {
  integer: (minimum: number, maximum: number) => number;
}

/** Repeatable choices from a seed: xorshift32. */
export function seededChoices(seed: number): Choices {
  let state = (seed ^ 0x9e3779b9) | 1;
  return {
    integer(minimum, maximum) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return minimum + ((state >>> 0) % (maximum - minimum + 1));
    },
  };
}

/** Seeds of random graphs, as fast-check values so that a failure names the one to repeat. */
export const seeds = fc.integer({ min: 1, max: 2 ** 30 });

export interface GraphOptions {
  /** Number of operators before the graph ends. */
  operators: number;
  kinds?: readonly Operator['kind'][];
}

const KINDS = [
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'AVERAGE_POOL_2D',
  'MAX_POOL_2D',
  'ADD',
  'PAD',
  'CLAMP',
  'MEAN',
  'FULLY_CONNECTED',
  'RESHAPE',
  'SUB',
  'MUL',
  'QUANTIZE',
  'LEAKY_RELU',
  'PRELU',
  'TRANSPOSE',
  'SLICE',
  'CONCATENATION',
  'RESIZE_NEAREST',
] as const;

export type OperatorDraft = Operator extends infer O
  ? O extends Operator
    ? Omit<O, 'outputs' | 'name'>
    : never
  : never;

/** Builds a graph operator by operator; tests use it by hand, randomGraph with choices. */
export class GraphBuilder {
  readonly tensors: Tensor[] = [];
  readonly operators: Operator[] = [];
  /** Activation that the next operator is likely to read. */
  last: number;
  private readonly inputs: number[];

  constructor(
    readonly name: string,
    shape: number[],
    private readonly choices: Choices,
  ) {
    this.last = this.tensor('input', shape, this.activationQuantization());
    this.inputs = [this.last];
  }

  tensor(
    name: string,
    shape: number[],
    quantization: Quantization,
    data: Int8Array | Int32Array | null = null,
  ): number {
    const id = this.tensors.length;
    const type = data instanceof Int32Array ? 'int32' : 'int8';
    this.tensors.push({ id, name, shape, type, quantization, data });
    return id;
  }

  activationQuantization(): Quantization {
    return {
      // Scales of real files are float32.
      scales: Float64Array.of(Math.fround(this.choices.integer(20, 400) / 5000)),
      zeroPoints: Int32Array.of(this.choices.integer(-128, 127)),
      axis: null,
    };
  }

  /** A constant operand with one scale. */
  operand(shape: number[]): number {
    const data = Int8Array.from({ length: elementCount(shape) }, () => this.choices.integer(-128, 127));
    return this.tensor(`operand${this.operators.length}`, shape, this.activationQuantization(), data);
  }

  /** Weights, and with a coin a bias, whose scales keep outputs inside int8 most of the time. */
  weights(shape: number[], channels: number, axis: number, taps: number): number[] {
    const perChannel = this.choices.integer(0, 1) === 1;
    const scales = Float64Array.from({ length: perChannel ? channels : 1 }, () =>
      Math.fround(this.choices.integer(50, 200) / (10_000 * Math.sqrt(taps))),
    );
    const data = Int8Array.from({ length: elementCount(shape) }, () => this.choices.integer(-127, 127));
    const quantization = {
      scales,
      zeroPoints: new Int32Array(scales.length),
      axis: perChannel ? axis : null,
    };
    const weights = this.tensor(`weights${this.operators.length}`, shape, quantization, data);
    if (this.choices.integer(0, 3) === 0) {
      return [weights];
    }
    const bias = Int32Array.from({ length: channels }, () => this.choices.integer(-5000, 5000));
    return [weights, this.tensor(`bias${this.operators.length}`, [channels], quantization, bias)];
  }

  /** Appends an operator whose output gets its shape from the shared shape rules. */
  add(draft: OperatorDraft, quantization: Quantization | null = null, shape: number[] | null = null): number {
    const index = this.operators.length;
    const inferred = inferOutputShape(
      { ...draft, outputs: [], name: '' },
      draft.inputs.map((id) => this.tensors[id].shape),
    );
    const outputShape = shape ?? inferred;
    if (outputShape === null || typeof outputShape === 'string') {
      throw new Error(`no shape for ${draft.kind}: ${outputShape ?? ''}`);
    }
    const output = this.tensor(`t${index}`, outputShape, quantization ?? this.activationQuantization());
    this.operators.push({ ...draft, name: `${draft.kind.toLowerCase()}${index}`, outputs: [output] });
    this.last = output;
    return output;
  }

  /** Names the operator added last, and its output. */
  rename(name: string): void {
    this.operators[this.operators.length - 1].name = name;
    this.tensors[this.last].name = name;
  }

  build(): Graph {
    return {
      name: this.name,
      tensors: this.tensors,
      operators: this.operators,
      inputs: this.inputs,
      outputs: [this.last],
    };
  }
}

/** A graph that is valid by construction: lowered, int8, one input and one output of at most 1024 bytes. */
export function randomGraph(choices: Choices, options: GraphOptions): Graph {
  const { integer } = choices;
  const shape = [1, integer(1, 9), integer(1, 9), integer(1, 5)];
  const graph = new GraphBuilder('random', shape, choices);
  for (let index = 0; index < options.operators; index++) {
    const kinds = options.kinds ?? KINDS;
    appendRandom(graph, choices, kinds[integer(0, kinds.length - 1)]);
  }
  if (graph.operators.length === 0) {
    appendRandom(graph, choices, 'CLAMP');
  }
  return graph.build();
}

/** A sample for the graph's input. */
export function randomSample(graph: Graph, choices: Choices): Int8Array {
  const elements = elementCount(graph.tensors[graph.inputs[0]].shape);
  return Int8Array.from({ length: elements }, () => choices.integer(-128, 127));
}

function appendRandom(graph: GraphBuilder, { integer }: Choices, kind: Operator['kind']): void {
  const input = graph.last;
  const { shape, quantization } = graph.tensors[input];
  const isImage = shape.length === 4;
  const activation = (['NONE', 'RELU', 'RELU6', 'RELU_N1_TO_1'] as Activation[])[integer(0, 3)];
  // Sides of the window, and paddings below them so that every window meets the input.
  const [height, width] = [integer(1, 4), integer(1, 4)];
  const padding = {
    top: integer(0, height - 1),
    bottom: integer(0, height - 1),
    left: integer(0, width - 1),
    right: integer(0, width - 1),
  };
  const window = { strideHeight: integer(1, 3), strideWidth: integer(1, 3), padding, activation };
  const fits = (dilationHeight: number, dilationWidth: number): boolean =>
    shape[1] + padding.top + padding.bottom >= dilationHeight * (height - 1) + 1 &&
    shape[2] + padding.left + padding.right >= dilationWidth * (width - 1) + 1;

  if (isImage && kind === 'CONV_2D') {
    const dilation = { dilationHeight: integer(1, 2), dilationWidth: integer(1, 2) };
    if (fits(dilation.dilationHeight, dilation.dilationWidth)) {
      const outputs = integer(1, 6);
      const weights = graph.weights(
        [outputs, height, width, shape[3]],
        outputs,
        0,
        height * width * shape[3],
      );
      graph.add({ kind, inputs: [input, ...weights], ...window, ...dilation });
    }
  } else if (isImage && kind === 'DEPTHWISE_CONV_2D') {
    const dilation = { dilationHeight: integer(1, 2), dilationWidth: integer(1, 2) };
    const depthMultiplier = shape[3] > 8 ? 1 : integer(1, 3);
    if (fits(dilation.dilationHeight, dilation.dilationWidth)) {
      const outputs = shape[3] * depthMultiplier;
      const weights = graph.weights([1, height, width, outputs], outputs, 3, height * width);
      graph.add({ kind, inputs: [input, ...weights], ...window, ...dilation, depthMultiplier });
    }
  } else if (isImage && (kind === 'AVERAGE_POOL_2D' || kind === 'MAX_POOL_2D')) {
    if (fits(1, 1)) {
      const filter = { filterHeight: height, filterWidth: width };
      graph.add({ kind, inputs: [input], ...window, ...filter }, quantization);
    }
  } else if (kind === 'ADD' || kind === 'SUB' || kind === 'MUL') {
    const others = graph.tensors.filter((other) => {
      const joined = other.data === null ? broadcastShape(shape, other.shape) : null;
      return joined !== null && elementCount(joined) <= 1500;
    });
    const constants = [[1], [shape[shape.length - 1]], shape];
    const choice = integer(0, 5);
    const other =
      choice < constants.length && kind !== 'ADD'
        ? graph.operand(constants[choice])
        : (others[integer(0, Math.max(0, others.length - 1))]?.id ?? input);
    const inputs = integer(0, 1) === 0 ? [input, other] : [other, input];
    graph.add({ kind, inputs, activation });
  } else if (kind === 'QUANTIZE' || kind === 'LEAKY_RELU') {
    graph.add({ kind, inputs: [input], alpha: integer(-1, 9) / 10, beta: 0 });
  } else if (kind === 'PRELU') {
    const slopes = graph.operand([integer(0, 1) === 0 ? 1 : shape[shape.length - 1]]);
    graph.add({ kind, inputs: [input, slopes] });
  } else if (kind === 'TRANSPOSE') {
    const permutation = shape.map((_, d) => d);
    for (let d = permutation.length - 1; d > 1; d--) {
      // The batch stays first.
      const other = integer(1, d);
      [permutation[d], permutation[other]] = [permutation[other], permutation[d]];
    }
    graph.add({ kind, inputs: [input], permutation }, quantization);
  } else if (kind === 'SLICE') {
    const strides = shape.map(() => integer(1, 3) * (integer(0, 4) === 0 ? -1 : 1));
    const begin = shape.map((extent) => integer(0, extent - 1));
    const size = shape.map((extent, d) => {
      const room = strides[d] > 0 ? extent - 1 - begin[d] : begin[d];
      return 1 + integer(0, Math.floor(room / Math.abs(strides[d])));
    });
    graph.add({ kind, inputs: [input], begin, size, strides }, quantization);
  } else if (kind === 'CONCATENATION') {
    const axis = integer(1, shape.length - 1);
    const others = graph.tensors.filter(
      (other) =>
        other.data === null &&
        other.shape.length === shape.length &&
        other.shape.every((extent, d) => d === axis || extent === shape[d]),
    );
    const inputs = Array.from({ length: integer(1, 3) }, () => others[integer(0, others.length - 1)].id);
    if (elementCount(shape) < 400) {
      graph.add({ kind, inputs: [...inputs, input], axis }, integer(0, 1) === 0 ? quantization : null);
    }
  } else if (isImage && kind === 'RESIZE_NEAREST') {
    if (elementCount(shape) < 300) {
      const pick = (extent: number): number[] =>
        Array.from({ length: integer(1, 2 * extent) }, () => integer(0, extent - 1));
      graph.add({ kind, inputs: [input], rows: pick(shape[1]), columns: pick(shape[2]) }, quantization);
    }
  } else if (kind === 'PAD') {
    if (elementCount(shape) < 500) {
      const extents = (): number[] => shape.map((_, d) => (d === 0 ? 0 : integer(0, 2)));
      graph.add({ kind, inputs: [input], before: extents(), after: extents(), value: 0 }, quantization);
    }
  } else if (kind === 'CLAMP') {
    const minimum = integer(0, 2) === 0 ? -Infinity : integer(-5, 0);
    const maximum = integer(0, 2) === 0 ? Infinity : integer(1, 6);
    graph.add({ kind, inputs: [input], minimum, maximum });
  } else if (isImage && kind === 'MEAN') {
    const axes = [[1, 2], [2], [3], [2, 3]][integer(0, 3)];
    graph.add({ kind, inputs: [input], axes, keepDims: true });
  } else if (kind === 'FULLY_CONNECTED') {
    // Over the last dimension only where there are several rows, else over everything.
    const depth = integer(0, 1) === 0 ? shape[shape.length - 1] : elementCount(shape);
    const outputs = integer(1, 12);
    const weights = graph.weights([outputs, depth], outputs, 0, depth);
    graph.add({ kind, inputs: [input, ...weights], activation });
  } else if (isImage && kind === 'RESHAPE') {
    const [one, h, w, c] = shape;
    graph.add({ kind, inputs: [input] }, quantization, [one, w, h, c]);
  }
}
