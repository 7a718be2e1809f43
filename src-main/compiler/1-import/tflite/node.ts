import type { Activation, Operator } from '../../graph.js';
import type { Table } from './flatbuffer.js';

/** One operator of the file, as the small per-operator importers see it. */
export interface TfliteNode {
  /** Name of the output tensor: TensorFlow Lite's operators have none. */
  name: string;
  /** Name in the schema, e.g. `CONV_2D`. */
  operator: string;
  /** Number of inputs listed, absent ones included. */
  inputCount: number;
  /** The graph's id of input `index`. @throws InputError when the operator does not have it */
  input(index: number): number;
  /** The graph's id of an optional input: null when the list is shorter or holds -1. */
  optionalInput(index: number): number | null;
  /** Shape of input `index`. */
  shape(index: number): readonly number[];
  /** Values of input `index`, a constant of int32 or int64 that does not become part of the graph. */
  integers(index: number): number[];
  /** The single value of input `index`, a constant, as a real number (dequantized). */
  real(index: number): number;
  /** Number of outputs listed. */
  outputCount: number;
  /** The graph's id of output `index`, by default the only one. @throws InputError when there are others or it is not there */
  output(index?: number): number;
  outputShape(index: number): readonly number[];
  /** The graph's id of a new tensor with the type and quantization of input `like`. */
  temporary(like: number, shape: number[]): number;
  /** The operator's options; null when the file has none. @param type number in the union BuiltinOptions */
  options(type: number): Table | null;
  /** An error about this node that the user can do something about. */
  unsupported(message: string, remedy: string): Error;
  /** An error about bytes of this node that make no sense. */
  damaged(message: string): Error;
}

/** Gives one operator, or several in execution order. */
export type TfliteOperatorImporter = (node: TfliteNode) => Operator | Operator[];

const ACTIVATIONS: readonly Activation[] = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6'];

/** enum ActivationFunctionType. @throws InputError on TANH, SIGN_BIT and what the schema does not have */
export function activationOf(node: TfliteNode, code: number): Activation {
  const activation = ACTIVATIONS[code];
  if (activation === undefined) {
    throw node.unsupported(
      `has the fused activation number ${code}`,
      'Use RELU, RELU6, RELU_N1_TO_1 or no activation',
    );
  }
  return activation;
}
