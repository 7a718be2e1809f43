/**
 * QuantizeLinear and DequantizeLinear, the way in which ONNX models say how they are quantized. The graph stays a float one whose
 * tensors remember their steps; phase 2 takes these instead of calibrating.
 */
import type { Quantization } from '../../../graph.js';
import { elementCount } from '../../../graph.js';
import { INT8, UINT8, type OnnxConstant } from '../model.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import type { OnnxActivation, OnnxValue } from '../values.js';

/** QuantizeLinear of an activation: it is stored in these steps from here on. */
export function importQuantize(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const quantization = activationQuantization(node);
  return node.addElementWise(
    { kind: 'QUANTIZE', inputs: [input.id], alpha: 0, beta: 0 },
    input,
    quantization,
  );
}

/** DequantizeLinear: of an activation what was quantized, of a constant the numbers that it stands for. */
export function importDequantize(node: NodeImport): OnnxValue {
  const value = node.value(0);
  if (value.kind === 'constant') {
    return { kind: 'constant', constant: dequantized(node, value.constant) };
  }
  const quantization = activationQuantization(node);
  const known = node.tensor(value.id).quantization;
  if (known === null) {
    node.setQuantization(value.id, quantization);
  } else if (
    known.scales[0] !== quantization.scales[0] ||
    known.zeroPoints[0] !== quantization.zeroPoints[0]
  ) {
    throw node.unsupported(
      'has another scale or zero point than the QuantizeLinear before it',
      'Quantize the model again',
    );
  }
  return value;
}

/** The one scale and zero point of an activation, uint8 as int8 with everything 128 lower. */
function activationQuantization(node: NodeImport): Quantization {
  const scale = node.constant(1);
  const zero = node.optionalConstant(2);
  const type = zero?.elementType ?? node.integer('output_dtype', UINT8);
  if (scale.data.length !== 1 || (zero !== null && zero.data.length !== 1)) {
    throw node.unsupported(
      `quantizes activations with ${scale.data.length} scales`,
      'Quantize activations per tensor',
    );
  }
  if (type !== UINT8 && type !== INT8) {
    throw node.unsupported(`quantizes to the element type number ${type}`, 'Quantize to int8 or uint8');
  }
  const offset = type === UINT8 ? 128 : 0;
  return {
    scales: Float64Array.of(Math.fround(scale.data[0])),
    zeroPoints: Int32Array.of((zero?.data[0] ?? 0) - offset),
    axis: null,
  };
}

function dequantized(node: NodeImport, constant: OnnxConstant): OnnxConstant {
  const scale = node.constant(1);
  const zero = node.optionalConstant(2);
  const { shape, data } = constant;
  const count = scale.data.length;
  const axis = count === 1 ? null : normalizedAxis(node, node.integer('axis', 1), shape.length);
  const blocks = zero !== null && zero.data.length !== count;
  if (node.integer('block_size', 0) !== 0 || blocks || (axis !== null && shape[axis] !== count)) {
    throw node.unsupported(
      `has ${count} scales for [${shape.join(', ')}]`,
      'Quantize weights per tensor or per channel',
    );
  }
  const inner = axis === null ? data.length : elementCount(shape.slice(axis + 1));
  const entryOf = (i: number): number => (axis === null ? 0 : Math.floor(i / inner) % count);
  const values = Float32Array.from(
    data,
    (stored, i) => Math.fround(scale.data[entryOf(i)]) * (stored - (zero?.data[entryOf(i)] ?? 0)),
  );
  node.spend(values.length);
  // uint8 weights around 128 are int8 weights around 0; others have no place in int8 kernels and are quantized anew.
  const middle = constant.elementType === UINT8 ? 128 : 0;
  const symmetric = Array.from(scale.data).every((_, entry) => (zero?.data[entry] ?? 0) === middle);
  const narrow = constant.elementType === UINT8 || constant.elementType === INT8;
  const real = { name: constant.name, shape, kind: 'float' as const, elementType: 1, data: values };
  return symmetric && narrow
    ? { ...real, quantization: { scales: Float64Array.from(scale.data, Math.fround), axis } }
    : real;
}
