import { type Graph, type Operator, type OperatorKind, type Quantization, type Tensor } from '../graph.js';
import { activationsOf, entryOf, scaleAndZeroPoint } from '../graph-access.js';
import { addTensor, compactGraph } from '../graph-edit.js';
import { calibrate, type ValueRange } from './calibrate.js';
import { lower } from './lower/index.js';
import { asymmetricQuantization, quantizeBias, quantizeOperand, quantizeWeights } from './quantize-values.js';

export interface TensorReport {
  name: string;
  /** Real values seen during calibration, or that int8 can hold for a model that came quantized. */
  minimum: number;
  maximum: number;
  scale: number;
  zeroPoint: number;
}

export interface QuantizationReport {
  /** The model came as int8: nothing was calibrated. */
  alreadyQuantized: boolean;
  calibrationSamples: number;
  /** Every activation, in order of execution. */
  activations: TensorReport[];
}

/** Outputs from 0 to 255/256, and from -1 to 127/128: fixed by TensorFlow Lite's int8 specification. */
const UNIT: Quantization = { scales: Float64Array.of(1 / 256), zeroPoints: Int32Array.of(-128), axis: null };
const SIGNED_UNIT: Quantization = {
  scales: Float64Array.of(1 / 128),
  zeroPoints: Int32Array.of(0),
  axis: null,
};
const FIXED_OUTPUTS: ReadonlyMap<OperatorKind, Quantization> = new Map<OperatorKind, Quantization>([
  ['SOFTMAX', UNIT],
  ['LOGISTIC', UNIT],
  ['TANH', SIGNED_UNIT],
]);

const KEEPS_QUANTIZATION: ReadonlySet<OperatorKind> = new Set<OperatorKind>([
  'MAX_POOL_2D',
  'AVERAGE_POOL_2D',
  'RESHAPE',
  'PAD',
  'TRANSPOSE',
  'SLICE',
  'RESIZE_NEAREST',
]);

/** Whether all activations are int8. */
export function isQuantized(graph: Graph): boolean {
  return activationsOf(graph).every((tensor) => tensor.type === 'int8');
}

/**
 * Lowers the graph and, if it is float32, quantizes it fully to int8 as TensorFlow Lite's int8 specification has it:
 * weights symmetric per output channel (FULLY_CONNECTED included), activations asymmetric per tensor from the range
 * that the calibration saw, bias int32 in units of input scale times weight scale; SOFTMAX gives 1/256 and -128;
 * LOGISTIC too, TANH 1/128 and 0; operators that only move values or pool them keep the quantization of their input. What the
 * graph says about a value's quantization, as models with QuantizeLinear do, stands.
 *
 * @param calibrationSamples NHWC inputs of a float graph; not looked at for an int8 graph
 * @throws InputError of calibrate
 */
export function quantize(
  graph: Graph,
  calibrationSamples: readonly Float32Array[],
): { graph: Graph; report: QuantizationReport } {
  const lowered = lower(graph);
  if (isQuantized(lowered)) {
    return {
      graph: lowered,
      report: { alreadyQuantized: true, calibrationSamples: 0, activations: reportOf(lowered, new Map()) },
    };
  }
  const ranges = isPredetermined(lowered) ? predetermined(lowered) : calibrate(lowered, calibrationSamples);
  const quantized = quantizeConstants(quantizeActivations(lowered, ranges));
  return {
    graph: compactGraph(quantized),
    report: {
      alreadyQuantized: false,
      calibrationSamples: calibrationSamples.length,
      activations: reportOf(quantized, ranges),
    },
  };
}

function keepsQuantization(operator: Operator): boolean {
  return KEEPS_QUANTIZATION.has(operator.kind);
}

/**
 * Whether a float graph says itself how everything is quantized, as models with QuantizeLinear and DequantizeLinear do: then
 * there is nothing to calibrate.
 */
function isPredetermined(graph: Graph): boolean {
  return (
    graph.inputs.every((id) => graph.tensors[id].quantization !== null) &&
    graph.operators.every(
      (operator) =>
        graph.tensors[operator.outputs[0]].quantization !== null ||
        keepsQuantization(operator) ||
        FIXED_OUTPUTS.has(operator.kind),
    )
  );
}

/** The ranges that int8 holds. */
function predetermined(graph: Graph): Map<number, ValueRange> {
  return new Map(
    activationsOf(graph).map(({ id, quantization }) => {
      const [scale, zeroPoint] = [quantization?.scales[0] ?? 0, quantization?.zeroPoints[0] ?? 0];
      return [id, { minimum: scale * (-128 - zeroPoint), maximum: scale * (127 - zeroPoint) }];
    }),
  );
}

/** All activations int8; tensors joined by operators that keep quantization share the union of their ranges. */
function quantizeActivations(graph: Graph, ranges: ReadonlyMap<number, ValueRange>): Graph {
  const source = new Map<number, number>();
  const shared = new Map(ranges);
  for (const operator of graph.operators) {
    if (keepsQuantization(operator)) {
      const [input, output] = [operator.inputs[0], operator.outputs[0]];
      const origin = source.get(input) ?? input;
      source.set(output, origin);
      shared.set(origin, union(entryOf(shared, origin), entryOf(shared, output)));
    }
  }
  const fixed = new Map(
    graph.operators.map((operator) => [operator.outputs[0], FIXED_OUTPUTS.get(operator.kind)]),
  );
  const ids = new Set(activationsOf(graph).map((tensor) => tensor.id));
  return {
    ...graph,
    tensors: graph.tensors.map((tensor): Tensor => {
      if (!ids.has(tensor.id)) {
        return tensor;
      }
      const origin = source.get(tensor.id) ?? tensor.id;
      const quantization =
        fixed.get(origin) ??
        graph.tensors[origin].quantization ??
        asymmetricQuantization(entryOf(shared, origin));
      return { ...tensor, type: 'int8', quantization };
    }),
  };
}

function union(a: ValueRange, b: ValueRange): ValueRange {
  return { minimum: Math.min(a.minimum, b.minimum), maximum: Math.max(a.maximum, b.maximum) };
}

/** Weights int8 and biases int32. Each operator gets its own, since their scales depend on its input and output. */
function quantizeConstants(graph: Graph): Graph {
  return graph.operators.reduce((current, operator, index) => {
    if (
      operator.kind === 'ADD' ||
      operator.kind === 'SUB' ||
      operator.kind === 'MUL' ||
      operator.kind === 'PRELU'
    ) {
      return quantizeOperands(current, operator, index);
    }
    if (
      operator.kind !== 'CONV_2D' &&
      operator.kind !== 'DEPTHWISE_CONV_2D' &&
      operator.kind !== 'FULLY_CONNECTED'
    ) {
      return current;
    }
    const [input, weightsId, biasId] = operator.inputs;
    const scaleOf = (id: number): number => scaleAndZeroPoint(current.tensors[id]).scale;
    const inputScale = scaleOf(input);
    const bias = biasId === undefined ? null : current.tensors[biasId];
    const weights = quantizeWeights(current.tensors[weightsId], bias, {
      channelAxis: operator.kind === 'DEPTHWISE_CONV_2D' ? 3 : 0,
      inputScale,
      outputScale: scaleOf(operator.outputs[0]),
    });
    const withWeights = addTensor(current, weights);
    const inputs = [input, withWeights.id];
    let next = withWeights.graph;
    if (bias !== null) {
      const withBias = addTensor(next, quantizeBias(bias, weights.quantization.scales, inputScale));
      inputs.push(withBias.id);
      next = withBias.graph;
    }
    return {
      ...next,
      operators: next.operators.map((other, i) => (i === index ? { ...operator, inputs } : other)),
    };
  }, graph);
}

/** Constants among the operands of an element-wise operator: int8 with a scale for all. */
function quantizeOperands(graph: Graph, operator: Operator, index: number): Graph {
  let current = graph;
  const inputs = operator.inputs.map((id) => {
    const tensor = graph.tensors[id];
    if (tensor.data === null) {
      return id;
    }
    const added = addTensor(current, quantizeOperand(tensor));
    current = added.graph;
    return added.id;
  });
  return {
    ...current,
    operators: current.operators.map((other, i) => (i === index ? { ...operator, inputs } : other)),
  };
}

function reportOf(graph: Graph, ranges: ReadonlyMap<number, ValueRange>): TensorReport[] {
  return activationsOf(graph).map((tensor) => {
    const { scale, zeroPoint } = scaleAndZeroPoint(tensor);
    const range = ranges.get(tensor.id) ?? {
      minimum: scale * (-128 - zeroPoint),
      maximum: scale * (127 - zeroPoint),
    };
    return { name: tensor.name, ...range, scale, zeroPoint };
  });
}
