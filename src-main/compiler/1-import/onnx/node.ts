import type { Operator, Tensor } from '../../graph.js';
import { elementCount } from '../../graph.js';
import { inferOutputShape } from '../../shapes.js';
import { MAXIMUM_ELEMENTS } from '../elements.js';
import { damagedModel, printableName, unsupportedModel } from '../model-errors.js';
import type { OnnxConstant, OnnxNode } from './model.js';
import { onnxShape, type OnnxActivation, type OnnxValue, type StoredOrder } from './values.js';

/** Turns one node into operators of the graph, and gives the value of its first output. */
export type OnnxOperatorImporter = (node: NodeImport) => OnnxValue;

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
    this.#place = `${place}, node "${node.name}" ${node.operator}`;
  }

  hasInput(index: number): boolean {
    return (this.#node.inputs[index] ?? '') !== '';
  }

  get inputCount(): number {
    return this.#node.inputs.length;
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

  /** A float32 constant of the graph. @returns its tensor id */
  addConstant(role: string, shape: number[], data: Float32Array): number {
    this.#graph.constantBudget -= data.length;
    if (this.#graph.constantBudget < 0) {
      throw this.unsupported(
        'shares its weights with so many nodes that they outgrow the file by far',
        'Use fewer nodes that share weights',
      );
    }
    return this.#addTensor({
      name: `${this.name}/${role}`,
      shape,
      type: 'float32',
      quantization: null,
      data,
    });
  }

  /**
   * Adds an operator; its output shape follows from its inputs.
   *
   * @param order of the elements of an output that has not 4 dimensions
   * @param shape of the output in the graph, for RESHAPE, and where an operator may keep leading dimensions
   */
  addOperator(body: OperatorBody, order: StoredOrder | null = null, shape?: number[]): OnnxActivation {
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
    const id = this.#addTensor({
      name: printableName(this.#node.outputs[0] ?? this.name),
      shape: inferred,
      type: 'float32',
      quantization: null,
      data: null,
    });
    this.#graph.operators.push({ ...operator, outputs: [id] });
    return { kind: 'activation', id, shape: onnxShape(inferred), order };
  }

  unsupported(message: string, remedy: string): Error {
    return unsupportedModel(this.#place, message, remedy);
  }

  damaged(message: string): Error {
    return damagedModel(this.#place, message);
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
