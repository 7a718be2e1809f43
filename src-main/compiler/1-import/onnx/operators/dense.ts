import type { NodeImport } from '../node.js';
import { onnxIndex, type OnnxActivation, type OnnxValue } from '../values.js';

/** Gemm: alpha * A * B + beta * C, with B and C constant. */
export function importGemm(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const transposed = node.integer('transB', 0) !== 0;
  const [rows, depth] = input.shape;
  if (input.shape.length !== 2 || node.integer('transA', 0) !== 0) {
    throw node.unsupported(
      `multiplies [${input.shape.join(', ')}]${input.shape.length === 2 ? ' transposed' : ''}`,
      'Flatten to [1, values] before Gemm, without transA',
    );
  }
  const weights = denseWeights(node, input, depth, transposed, node.float('alpha', 1));
  const inputs = [input.id, weights.id];
  const bias = node.optionalConstant(2);
  const beta = node.float('beta', 1);
  if (bias !== null && beta !== 0) {
    const { data } = bias;
    const last = bias.shape.at(-1) ?? 1;
    if (data.length !== last || (last !== 1 && last !== weights.outputs)) {
      throw node.unsupported(`adds C [${bias.shape.join(', ')}]`, `Use a C of ${weights.outputs} values`);
    }
    inputs.push(
      node.addConstant(
        'bias',
        [weights.outputs],
        Float32Array.from({ length: weights.outputs }, (_, o) => beta * data[last === 1 ? 0 : o]),
      ),
    );
  }
  return node.addOperator({ kind: 'FULLY_CONNECTED', inputs, activation: 'NONE' }, null, [
    rows,
    weights.outputs,
  ]);
}

/** MatMul of an activation with a constant matrix. */
export function importMatMul(node: NodeImport): OnnxValue {
  const input = node.activation(0);
  const depth = input.shape.at(-1) ?? 1;
  if (input.shape.length < 2 || input.shape.length === 4) {
    throw node.unsupported(
      `multiplies [${input.shape.join(', ')}]`,
      'Flatten to [1, values] before MatMul, or use a convolution of 1x1',
    );
  }
  const weights = denseWeights(node, input, depth, false, 1);
  return node.addOperator(
    { kind: 'FULLY_CONNECTED', inputs: [input.id, weights.id], activation: 'NONE' },
    null,
    [...input.shape.slice(0, -1), weights.outputs],
  );
}

/**
 * Weights [outputs, depth] from a constant [depth, outputs] (or [outputs, depth] when transposed), the columns in the
 * order in which the input's elements lie.
 */
function denseWeights(
  node: NodeImport,
  input: OnnxActivation,
  depth: number,
  transposed: boolean,
  factor: number,
): { id: number; outputs: number } {
  const values = node.floats(1);
  const { shape } = node.constant(1);
  const [outputs, wanted] = transposed ? shape : [shape[1], shape[0]];
  if (shape.length !== 2 || wanted !== depth) {
    throw node.damaged(`multiplies [${input.shape.join(', ')}] with [${shape.join(', ')}]`);
  }
  if (input.order !== null && input.order.channels * input.order.positions !== depth) {
    throw node.unsupported(
      `multiplies an image that was reshaped to [${input.shape.join(', ')}]`,
      'Flatten the whole image to [1, values]',
    );
  }
  const permuted = new Float32Array(values.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < depth; i++) {
      const column = onnxIndex(input.order, i);
      permuted[o * depth + i] = factor * values[transposed ? o * depth + column : column * outputs + o];
    }
  }
  return { id: node.addConstant('weights', [outputs, depth], permuted), outputs };
}
