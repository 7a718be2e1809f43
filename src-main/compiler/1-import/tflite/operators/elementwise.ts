import type { Binary, Clamp, Prelu, Softmax, Unary } from '../../../graph.js';
import { activationOf, type TfliteNode } from '../node.js';
import {
  BINARY_OPTIONS,
  GELU_OPTIONS,
  LEAKY_RELU_OPTIONS,
  OPTIONS_TYPE,
  SOFTMAX_OPTIONS,
} from '../schema.js';

/** ADD, SUB and MUL; shapes broadcast, and one of the two may be a constant. */
export function importBinary(kind: Binary['kind'], node: TfliteNode): Binary {
  const options = node.options(OPTIONS_TYPE[kind]);
  return {
    kind,
    name: node.name,
    inputs: [node.input(0), node.input(1)],
    outputs: [node.output()],
    activation: activationOf(node, options?.int8(BINARY_OPTIONS.activation) ?? 0),
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

/** Functions of one value; QUANTIZE and DEQUANTIZE are told apart by the types of their tensors. */
export function importUnary(kind: Unary['kind'], node: TfliteNode): Unary {
  return {
    kind,
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    alpha: parameterOf(kind, node),
    beta: 0,
  };
}

function parameterOf(kind: Unary['kind'], node: TfliteNode): number {
  switch (kind) {
    case 'LEAKY_RELU':
      return node.options(OPTIONS_TYPE.LEAKY_RELU)?.float32(LEAKY_RELU_OPTIONS.alpha) ?? 0;
    case 'GELU':
      return node.options(OPTIONS_TYPE.GELU)?.boolean(GELU_OPTIONS.approximate) === true ? 1 : 0;
    case 'ELU':
      return 1;
    default:
      return 0;
  }
}

/** PRELU: slopes are a constant. */
export function importPrelu(node: TfliteNode): Prelu {
  return {
    kind: 'PRELU',
    name: node.name,
    inputs: [node.input(0), node.input(1)],
    outputs: [node.output()],
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
