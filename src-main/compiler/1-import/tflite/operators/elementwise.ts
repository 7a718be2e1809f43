import type { Add, Clamp, Softmax } from '../../../graph.js';
import { sameShape } from '../../../shapes.js';
import { activationOf, type TfliteNode } from '../node.js';
import { ADD_OPTIONS, OPTIONS_TYPE, SOFTMAX_OPTIONS } from '../schema.js';

/** ADD of two activations of one shape. */
export function importAdd(node: TfliteNode): Add {
  const options = node.options(OPTIONS_TYPE.ADD);
  const [a, b] = [node.shape(0), node.shape(1)];
  if (!sameShape(a, b)) {
    throw node.unsupported(
      `adds [${a.join(', ')}] and [${b.join(', ')}] with broadcasting`,
      'Only additions of two tensors of one shape are supported; fold a constant into the bias of the operator before',
    );
  }
  return {
    kind: 'ADD',
    name: node.name,
    inputs: [node.input(0), node.input(1)],
    outputs: [node.output()],
    activation: activationOf(node, options?.int8(ADD_OPTIONS.activation) ?? 0),
  };
}

/** RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 as operators of their own. */
export function importClamp(minimum: number, maximum: number, node: TfliteNode): Clamp {
  return {
    kind: 'CLAMP',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    minimum,
    maximum,
  };
}

/** SOFTMAX over the last dimension. */
export function importSoftmax(node: TfliteNode): Softmax {
  const options = node.options(OPTIONS_TYPE.SOFTMAX);
  return {
    kind: 'SOFTMAX',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    beta: options?.float32(SOFTMAX_OPTIONS.beta) ?? 0,
  };
}
