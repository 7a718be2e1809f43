import type { Activation, Graph, Operator, Tensor } from '../../graph.js';
import { hasSingleConsumer, producerOf, replaceOperator, sameQuantization } from '../../graph-edit.js';
import { ACTIVATION_RANGES } from '../activation.js';

/**
 * Moves a CLAMP into the activation of the operator before it where the result stays the same to the bit: that operator
 * feeds nothing else, the two clamps together are one that an activation can express, and in an int8 graph both tensors
 * have the same scale and zero point.
 */
export function fuseClamp(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    // Earlier fusions rebuild operators; outputs identify them across that.
    const clamp = producerOf(current, operator.outputs[0]);
    return clamp?.kind === 'CLAMP' ? fuseOne(current, clamp) : current;
  }, graph);
}

function fuseOne(graph: Graph, clamp: Extract<Operator, { kind: 'CLAMP' }>): Graph {
  const input = clamp.inputs[0];
  const output = clamp.outputs[0];
  const producer = producerOf(graph, input);
  if (
    producer === undefined ||
    !hasSingleConsumer(graph, input) ||
    !(isFree(graph.tensors[input]) || sameQuantization(graph.tensors[input], graph.tensors[output]))
  ) {
    return graph;
  }
  const activation =
    'activation' in producer ? combined(producer.activation, clamp.minimum, clamp.maximum) : null;
  if (activation === null) {
    return graph;
  }
  const fused = replaceOperator(graph, producer, [
    { ...producer, activation, outputs: [output] } as Operator,
  ]);
  return replaceOperator(fused, clamp, []);
}

/** Float, and nothing says how it is to be quantized. */
function isFree({ type, quantization }: Tensor): boolean {
  return type === 'float32' && quantization === null;
}

/** The activation equal to `activation` followed by a clamp, if there is one. */
function combined(activation: Activation, minimum: number, maximum: number): Activation | null {
  const [low, high] = ACTIVATION_RANGES[activation];
  // Clamping to [a, b] and then to [c, d] is one clamp only when the ranges overlap.
  const range = [Math.max(low, minimum), Math.min(high, maximum)];
  const found = Object.entries(ACTIVATION_RANGES).find(([, [a, b]]) => a === range[0] && b === range[1]);
  return found === undefined ? null : (found[0] as Activation);
}
