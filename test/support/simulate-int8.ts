import { elementCount, type Graph, type Tensor } from '../../src-main/compiler/graph.js';
import { quantizationOf, scaleAndZeroPoint } from '../../src-main/compiler/graph-access.js';
import { createFloatEvaluator } from '../../src-main/compiler/2-quantize/evaluate-float.js';

/**
 * An int8 graph in real numbers: its constants dequantized, every activation rounded to its int8 grid right after it was
 * computed. Equal to the int8 specification except for how a sum that falls between two steps is rounded, so outputs
 * agree within a step or so: an oracle for importing and quantizing that shares no code with the kernels.
 *
 * @returns a function from the stored int8 input to the stored int8 output
 */
export function simulateInt8(graph: Graph): (input: ArrayLike<number>) => Int8Array {
  const real: Graph = { ...graph, tensors: graph.tensors.map(dequantized) };
  const evaluator = createFloatEvaluator(real);
  const quantization = (id: number) => scaleAndZeroPoint(graph.tensors[id]);
  const stored = (value: number, { scale, zeroPoint }: { scale: number; zeroPoint: number }): number =>
    Math.min(127, Math.max(-128, Math.round(value / scale) + zeroPoint));
  return (input) => {
    const { scale, zeroPoint } = quantization(graph.inputs[0]);
    const reals = Float32Array.from(input, (value) => scale * (value - zeroPoint));
    const [output] = evaluator.run([reals], (tensor, values) => {
      const grid = quantization(tensor);
      values.forEach((value, i) => (values[i] = grid.scale * (stored(value, grid) - grid.zeroPoint)));
    });
    const grid = quantization(graph.outputs[0]);
    return Int8Array.from(output, (value) => stored(value, grid));
  };
}

function dequantized(tensor: Tensor): Tensor {
  const { data } = tensor;
  if (data === null) {
    return { ...tensor, type: 'float32' };
  }
  const { scales, zeroPoints, axis } = quantizationOf(tensor);
  const inner = axis === null ? elementCount(tensor.shape) : elementCount(tensor.shape.slice(axis + 1));
  const reals = Float32Array.from({ length: data.length }, (_, i) => {
    const entry = Math.floor(i / inner) % scales.length;
    return scales[entry] * (Number(data[i]) - zeroPoints[entry]);
  });
  return { ...tensor, type: 'float32', data: reals };
}
