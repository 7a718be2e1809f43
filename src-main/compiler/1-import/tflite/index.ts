/** TensorFlow Lite flatbuffers (.tflite) to the graph: fully int8-quantized and float32 models. */
import type { ElementArray, ElementType, Graph, Quantization, Tensor } from '../../graph.js';
import { elementCount } from '../../graph.js';
import { entryOf } from '../../graph-access.js';
import { bytesPerElement, elementsFromBytes, halfFloatsFromBytes, MAXIMUM_ELEMENTS } from '../elements.js';
import {
  damagedModel,
  MAXIMUM_OPERATORS,
  printableName,
  tooManyOperators,
  unknownOperators,
  unsupportedModel,
} from '../model-errors.js';
import { builtinOperatorName } from './builtin-operators.js';
import { dequantizeWeights } from './dequantize-weights.js';
import { FlatBuffer, type Table } from './flatbuffer.js';
import type { TfliteNode } from './node.js';
import { oneType } from './one-type.js';
import { TFLITE_OPERATORS } from './operators/index.js';
import {
  BUFFER,
  CUSTOM_OPERATOR_CODE,
  ELEMENT_TYPES,
  HALF_FLOAT,
  MODEL,
  OPERATOR,
  OPERATOR_CODE,
  QUANTIZATION,
  SUBGRAPH,
  TENSOR,
} from './schema.js';

const MAXIMUM_DIMENSIONS = 8;
/** Tensors, and buffers, of one file. */
const MAXIMUM_TENSORS = 65_536;
/** Operators are counted, and said to be too many, only up to here. */
const COUNTED_OPERATORS = 16 * MAXIMUM_OPERATORS;

/** Whether the bytes carry the file identifier of TensorFlow Lite. */
export function isTflite(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3';
}

/**
 * Reads the model's only (or first) subgraph.
 *
 * @param place the file, for errors
 * @param modelName name of the graph
 * @throws InputError `model-damaged`, `model-unsupported` or `unknown-operator`
 */
export function importTflite(bytes: Uint8Array, place: string, modelName: string): Graph {
  const model = new FlatBuffer(bytes, place).root();
  const version = model.uint32(MODEL.version);
  if (version !== 3) {
    throw unsupportedModel(place, `has the schema version ${version}`, 'Convert the model with TensorFlow 2');
  }
  const subgraphs = model.tables(MODEL.subgraphs, 1024);
  const subgraph = subgraphs[0];
  if (subgraph === undefined) {
    throw damagedModel(place, 'holds no subgraph');
  }
  if (subgraphs.length > 1) {
    throw unsupportedModel(
      place,
      `holds ${subgraphs.length} subgraphs`,
      'Export an inference function without control flow, as a single subgraph',
    );
  }
  const tables = subgraph.tables(SUBGRAPH.operators, COUNTED_OPERATORS);
  if (tables.length > MAXIMUM_OPERATORS) {
    throw tooManyOperators(place, tables.length);
  }
  const names = operatorNames(tables, operatorCodeNames(model), place);
  const tensors = new TensorTable(
    subgraph.tables(SUBGRAPH.tensors, MAXIMUM_TENSORS),
    model.tables(MODEL.buffers, MAXIMUM_TENSORS),
    place,
  );
  const all = tables.map((table, i) => new FileNode(table, names[i], i, tensors, place));
  const outputs = subgraph.int32s(SUBGRAPH.outputs) ?? [];
  const nodes = withoutShapes(all, outputs);
  const unknown = nodes.filter(({ operator }) => !TFLITE_OPERATORS.has(operator));
  if (unknown.length > 0) {
    throw unknownOperators(
      place,
      unknown.map(({ operator, label }) => ({ operator, node: label })),
      [...TFLITE_OPERATORS.keys()],
    );
  }
  const inputs = (subgraph.int32s(SUBGRAPH.inputs) ?? []).map((index) => tensors.idOf(index));
  const graph: Graph = {
    name: modelName,
    operators: nodes.flatMap((node) => entryOf(TFLITE_OPERATORS, node.operator)(node)),
    inputs,
    outputs: outputs.map((index) => tensors.idOf(index)),
    tensors: tensors.used,
  };
  refuseShared(graph, bytes.length, place);
  return oneType(dequantizeWeights(graph), place);
}

/** Tensors may share a buffer, and what becomes of each takes memory of its own. */
function refuseShared({ tensors }: Graph, fileBytes: number, place: string): void {
  const elements = tensors.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  if (elements > 65_536 + 2 * fileBytes) {
    throw unsupportedModel(
      place,
      'shares its weights among so many tensors that they outgrow the file by far',
      'Convert the model again; give every tensor a buffer of its own',
    );
  }
}

/**
 * Leaves out nodes that only compute the shape of a RESHAPE, as models with an open batch size have them (SHAPE, STRIDED_SLICE,
 * PACK): with a fixed size the shape of its output says it all. Anything else that nobody reads stays, to be judged.
 */
function withoutShapes(nodes: readonly FileNode[], outputs: readonly number[]): FileNode[] {
  const wanted = new Set(outputs);
  const shapes = new Set<number>();
  return [...nodes]
    .reverse()
    .filter((node) => {
      const shapesOnly =
        node.outputIndices.length > 0 &&
        node.outputIndices.every((index) => shapes.has(index) && !wanted.has(index));
      node.inputIndices.forEach((index, i) => {
        (shapesOnly || (node.operator === 'RESHAPE' && i > 0) ? shapes : wanted).add(index);
      });
      return !shapesOnly;
    })
    .reverse();
}

function operatorCodeNames(model: Table): string[] {
  return model.tables(MODEL.operatorCodes, MAXIMUM_OPERATORS).map((code) => {
    // Files from before schema 3a have the byte-wide field only; later ones have both, the byte saturated at 127.
    const number = Math.max(
      code.int8(OPERATOR_CODE.deprecatedBuiltinCode),
      code.int32(OPERATOR_CODE.builtinCode),
    );
    return number === CUSTOM_OPERATOR_CODE
      ? `CUSTOM "${printableName(code.string(OPERATOR_CODE.customCode) ?? '')}"`
      : builtinOperatorName(number);
  });
}

function operatorNames(operators: readonly Table[], codes: readonly string[], place: string): string[] {
  return operators.map((operator, i) => {
    const index = operator.uint32(OPERATOR.opcodeIndex);
    const name = codes[index];
    if (name === undefined) {
      throw damagedModel(place, `node ${i} has operator code ${index} of ${codes.length}`);
    }
    return name;
  });
}

/** The file's tensors; one becomes part of the graph when an operator or the interface first asks for it. */
class TensorTable {
  readonly used: Tensor[] = [];
  readonly #tables: readonly Table[];
  readonly #buffers: readonly Table[];
  readonly #place: string;
  readonly #ids = new Map<number, number>();
  readonly #names = new Map<number, string>();
  readonly #shapes = new Map<number, number[]>();
  /** Constants by buffer and type: tensors that share a buffer share the array. */
  readonly #constants = new Map<string, ElementArray>();

  constructor(tables: readonly Table[], buffers: readonly Table[], place: string) {
    this.#tables = tables;
    this.#buffers = buffers;
    this.#place = place;
  }

  nameOf(index: number): string {
    let name = this.#names.get(index);
    if (name === undefined) {
      name = printableName(this.#table(index).string(TENSOR.name) ?? `tensor ${index}`);
      this.#names.set(index, name);
    }
    return name;
  }

  shapeOf(index: number): number[] {
    const known = this.#shapes.get(index);
    if (known !== undefined) {
      return known;
    }
    const shape = this.#table(index).int32s(TENSOR.shape) ?? [];
    const place = this.#placeOf(index);
    if (shape.length > MAXIMUM_DIMENSIONS || shape.some((extent) => extent < 0)) {
      throw damagedModel(
        place,
        `has a shape of ${shape.length} dimensions (${shape.slice(0, 8).join(', ')})`,
      );
    }
    if (elementCount(shape) > MAXIMUM_ELEMENTS) {
      throw unsupportedModel(
        place,
        `has ${elementCount(shape)} elements`,
        `Tensors may have up to ${MAXIMUM_ELEMENTS} elements; use a smaller model`,
      );
    }
    this.#shapes.set(index, shape);
    return shape;
  }

  /** The graph's id for a tensor of the file. */
  idOf(index: number): number {
    const known = this.#ids.get(index);
    if (known !== undefined) {
      return known;
    }
    const table = this.#table(index);
    const type = this.#typeOf(index);
    if (table.boolean(TENSOR.isVariable)) {
      throw unsupportedModel(
        this.#placeOf(index),
        'is a variable that keeps its value',
        'Use a model without state',
      );
    }
    const id = this.used.length;
    this.#ids.set(index, id);
    const shape = this.shapeOf(index);
    this.used.push({
      id,
      name: this.nameOf(index),
      shape,
      type,
      quantization: this.#quantizationOf(index),
      data: this.constantOf(index),
    });
    return id;
  }

  /** A new activation of the type and quantization of another tensor. @returns its id */
  add(like: number, name: string, shape: number[]): number {
    const model = this.used[this.idOf(like)];
    const id = this.used.length;
    this.used.push({ ...model, id, name, shape, data: null });
    return id;
  }

  /** The value of a constant, null for an activation. */
  constantOf(index: number): ElementArray | null {
    const table = this.#table(index);
    const bufferIndex = table.uint32(TENSOR.buffer);
    if (bufferIndex === 0) {
      return null;
    }
    const buffer = this.#buffers[bufferIndex];
    if (buffer === undefined) {
      throw damagedModel(this.#placeOf(index), `is in buffer ${bufferIndex} of ${this.#buffers.length}`);
    }
    const type = this.#typeOf(index);
    const key = `${bufferIndex} ${table.int8(TENSOR.type)}`;
    let data = this.#constants.get(key);
    if (data === undefined) {
      const bytes = buffer.bytes(BUFFER.data);
      if (bytes === null || bytes.length === 0) {
        return null;
      }
      const half = table.int8(TENSOR.type) === HALF_FLOAT;
      if (bytes.length % (half ? 2 : bytesPerElement(type)) !== 0) {
        throw damagedModel(this.#placeOf(index), `has ${bytes.length} bytes of ${type}`);
      }
      data = half ? halfFloatsFromBytes(bytes) : elementsFromBytes(bytes, type);
      this.#constants.set(key, data);
    }
    if (table.table(TENSOR.sparsity) !== null) {
      throw unsupportedModel(
        this.#placeOf(index),
        'is stored sparse',
        'Convert the model without sparse encoding',
      );
    }
    const elements = elementCount(this.shapeOf(index));
    if (data.length !== elements) {
      throw damagedModel(this.#placeOf(index), `has ${data.length} values where its shape needs ${elements}`);
    }
    return data;
  }

  quantizationOf(index: number): Quantization | null {
    return this.#quantizationOf(index);
  }

  #quantizationOf(index: number): Quantization | null {
    const quantization = this.#table(index).table(TENSOR.quantization);
    const scales = quantization?.float32s(QUANTIZATION.scale);
    if (!quantization || !scales || scales.length === 0) {
      return null;
    }
    if (quantization.uint8(QUANTIZATION.detailsType) !== 0) {
      throw unsupportedModel(this.#placeOf(index), 'has custom quantization', 'Use affine int8 quantization');
    }
    const shape = this.shapeOf(index);
    const axis = scales.length === 1 ? null : quantization.int32(QUANTIZATION.quantizedDimension);
    if (axis !== null && scales.length !== shape[axis]) {
      throw damagedModel(
        this.#placeOf(index),
        `has ${scales.length} scales along dimension ${axis} of [${shape.join(', ')}]`,
      );
    }
    const zeroPoints = (quantization.int64s(QUANTIZATION.zeroPoint) ?? []).map(Number);
    if (zeroPoints.length > 0 && zeroPoints.length !== scales.length) {
      throw damagedModel(
        this.#placeOf(index),
        `has ${scales.length} scales and ${zeroPoints.length} zero points`,
      );
    }
    if (zeroPoints.some((zeroPoint) => Math.abs(zeroPoint) > 32_768)) {
      throw damagedModel(this.#placeOf(index), `has the zero points ${zeroPoints.slice(0, 4).join(', ')}`);
    }
    return {
      scales: Float64Array.from(scales),
      zeroPoints: zeroPoints.length === 0 ? new Int32Array(scales.length) : Int32Array.from(zeroPoints),
      axis,
    };
  }

  #typeOf(index: number): ElementType {
    const code = this.#table(index).int8(TENSOR.type);
    // Weights in half precision are widened as they are read.
    const type = code === HALF_FLOAT ? 'float32' : ELEMENT_TYPES.get(code);
    if (type === undefined) {
      throw unsupportedModel(
        this.#placeOf(index),
        `has the element type number ${code}`,
        'Convert the model to float32 or to full int8 quantization',
      );
    }
    return type;
  }

  #table(index: number): Table {
    const table = this.#tables[index];
    if (table === undefined) {
      throw damagedModel(this.#place, `refers to tensor ${index} of ${this.#tables.length}`);
    }
    return table;
  }

  #placeOf(index: number): string {
    return `${this.#place}, tensor "${this.nameOf(index)}"`;
  }
}

class FileNode implements TfliteNode {
  readonly name: string;
  readonly operator: string;
  readonly inputCount: number;
  readonly outputCount: number;
  /** Position in the file and name, for lists. */
  readonly label: string;
  readonly inputIndices: readonly number[];
  readonly outputIndices: readonly number[];
  readonly #table: Table;
  readonly #tensors: TensorTable;
  readonly #place: string;

  constructor(table: Table, operator: string, position: number, tensors: TensorTable, place: string) {
    this.operator = operator;
    this.#table = table;
    this.#tensors = tensors;
    this.inputIndices = table.int32s(OPERATOR.inputs) ?? [];
    this.outputIndices = table.int32s(OPERATOR.outputs) ?? [];
    this.inputCount = this.inputIndices.length;
    this.outputCount = this.outputIndices.length;
    const output = this.outputIndices[0];
    this.name = output === undefined ? `node ${position}` : tensors.nameOf(output);
    this.label = output === undefined ? this.name : `node ${position} "${this.name}"`;
    this.#place = `${place}, node ${position} ${operator} "${this.name}"`;
  }

  input(index: number): number {
    return this.#tensors.idOf(this.#inputIndex(index));
  }

  optionalInput(index: number): number | null {
    const tensor = this.inputIndices[index] ?? -1;
    return tensor === -1 ? null : this.#tensors.idOf(tensor);
  }

  shape(index: number): readonly number[] {
    return this.#tensors.shapeOf(this.#inputIndex(index));
  }

  integers(index: number): number[] {
    const data = this.#tensors.constantOf(this.#inputIndex(index));
    if (data instanceof Int32Array || data instanceof BigInt64Array) {
      return Array.from(data, Number);
    }
    throw this.unsupported(
      `computes its ${index === 1 ? 'second' : `${index + 1}th`} input at run time`,
      'Only constants are supported there; export the model with static shapes',
    );
  }

  real(index: number): number {
    const tensor = this.#inputIndex(index);
    const data = this.#tensors.constantOf(tensor);
    if (data === null || data.length !== 1) {
      throw this.unsupported(`needs one constant as input ${index + 1}`, 'Use a constant pad value');
    }
    const quantization = this.#tensors.quantizationOf(tensor);
    const stored = Number(data[0]);
    return quantization === null ? stored : quantization.scales[0] * (stored - quantization.zeroPoints[0]);
  }

  output(index?: number): number {
    return this.#tensors.idOf(this.#outputIndex(index));
  }

  outputShape(index: number): readonly number[] {
    return this.#tensors.shapeOf(this.#outputIndex(index));
  }

  temporary(like: number, shape: number[]): number {
    return this.#tensors.add(this.#inputIndex(like), `${this.name}/cut`, shape);
  }

  options(type: number): Table | null {
    const found = this.#table.uint8(OPERATOR.optionsType);
    if (found === 0) {
      return null;
    }
    if (found !== type) {
      throw this.damaged(`has options of type ${found} instead of ${type}`);
    }
    return this.#table.table(OPERATOR.options);
  }

  unsupported(message: string, remedy: string): Error {
    return unsupportedModel(this.#place, message, remedy);
  }

  damaged(message: string): Error {
    return damagedModel(this.#place, message);
  }

  #outputIndex(index: number | undefined): number {
    if (this.outputCount <= (index ?? 0) || (index === undefined && this.outputCount !== 1)) {
      throw this.damaged(`has ${this.outputCount} outputs`);
    }
    return this.outputIndices[index ?? 0];
  }

  #inputIndex(index: number): number {
    const tensor = this.inputIndices[index];
    if (tensor === undefined || tensor === -1) {
      throw this.damaged(`lacks input ${index + 1}`);
    }
    return tensor;
  }
}
