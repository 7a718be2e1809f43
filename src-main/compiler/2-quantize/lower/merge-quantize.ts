import type { Graph, Operator } from '../../graph.js';
import { outputRule } from '../rules.js';
import {
  hasSingleConsumer,
  producerOf,
  redirectReaders,
  replaceOperator,
  sameQuantization,
} from '../../graph-edit.js';

/**
 * Removes QUANTIZE where it changes nothing, and where the operator before it, or whoever feeds the graph, can give the quantized
 * values right away: in a float graph that says how its values are quantized.
 */
export function mergeQuantize(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    const quantize = producerOf(current, operator.outputs[0]);
    return quantize?.kind === 'QUANTIZE' ? mergeOne(current, quantize) : current;
  }, graph);
}

function mergeOne(graph: Graph, quantize: Operator): Graph {
  const [input, output] = [graph.tensors[quantize.inputs[0]], graph.tensors[quantize.outputs[0]]];
  // Back to real numbers that nothing is said about: they are those that were quantized.
  if (sameQuantization(input, output) || (output.type === 'float32' && output.quantization === null)) {
    return redirectReaders(graph, output.id, input.id);
  }
  if (input.type !== 'float32' || input.quantization !== null || !hasSingleConsumer(graph, input.id)) {
    return graph;
  }
  const producer = producerOf(graph, input.id);
  if (producer === undefined) {
    return {
      ...replaceOperator(graph, quantize, []),
      inputs: graph.inputs.map((id) => (id === input.id ? output.id : id)),
    };
  }
  const rule = outputRule(producer);
  const isFree =
    rule === 'own' || (rule === 'as-inputs' && sameQuantization(graph.tensors[producer.inputs[0]], output));
  return isFree
    ? replaceOperator(replaceOperator(graph, quantize, []), producer, [{ ...producer, outputs: [output.id] }])
    : graph;
}
