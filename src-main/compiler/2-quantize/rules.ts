/** Which activations of an int8 graph share one quantization, and which have one that the specification fixes. */
import type { Graph, Operator, Quantization } from '../graph.js';
import { activationsOf, entryOf } from '../graph-access.js';

/**
 * How TensorFlow Lite's int8 specification lets an operator's output be quantized: freely (`own`), exactly as its
 * activation inputs (`as-inputs`, all of them alike), or with constants.
 */
export type OutputRule = 'own' | 'as-inputs' | Quantization;

const fixed = (scale: number, zeroPoint: number): Quantization => ({
  scales: Float64Array.of(scale),
  zeroPoints: Int32Array.of(zeroPoint),
  axis: null,
});

/** From 0 to 255/256, and from -1 to 127/128. */
const UNIT = fixed(1 / 256, -128);
const SIGNED_UNIT = fixed(1 / 128, 0);

export function outputRule(operator: Operator): OutputRule {
  switch (operator.kind) {
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
    case 'RESHAPE':
    case 'PAD':
    case 'TRANSPOSE':
    case 'SLICE':
    case 'RESIZE_NEAREST':
      return 'as-inputs';
    case 'SOFTMAX':
    case 'LOGISTIC':
      return UNIT;
    case 'TANH':
      return SIGNED_UNIT;
    default:
      return 'own';
  }
}

export interface SharedQuantization {
  /** Tensor id of each activation to the id that stands for all that share its quantization. */
  representative: ReadonlyMap<number, number>;
  /** Quantizations that are not free, by representative. */
  fixed: ReadonlyMap<number, Quantization>;
}

/** Groups the activations of a graph by `outputRule`. Where two fixed quantizations meet, that of the later operator counts. */
export function sharedQuantization(graph: Graph): SharedQuantization {
  const parents = new Map(activationsOf(graph).map(({ id }) => [id, id]));
  const rootOf = (id: number): number => {
    let root = id;
    while (entryOf(parents, root) !== root) {
      root = entryOf(parents, root);
    }
    return root;
  };
  for (const operator of graph.operators) {
    if (outputRule(operator) === 'as-inputs') {
      const activations = operator.inputs.filter((id) => parents.has(id));
      for (const id of [...activations.slice(1), ...operator.outputs]) {
        parents.set(rootOf(id), rootOf(activations[0]));
      }
    }
  }
  // What the model says itself counts; where the specification fixes something, that counts more.
  const constants = new Map<number, Quantization>();
  for (const { id, quantization } of activationsOf(graph)) {
    if (quantization !== null && !constants.has(rootOf(id))) {
      constants.set(rootOf(id), quantization);
    }
  }
  for (const operator of graph.operators) {
    const rule = outputRule(operator);
    if (typeof rule === 'object') {
      operator.outputs.forEach((id) => constants.set(rootOf(id), rule));
    }
  }
  return {
    representative: new Map([...parents.keys()].map((id) => [id, rootOf(id)])),
    fixed: constants,
  };
}

/**
 * Whether a graph says or the specification fixes how every activation is quantized, as in float models with
 * QuantizeLinear and DequantizeLinear around everything: then there is nothing to calibrate.
 */
export function isPredetermined(graph: Graph): boolean {
  const { representative, fixed: known } = sharedQuantization(graph);
  return [...representative.values()].every((group) => known.has(group));
}

/** The last tensor that is quantized freely: a classifier's scores before its SOFTMAX, else the output itself. */
export function logitsOf(graph: Graph): number {
  let tensor = graph.outputs[0];
  for (const operator of [...graph.operators].reverse()) {
    if (operator.outputs.includes(tensor) && ['SOFTMAX', 'RESHAPE'].includes(operator.kind)) {
      tensor = operator.inputs[0];
    }
  }
  return tensor;
}
