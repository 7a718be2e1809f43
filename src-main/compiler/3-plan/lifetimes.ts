/** Which activations share memory by nature, and how long each piece of memory is needed. */
import { present } from '../../common/present.js';
import { elementCount, type Graph } from '../graph.js';

/** Memory for one activation and for every tensor that is only another view of it. */
export interface Buffer {
  /** The tensor that is written; RESHAPE results of it are in `tensors` too. */
  root: number;
  tensors: number[];
  bytes: number;
  /** Index in graph.operators of the operator that writes it; -1 for the input of the graph. */
  firstOperator: number;
  /** Last operator that reads it; operators.length for the output of the graph. */
  lastOperator: number;
}

/** @param graph int8, so that an element is a byte; buffers come in the order in which they are written */
export function findBuffers(graph: Graph): Buffer[] {
  const owners = new Map<number, Buffer>();
  const create = (root: number, operator: number): void => {
    const bytes = elementCount(graph.tensors[root].shape);
    owners.set(root, { root, tensors: [root], bytes, firstOperator: operator, lastOperator: operator });
  };
  graph.inputs.forEach((id) => create(id, -1));
  graph.operators.forEach((operator, index) => {
    const output = operator.outputs[0];
    if (operator.kind === 'RESHAPE') {
      const buffer = present(owners.get(operator.inputs[0]), 'input of a RESHAPE');
      buffer.tensors.push(output);
      owners.set(output, buffer);
      return;
    }
    for (const id of operator.inputs) {
      const buffer = owners.get(id);
      if (buffer !== undefined) {
        buffer.lastOperator = index;
      }
    }
    create(output, index);
  });
  for (const id of graph.outputs) {
    present(owners.get(id), 'output').lastOperator = graph.operators.length;
  }
  return [...new Set(owners.values())];
}

/** The buffer that a tensor lives in. */
export function bufferOf<B extends Buffer>(buffers: readonly B[], tensor: number): B {
  return present(
    buffers.find((buffer) => buffer.tensors.includes(tensor)),
    `memory of tensor ${tensor}`,
  );
}

/** Whether the buffer's content matters while `operator` runs. */
export function isLive(buffer: Buffer, operator: number): boolean {
  return buffer.firstOperator <= operator && operator <= buffer.lastOperator;
}
