import type { Graph } from '../../graph.js';
import { consumersOf, producerOf, redirectReaders, sameQuantization } from '../../graph-edit.js';
import { sameShape } from '../../shapes.js';

/**
 * Lets readers of a RESHAPE read its input where that makes no difference: the shapes are equal, or all readers are
 * FULLY_CONNECTED, which flatten their input anyway, or RESHAPE themselves. Outputs of the graph keep their shape.
 */
export function dropReshapes(graph: Graph): Graph {
  // From the end: a reshape may become needless when the one behind it has gone.
  return graph.operators.reduceRight((current, operator) => {
    const output = operator.outputs[0];
    const reshape = producerOf(current, output);
    if (reshape?.kind !== 'RESHAPE' || current.outputs.includes(output)) {
      return current;
    }
    const [from, to] = [current.tensors[reshape.inputs[0]], current.tensors[output]];
    const indifferent = consumersOf(current, output).every(
      ({ kind }) => kind === 'FULLY_CONNECTED' || kind === 'RESHAPE',
    );
    return sameQuantization(from, to) && (sameShape(from.shape, to.shape) || indifferent)
      ? redirectReaders(current, output, from.id)
      : current;
  }, graph);
}
