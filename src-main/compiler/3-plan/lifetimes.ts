/** Which activations share memory by nature, where their content comes from, and how long each piece of memory is needed. */
import { present } from '../../common/present.js';
import { elementCount, type Graph } from '../graph.js';
import { wholeExecution, type Execution, type Transfer } from './execution.js';

/** An operator's part in a buffer's life. */
export interface BufferUse {
  operator: number;
  /** First byte of the tensor that the operator works on, counted from the start of the buffer. */
  offset: number;
  bytes: number;
  /** Index in operator.inputs; of an output 0. */
  index: number;
}

/** Memory for one activation, or for a stripe of one, and for every tensor that is a view of it. */
export interface Buffer {
  /** The tensor that is written; RESHAPE results and views of it are in `tensors` too. */
  root: number;
  tensors: number[];
  bytes: number;
  /** Index in graph.operators of the operator that first writes it, or that it is filled for; operators.length for an input that nothing reads. */
  firstOperator: number;
  /** Last operator that reads it; operators.length for the output of the graph. */
  lastOperator: number;
  /** Where its content comes from, at its beginning and whenever it is lost; null where operators compute it. */
  refill: Transfer | null;
  /** By operators, in order of execution; each writes what follows what the one before it has written. */
  writes: BufferUse[];
  /** In order of execution. */
  reads: BufferUse[];
  /** What is copied to NVM for later, each part when its operator is done. */
  spills: Spill[];
}

export interface Spill {
  operator: number;
  /** In the buffer. */
  offset: number;
  bytes: number;
  nvmOffset: number;
}

/** @param execution of an int8 graph, so that an element is a byte; buffers come in the order in which they are filled */
export function findBuffers(execution: Graph | Execution): Buffer[] {
  const { graph, views, calls } = 'calls' in execution ? execution : wholeExecution(execution);
  const owners = new Map<number, { buffer: Buffer; offset: number }>();
  const bytesOf = (id: number): number => elementCount(graph.tensors[id].shape);
  const create = (root: number, firstOperator: number, refill: Transfer | null): void => {
    const buffer = {
      root,
      tensors: [root],
      bytes: bytesOf(root),
      firstOperator,
      lastOperator: firstOperator,
      refill,
      writes: [],
      reads: [],
      spills: [],
    };
    owners.set(root, { buffer, offset: 0 });
  };
  /** The owner of a tensor that has one already, or that is a view of one. */
  const ownerOf = (id: number): { buffer: Buffer; offset: number } | undefined => {
    const view = views.get(id);
    if (!owners.has(id) && view !== undefined) {
      const owner = present(owners.get(view.of), `memory of tensor ${view.of}`);
      owner.buffer.tensors.push(id);
      owners.set(id, { buffer: owner.buffer, offset: owner.offset + view.offset });
    }
    return owners.get(id);
  };

  graph.operators.forEach((operator, index) => {
    const call = present(calls[index], `call of operator ${index}`);
    call.fills.forEach((fill) => create(fill.tensor, index, fill));
    const output = operator.outputs[0];
    if (operator.kind === 'RESHAPE') {
      const owner = present(ownerOf(operator.inputs[0]), 'input of a RESHAPE');
      owner.buffer.tensors.push(output);
      owners.set(output, owner);
      return;
    }
    operator.inputs.forEach((id, input) => {
      const owner = ownerOf(id);
      if (owner !== undefined) {
        owner.buffer.lastOperator = index;
        owner.buffer.reads.push({ operator: index, offset: owner.offset, bytes: bytesOf(id), index: input });
      }
    });
    const whole = views.get(output)?.of ?? output;
    if (!owners.has(whole)) {
      create(whole, index, null);
    }
    const { buffer, offset } = present(ownerOf(output), 'output');
    buffer.lastOperator = Math.max(buffer.lastOperator, index);
    buffer.writes.push({ operator: index, offset, bytes: bytesOf(output), index: 0 });
    for (const { bytes, nvmOffset } of call.spills) {
      buffer.spills.push({
        operator: index,
        offset,
        bytes,
        nvmOffset: present(nvmOffset, 'place of a spill'),
      });
    }
  });
  for (const id of graph.outputs) {
    present(ownerOf(id), 'output').buffer.lastOperator = graph.operators.length;
  }
  const buffers = [...new Set([...owners.values()].map(({ buffer }) => buffer))];
  for (const buffer of buffers.filter(({ refill }) => refill !== null)) {
    // Not at a RESHAPE in front of that, which is not executed.
    buffer.firstOperator = buffer.reads.at(0)?.operator ?? graph.operators.length;
  }
  return buffers;
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
