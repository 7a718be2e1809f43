/** What a phase knows to be there, because validateGraph holds. A RangeError from here is a mistake in this program. */
import type { ElementArray, Graph, Quantization, Tensor } from './graph.js';

/** The values of a constant. */
export function constantData(tensor: Tensor): ElementArray {
  return tensor.data ?? missing(tensor, 'value');
}

/** The values of a float32 constant. */
export function floatData(tensor: Tensor): Float32Array {
  return tensor.data instanceof Float32Array ? tensor.data : missing(tensor, 'float32 value');
}

/** The scales and zero points of a quantized tensor. */
export function quantizationOf(tensor: Tensor): Quantization {
  return tensor.quantization ?? missing(tensor, 'quantization');
}

/** Scale and zero point of a tensor that has one of each. */
export function scaleAndZeroPoint(tensor: Tensor): { scale: number; zeroPoint: number } {
  const { scales, zeroPoints } = quantizationOf(tensor);
  return { scale: scales[0], zeroPoint: zeroPoints[0] };
}

/** The tensors that are computed at run time, the graph's inputs included, in order of execution. */
export function activationsOf(graph: Graph): Tensor[] {
  const ids = [...graph.inputs, ...graph.operators.flatMap((operator) => operator.outputs)];
  return [...new Set(ids)].map((id) => graph.tensors[id]);
}

/** The entry of a map that has one. */
export function entryOf<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) {
    throw new RangeError(`no entry for ${String(key)}`);
  }
  return value;
}

function missing(tensor: Tensor, what: string): never {
  throw new RangeError(`tensor "${tensor.name}" has no ${what}`);
}
