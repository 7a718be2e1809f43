import { elementCount } from '../../../graph.js';
import type { NodeImport } from '../node.js';
import { identity, onnxIndices, type OnnxActivation } from '../values.js';
import { weightQuantization } from './convolution.js';

/** Gemm: alpha * A * B + beta * C, with B and C constant. */
export function importGemm(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const transposed = node.integer('transB', 0) !== 0;
  if (input.shape.length !== 2 || node.integer('transA', 0) !== 0) {
    throw node.unsupported(
      `multiplies [${input.shape.join(', ')}]${input.shape.length === 2 ? ' transposed' : ''}`,
      'Flatten to [1, values] before Gemm, without transA',
    );
  }
  const bias = node.optionalConstant(2);
  const beta = node.float('beta', 1);
  const outputs = node.constant(1).shape[transposed ? 0 : 1] ?? 0;
  let values: Float32Array | null = null;
  if (bias !== null && beta !== 0) {
    const { data } = bias;
    const last = bias.shape.at(-1) ?? 1;
    if (data.length !== last || (last !== 1 && last !== outputs)) {
      throw node.unsupported(`adds C [${bias.shape.join(', ')}]`, `Use a C of ${outputs} values`);
    }
    values = Float32Array.from({ length: outputs }, (_, o) => beta * data[last === 1 ? 0 : o]);
  }
  return dense(node, input, transposed, node.float('alpha', 1), values);
}

/** MatMul of an activation with a constant matrix. */
export function importMatMul(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  if (input.shape.length < 2) {
    throw node.unsupported(`multiplies [${input.shape.join(', ')}]`, 'Give it two dimensions or more');
  }
  return dense(node, input, false, 1, null);
}

/**
 * Rows of the input times weights [outputs, depth], made from a constant [depth, outputs] (or [outputs, depth] when transposed).
 * Where there is one row, the columns take the order in which the input's elements lie.
 */
function dense(
  node: NodeImport,
  input: OnnxActivation,
  transposed: boolean,
  factor: number,
  bias: Float32Array | null,
): OnnxActivation {
  const values = node.floats(1);
  const { shape, quantization } = node.constant(1);
  const [outputs, depth] = transposed ? shape : [shape[1], shape[0]];
  if (shape.length !== 2 || input.shape.at(-1) !== depth) {
    throw node.damaged(`multiplies [${input.shape.join(', ')}] with [${shape.join(', ')}]`);
  }
  const single = elementCount(input.shape) === depth;
  const id = single ? input.id : node.inOrder(input, identity(input.shape.length));
  const columns = onnxIndices(single ? input.layout : null, depth);
  const permuted = new Float32Array(values.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < depth; i++) {
      const column = columns[i];
      permuted[o * depth + i] = factor * values[transposed ? o * depth + column : column * outputs + o];
    }
  }
  // Output channels are rows of the graph's weights; of a matrix that is not transposed they are dimension 1.
  const along = quantization?.axis ?? null;
  const given =
    quantization === undefined || factor !== 1 || (along !== null && along !== (transposed ? 0 : 1))
      ? null
      : weightQuantization({ ...quantization, axis: along === null ? null : 0 }, 0, 0, outputs);
  const inputs = [id, node.addConstant('weights', [outputs, depth], permuted, given)];
  if (bias !== null) {
    inputs.push(node.addConstant('bias', [outputs], bias));
  }
  const output = [...input.shape.slice(0, -1), outputs];
  const result = node.addOperator({ kind: 'FULLY_CONNECTED', inputs, activation: 'NONE' }, output);
  return node.arrangedValue(result, output, identity(output.length));
}
