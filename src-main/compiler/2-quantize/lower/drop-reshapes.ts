import type { Graph } from '../../graph.js';
import { consumersOf, producerOf, redirectReaders, sameQuantization } from '../../graph-edit.js';
import { sameShape } from '../../shapes.js';

/**
 * Lets readers of a RESHAPE read its input where that makes no difference: the shapes are equal, or all readers are
 * FULLY_CONNECTED, which flatten their input anyway. Outputs of the graph keep their shape.
 */
export function dropReshapes(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    const output = operator.outputs[0];
    // The operator of the current graph: an earlier reshape of a chain may have been dropped.
    const reshape = producerOf(current, output);
    if (reshape?.kind !== 'RESHAPE' || current.outputs.includes(output)) {
      return current;
    }
    const [from, to] = [current.tensors[reshape.inputs[0]], current.tensors[output]];
    const flattened = consumersOf(current, output).every((consumer) => consumer.kind === 'FULLY_CONNECTED');
    return sameQuantization(from, to) && (sameShape(from.shape, to.shape) || flattened)
      ? redirectReaders(current, output, from.id)
      : current;
  }, graph);
}
