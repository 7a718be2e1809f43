/** What a model costs: `brownout inspect`. */
import { constantData, entryOf } from './graph-access.js';
import { elementCount, type Graph, type Operator, type OperatorKind } from './graph.js';

export interface OperatorInspection {
  kind: OperatorKind;
  name: string;
  inputShape: number[];
  outputShape: number[];
  /** Multiply-accumulates of one inference; 0 for operators without weights. */
  macs: number;
  /** Number of weights and biases. */
  parameters: number;
}

export interface TensorInspection {
  name: string;
  shape: number[];
  type: string;
}

export interface Inspection {
  name: string;
  operators: OperatorInspection[];
  macs: number;
  /** Number of weights and biases; constants that several operators share count once. */
  parameters: number;
  /** Bytes of those in the model's own types. */
  parameterBytes: number;
  /** Largest sum of activation tensors that are alive together, one byte per element, nothing computed in place. */
  peakActivationBytes: number;
  inputs: TensorInspection[];
  outputs: TensorInspection[];
}

/** Counts of the graph as it is given: before or after lowering. */
export function inspectGraph(graph: Graph): Inspection {
  const shapeOf = (id: number): number[] => graph.tensors[id].shape;
  const constants = new Set(graph.operators.flatMap((operator) => constantsOf(graph, operator)));
  const operators = graph.operators.map((operator) => ({
    kind: operator.kind,
    name: operator.name,
    inputShape: shapeOf(operator.inputs[0]),
    outputShape: shapeOf(operator.outputs[0]),
    macs: operatorMacs(graph, operator),
    parameters: sum(constantsOf(graph, operator).map((id) => elementCount(shapeOf(id)))),
  }));
  const describe = (id: number): TensorInspection => {
    const { name, shape, type } = graph.tensors[id];
    return { name, shape, type };
  };
  return {
    name: graph.name,
    operators,
    macs: sum(operators.map((operator) => operator.macs)),
    parameters: sum([...constants].map((id) => elementCount(shapeOf(id)))),
    parameterBytes: sum([...constants].map((id) => constantData(graph.tensors[id]).byteLength)),
    peakActivationBytes: peakActivationBytes(graph),
    inputs: graph.inputs.map(describe),
    outputs: graph.outputs.map(describe),
  };
}

/**
 * Multiply-accumulates of one operator, by the field's convention: every weight position of every output counts, those
 * that meet padding included.
 */
export function operatorMacs(graph: Graph, operator: Operator): number {
  const output = elementCount(graph.tensors[operator.outputs[0]].shape);
  const weights = graph.tensors[operator.inputs[1] ?? -1]?.shape ?? [];
  switch (operator.kind) {
    case 'CONV_2D':
    case 'FULLY_CONNECTED':
      return output * elementCount(weights.slice(1));
    case 'DEPTHWISE_CONV_2D':
      return output * weights[1] * weights[2];
    default:
      return 0;
  }
}

/** Largest sum of live int8 activations over the execution; RESHAPE's output lives in the bytes of its input. */
export function peakActivationBytes(graph: Graph): number {
  const storage = new Map(graph.tensors.map(({ id }) => [id, id]));
  for (const operator of graph.operators) {
    if (operator.kind === 'RESHAPE') {
      storage.set(operator.outputs[0], entryOf(storage, operator.inputs[0]));
    }
  }
  const end = graph.operators.length;
  const lastUse = new Map<number, number>();
  graph.operators.forEach((operator, step) => {
    [...operator.inputs, ...operator.outputs].forEach((id) => lastUse.set(entryOf(storage, id), step));
  });
  graph.outputs.forEach((id) => lastUse.set(entryOf(storage, id), end));

  const bytesOf = (id: number): number => elementCount(graph.tensors[id].shape);
  const live = new Set(graph.inputs);
  let peak = sum([...live].map(bytesOf));
  graph.operators.forEach((operator, step) => {
    operator.outputs.forEach((id) => live.add(entryOf(storage, id)));
    peak = Math.max(peak, sum([...live].map(bytesOf)));
    for (const id of live) {
      if ((lastUse.get(id) ?? -1) <= step) {
        live.delete(id);
      }
    }
  });
  return peak;
}

function constantsOf(graph: Graph, operator: Operator): number[] {
  return operator.inputs.filter((id) => graph.tensors[id].data !== null);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
