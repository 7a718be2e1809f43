import type { Graph, Tensor } from '../../graph.js';

/**
 * Weights of "dynamic range" models: int8 constants read by float32 operators, which TensorFlow Lite multiplies with
 * activations that it quantizes on the fly. They become the float32 values that they stand for, so that such a model
 * goes the way of every float model. Other graphs are returned as they are.
 */
export function dequantizeWeights(graph: Graph): Graph {
  const hybrid = new Set(
    graph.operators
      .filter((operator) => graph.tensors[operator.inputs[0] ?? -1]?.type === 'float32')
      .flatMap((operator) => operator.inputs)
      .filter((id) => graph.tensors[id].type === 'int8' && graph.tensors[id].data !== null),
  );
  if (hybrid.size === 0) {
    return graph;
  }
  return {
    ...graph,
    tensors: graph.tensors.map((tensor) => (hybrid.has(tensor.id) ? dequantized(tensor) : tensor)),
  };
}

/** real = scale * (stored - zeroPoint), with the scale of the element's position along the quantized dimension. */
export function dequantized(tensor: Tensor): Tensor {
  const { quantization, data, shape } = tensor;
  if (quantization === null || data === null) {
    return tensor;
  }
  const { scales, zeroPoints, axis } = quantization;
  const inner =
    axis === null ? data.length : shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: data.length }, (_, i) => {
    const entry = Math.floor(i / inner) % scales.length;
    return scales[entry] * (Number(data[i]) - zeroPoints[entry]);
  });
  return { ...tensor, type: 'float32', quantization: null, data: values };
}
