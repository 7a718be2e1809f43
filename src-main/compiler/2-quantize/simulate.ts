/**
 * An int8 graph in real numbers: its constants dequantized, every activation rounded to its int8 grid right after it was
 * computed. Differs from the int8 kernels only in how a sum that falls between two steps is rounded.
 */
import { elementCount, type Graph, type Quantization, type Tensor } from '../graph.js';
import { constantData, quantizationOf } from '../graph-access.js';

/** The float graph with the values that the int8 graph's constants stand for; ids are the same. */
export function dequantizedGraph(graph: Graph): Graph {
  const constants = new Set(graph.operators.flatMap(({ inputs }) => inputs));
  return {
    ...graph,
    tensors: graph.tensors.map((tensor): Tensor => {
      if (tensor.data === null) {
        return { ...tensor, type: 'float32' };
      }
      return constants.has(tensor.id) && tensor.type !== 'float32'
        ? { ...tensor, type: 'float32', data: dequantized(tensor) }
        : tensor;
    }),
  };
}

/** Rounds values, in place, to the nearest that int8 with a quantization can hold. */
export function roundToGrid(values: Float32Array, { scales, zeroPoints }: Quantization): void {
  const [scale, zeroPoint] = [scales[0], zeroPoints[0]];
  const [lowest, highest, perUnit] = [-128 - zeroPoint, 127 - zeroPoint, 1 / scale];
  for (let i = 0; i < values.length; i++) {
    const steps = Math.round(values[i] * perUnit);
    values[i] = scale * (steps < lowest ? lowest : steps > highest ? highest : steps);
  }
}

function dequantized(tensor: Tensor): Float32Array {
  const { scales, zeroPoints, axis } = quantizationOf(tensor);
  const inner = axis === null ? elementCount(tensor.shape) : elementCount(tensor.shape.slice(axis + 1));
  return Float32Array.from(constantData(tensor) as Int8Array | Int32Array, (stored, i) => {
    const entry = Math.floor(i / inner) % scales.length;
    return scales[entry] * (stored - zeroPoints[entry]);
  });
}
