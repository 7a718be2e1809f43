import type { Operator, Quantization, Tensor } from '../../graph.js';
import { elementCount } from '../../graph.js';
import { inferOutputShape, sameShape } from '../../shapes.js';
import { MAXIMUM_ELEMENTS } from '../elements.js';
import {
  damagedModel,
  MAXIMUM_OPERATORS,
  printableName,
  tooManyOperators,
  unsupportedModel,
} from '../model-errors.js';
import type { OnnxConstant, OnnxNode } from './model.js';
import {
  identity,
  layoutOf,
  partsOf,
  sameLayout,
  storedOrder,
  type OnnxActivation,
  type OnnxValue,
} from './values.js';

/** Turns one node into operators of the graph, and gives the values of its outputs. */
export type OnnxOperatorImporter = (node: NodeImport) => OnnxValue | OnnxValue[];

/** An operator as importers write it: name and output are added. */
type OperatorBody = Operator extends infer Kind
  ? Kind extends Operator
    ? Omit<Kind, 'name' | 'outputs'>
    : never
  : never;

/** The graph while it grows. */
export interface GraphUnderConstruction {
  tensors: Tensor[];
  operators: Operator[];
  values: Map<string, OnnxValue>;
  /** How many more elements of constants may be made; nodes may share an initializer, and each makes its own copy. */
  constantBudget: number;
}

/** An activation whose tensor has the shape of the value with its dimensions in an order. */
export interface Arranged {
  id: number;
  order: readonly number[];
}

/** One node of the file, as the small per-operator importers see it. */
export class NodeImport {
  readonly name: string;
  readonly operator: string;
  /** Version of ONNX's operator set, which decides what attributes mean. */
  readonly opset: number;
  readonly #node: OnnxNode;
  readonly #graph: GraphUnderConstruction;
  readonly #place: string;

  constructor(node: OnnxNode, opset: number, graph: GraphUnderConstruction, place: string) {
    this.name = node.name;
    this.operator = node.operator;
    this.opset = opset;
    this.#node = node;
    this.#graph = graph;
    this.#place = node.operator === '' ? place : `${place}, node "${node.name}" ${node.operator}`;
  }

  hasInput(index: number): boolean {
    return (this.#node.inputs[index] ?? '') !== '';
  }

  get inputCount(): number {
    return this.#node.inputs.length;
  }

  get outputCount(): number {
    return this.#node.outputs.length;
  }

  value(index: number): OnnxValue {
    const name = this.#node.inputs[index] ?? '';
    if (name === '') {
      throw this.damaged(`lacks input ${index + 1}`);
    }
    const value = this.#graph.values.get(name);
    if (value === undefined) {
      throw this.damaged(`reads "${printableName(name)}", which no node before it produces`);
    }
    return value;
  }

  activation(index: number): OnnxActivation {
    const value = this.value(index);
    if (value.kind === 'constant') {
      throw this.unsupported(
        `has a constant as input ${index + 1}`,
        'Simplify the model before exporting it',
      );
    }
    return value;
  }

  constant(index: number): OnnxConstant {
    const value = this.value(index);
    if (value.kind !== 'constant') {
      throw this.unsupported(
        `computes its input ${index + 1} at run time`,
        'Only a constant is supported there; export the model with static shapes and constants folded',
      );
    }
    return value.constant;
  }

  optionalConstant(index: number): OnnxConstant | null {
    return this.hasInput(index) ? this.constant(index) : null;
  }

  /** Values of a float constant. */
  floats(index: number): Float32Array {
    const { data } = this.constant(index);
    if (!(data instanceof Float32Array)) {
      throw this.damaged(`has an input ${index + 1} that is not float`);
    }
    return data;
  }

  float(name: string, absent: number): number {
    return this.#node.attributes.get(name)?.float ?? absent;
  }

  integer(name: string, absent: number): number {
    return this.#node.attributes.get(name)?.integer ?? absent;
  }

  string(name: string, absent: string): string {
    return this.#node.attributes.get(name)?.string ?? absent;
  }

  /** null when the node does not have the attribute. */
  integers(name: string): number[] | null {
    return this.#node.attributes.get(name)?.integers ?? null;
  }

  attribute(name: string) {
    return this.#node.attributes.get(name) ?? null;
  }

  /** Counts elements of constants that are made. @throws InputError when they outgrow the file by far */
  spend(elements: number): void {
    this.#graph.constantBudget -= elements;
    if (this.#graph.constantBudget < 0) {
      throw this.unsupported(
        'shares its weights with so many nodes that they outgrow the file by far',
        'Use fewer nodes that share weights',
      );
    }
  }

  /** A float32 constant of the graph. @returns its tensor id */
  addConstant(
    role: string,
    shape: number[],
    data: Float32Array,
    quantization: Quantization | null = null,
  ): number {
    this.spend(data.length);
    return this.#addTensor({ name: `${this.name}/${role}`, shape, type: 'float32', quantization, data });
  }

  tensor(id: number): Tensor {
    return this.#graph.tensors[id];
  }

  /** Says how a value that has no quantization yet is quantized. */
  setQuantization(id: number, quantization: Quantization): void {
    this.#graph.tensors[id] = { ...this.#graph.tensors[id], quantization };
  }

  /**
   * Adds an operator; its output shape follows from its inputs.
   *
   * @param shape of the output in the graph, for RESHAPE, and where an operator may keep leading dimensions
   * @returns the tensor of its output
   */
  addOperator(
    body: OperatorBody,
    shape?: readonly number[],
    quantization: Quantization | null = null,
  ): number {
    const operator = { ...body, name: this.name, outputs: [] } as unknown as Operator;
    const inferred =
      shape ??
      inferOutputShape(
        operator,
        body.inputs.map((id) => this.#graph.tensors[id].shape),
      );
    if (inferred === null || typeof inferred === 'string') {
      throw this.damaged(inferred ?? 'has an output without a shape');
    }
    if (elementCount(inferred) > MAXIMUM_ELEMENTS || inferred.some((extent) => extent < 1)) {
      throw this.unsupported(
        `has an output [${inferred.join(', ')}]`,
        `Tensors may have 1 to ${MAXIMUM_ELEMENTS} elements`,
      );
    }
    if (this.#graph.operators.length >= MAXIMUM_OPERATORS) {
      throw tooManyOperators(this.#place, this.#graph.operators.length);
    }
    const id = this.#addTensor({
      name: printableName(this.#node.outputs[0] ?? this.name),
      shape: [...inferred],
      type: 'float32',
      quantization,
      data: null,
    });
    this.#graph.operators.push({ ...operator, outputs: [id] });
    return id;
  }

  /** An operator that leaves every element where it is: the output has shape and layout of `input`. */
  addElementWise(
    body: OperatorBody,
    input: OnnxActivation,
    quantization: Quantization | null = null,
  ): OnnxActivation {
    return { ...input, id: this.addOperator(body, undefined, quantization) };
  }

  /** The output of an operator whose tensor has the dimensions of `shape` in an order. */
  arrangedValue(id: number, shape: readonly number[], order: readonly number[]): OnnxActivation {
    return { kind: 'activation', id, shape, layout: layoutOf(shape, order) };
  }

  /** A tensor with the elements of a value whose dimensions are stored in `order`; moves them only if it has to. */
  inOrder(value: OnnxActivation, order: readonly number[]): number {
    const shape = order.map((d) => value.shape[d]);
    const wanted = layoutOf(value.shape, order);
    if (sameLayout(value.layout, wanted)) {
      return this.#reshaped(value.id, shape);
    }
    const parts = partsOf(value.layout, value.shape);
    if (parts === null) {
      // First into ONNX's order, of which every shape is a view.
      const { extents, stored } = value.layout ?? { extents: [], stored: [] };
      const id = this.#permuted(value.id, extents, stored, identity(extents.length));
      return this.inOrder({ ...value, id, layout: null }, order);
    }
    const target = order.flatMap((d) => parts.ofDimension[d]);
    return this.#reshaped(this.#permuted(value.id, parts.extents, parts.stored, target), shape);
  }

  /** As the value is stored, if each dimension is in one piece; else moved into ONNX's order. */
  arranged(value: OnnxActivation): Arranged {
    const order = storedOrder(value.layout, value.shape) ?? identity(value.shape.length);
    return { id: this.inOrder(value, order), order };
  }

  unsupported(message: string, remedy: string): Error {
    return unsupportedModel(this.#place, message, remedy);
  }

  damaged(message: string): Error {
    return damagedModel(this.#place, message);
  }

  /** Brings parts of ONNX's order `extents`, stored in one order, into another. */
  #permuted(id: number, extents: readonly number[], from: readonly number[], to: readonly number[]): number {
    const input = this.#reshaped(
      id,
      from.map((part) => extents[part]),
    );
    const permutation = to.map((part) => from.indexOf(part));
    return this.addOperator(
      { kind: 'TRANSPOSE', inputs: [input], permutation },
      undefined,
      this.tensor(input).quantization,
    );
  }

  #reshaped(id: number, shape: readonly number[]): number {
    const { shape: found, quantization } = this.tensor(id);
    return sameShape(found, shape)
      ? id
      : this.addOperator({ kind: 'RESHAPE', inputs: [id] }, shape, quantization);
  }

  #addTensor(tensor: Omit<Tensor, 'id'>): number {
    return this.#graph.tensors.push({ ...tensor, id: this.#graph.tensors.length }) - 1;
  }
}

/** A dimension of `rank`; negative ones count from the end. @throws InputError when there is no such dimension */
export function normalizedAxis(node: NodeImport, axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normalized) || normalized < 0 || normalized >= rank) {
    throw node.damaged(`has the axis ${axis} of ${rank} dimensions`);
  }
  return normalized;
}
