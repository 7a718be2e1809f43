import type { Graph, Operator } from '../graph.js';
import { sameShape } from '../shapes.js';

/** Whether an operator of two inputs has one that is a constant or of another shape than its output. */
export function isBroadcast(operator: Operator, graph: Graph): boolean {
  const output = graph.tensors[operator.outputs[0]].shape;
  return operator.inputs.some(
    (id) => graph.tensors[id].data !== null || !sameShape(graph.tensors[id].shape, output),
  );
}
