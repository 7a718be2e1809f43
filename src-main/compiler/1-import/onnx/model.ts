/** The messages of onnx.proto, as far as the importer needs them; the numbers are the fields' numbers there. */
import { damagedModel, printableName, unsupportedModel } from '../model-errors.js';
import { halfFloatsFromBytes } from '../elements.js';
import { readMessage, type FieldReader } from './protobuf.js';

/** A constant, in the order of ONNX. Integers of all widths are held as numbers in a Float64Array. */
export interface OnnxConstant {
  name: string;
  shape: number[];
  /** float: real numbers (float32, from half and double too); integer: everything else. */
  kind: 'float' | 'integer';
  data: Float32Array | Float64Array;
  /** TensorProto.DataType. */
  elementType: number;
  /** Of real numbers that were stored as int8: the steps that they were stored in, with zero point 0. */
  quantization?: { scales: Float64Array; axis: number | null };
}

export interface OnnxAttribute {
  name: string;
  float: number | null;
  integer: number | null;
  string: string | null;
  floats: number[];
  integers: number[];
  tensor: OnnxConstant | null;
}

export interface OnnxNode {
  name: string;
  operator: string;
  /** '' for ONNX's own operators. */
  domain: string;
  /** Empty strings stand for optional inputs that are not there. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, OnnxAttribute>;
}

/** An input or output of the graph. An extent that is not fixed is null. */
export interface OnnxValueInfo {
  name: string;
  elementType: number;
  shape: (number | null)[];
}

export interface OnnxModel {
  /** Version of ONNX's own operator set. */
  opset: number;
  nodes: OnnxNode[];
  initializers: OnnxConstant[];
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
}

/** TensorProto.DataType */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT64 = 7;
export const HALF = 10;
const BYTES_PER_ELEMENT: ReadonlyMap<number, number> = new Map([
  [FLOAT, 4],
  [UINT8, 1],
  [INT8, 1],
  [4, 2],
  [5, 2],
  [6, 4],
  [INT64, 8],
  [9, 1],
  [HALF, 2],
  [11, 8],
]);
const DOUBLE = 11;

/** ModelProto. @throws InputError `model-damaged` or `model-unsupported` */
export function readOnnxModel(bytes: Uint8Array, place: string): OnnxModel {
  let opset: number | null = null;
  const graphs: Uint8Array[] = [];
  readMessage(bytes, place, (field, value) => {
    if (field === 7) {
      graphs.push(value.bytes());
    } else if (field === 8) {
      const { domain, version } = readOpset(value.bytes(), place);
      if (domain === '' || domain === 'ai.onnx') {
        opset = version;
      }
    }
  });
  const [graph] = graphs;
  if (graph === undefined || opset === null) {
    throw damagedModel(
      place,
      graph === undefined ? 'holds no graph' : 'does not say which operator set it uses',
    );
  }
  return { opset, ...readGraph(graph, place) };
}

function readOpset(bytes: Uint8Array, place: string): { domain: string; version: number } {
  const opset = { domain: '', version: 1 };
  readMessage(bytes, place, (field, value) => {
    if (field === 1) {
      opset.domain = value.string();
    } else if (field === 2) {
      opset.version = value.integer();
    }
  });
  return opset;
}

function readGraph(bytes: Uint8Array, place: string): Omit<OnnxModel, 'opset'> {
  const graph: Omit<OnnxModel, 'opset'> = { nodes: [], initializers: [], inputs: [], outputs: [] };
  readMessage(bytes, place, (field, value) => {
    switch (field) {
      case 1:
        graph.nodes.push(readNode(value.bytes(), place));
        break;
      case 5:
        graph.initializers.push(readTensor(value.bytes(), place));
        break;
      case 11:
        graph.inputs.push(readValueInfo(value.bytes(), place));
        break;
      case 12:
        graph.outputs.push(readValueInfo(value.bytes(), place));
        break;
      case 15:
        throw unsupportedModel(place, 'has sparse constants', 'Export the model with dense weights');
    }
  });
  return graph;
}

function readNode(bytes: Uint8Array, place: string): OnnxNode {
  const node: OnnxNode = {
    name: '',
    operator: '',
    domain: '',
    inputs: [],
    outputs: [],
    attributes: new Map(),
  };
  const attributes: Uint8Array[] = [];
  readMessage(bytes, place, (field, value) => {
    switch (field) {
      case 1:
        node.inputs.push(value.string());
        break;
      case 2:
        node.outputs.push(value.string());
        break;
      case 3:
        node.name = printableName(value.string());
        break;
      case 4:
        node.operator = printableName(value.string());
        break;
      case 5:
        attributes.push(value.bytes());
        break;
      case 7:
        node.domain = printableName(value.string());
        break;
    }
  });
  node.domain = node.domain === 'ai.onnx' ? '' : node.domain;
  node.name ||= printableName(node.outputs[0] ?? '');
  for (const content of attributes) {
    const attribute = readAttribute(content, `${place}, node "${node.name}" ${node.operator}`);
    node.attributes.set(attribute.name, attribute);
  }
  return node;
}

function readAttribute(bytes: Uint8Array, place: string): OnnxAttribute {
  const attribute: OnnxAttribute = {
    name: '',
    float: null,
    integer: null,
    string: null,
    floats: [],
    integers: [],
    tensor: null,
  };
  readMessage(bytes, place, (field, value) => {
    switch (field) {
      case 1:
        attribute.name = value.string();
        break;
      case 2:
        attribute.float = value.float();
        break;
      case 3:
        attribute.integer = value.integer();
        break;
      case 4:
        attribute.string = printableName(value.string());
        break;
      case 5:
        attribute.tensor = readTensor(value.bytes(), place);
        break;
      case 7:
        value.floats(attribute.floats);
        break;
      case 8:
        value.integers(attribute.integers);
        break;
    }
  });
  return attribute;
}

interface TensorFields {
  name: string;
  shape: number[];
  type: number;
  floats: number[];
  integers: number[];
  doubles: number[];
  raw: Uint8Array | null;
  external: boolean;
}

function readTensor(bytes: Uint8Array, place: string): OnnxConstant {
  const fields: TensorFields = {
    name: '',
    shape: [],
    type: 0,
    floats: [],
    integers: [],
    doubles: [],
    raw: null,
    external: false,
  };
  readMessage(bytes, place, (field, value) => {
    readTensorField(fields, field, value);
  });
  const at = fields.name === '' ? place : `${place}, tensor "${printableName(fields.name)}"`;
  if (fields.external) {
    throw unsupportedModel(
      at,
      'has its values in another file',
      'Save the model with all weights inside one file',
    );
  }
  if (fields.shape.length > 8 || fields.shape.some((extent) => !Number.isSafeInteger(extent) || extent < 0)) {
    throw damagedModel(at, `has the shape [${fields.shape.slice(0, 8).join(', ')}]`);
  }
  const data = tensorValues(fields, at);
  const elements = fields.shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== elements) {
    throw damagedModel(at, `has ${data.length} values where its shape needs ${elements}`);
  }
  return {
    name: fields.name,
    shape: fields.shape,
    kind: data instanceof Float32Array ? 'float' : 'integer',
    data,
    elementType: fields.type,
  };
}

function readTensorField(fields: TensorFields, field: number, value: FieldReader): void {
  switch (field) {
    case 1:
      value.integers(fields.shape);
      break;
    case 2:
      fields.type = value.integer();
      break;
    case 4:
      value.floats(fields.floats);
      break;
    case 5:
    case 7:
      value.integers(fields.integers);
      break;
    case 8:
      fields.name = value.string();
      break;
    case 9:
      fields.raw = value.bytes();
      break;
    case 10:
      value.doubles(fields.doubles);
      break;
    case 13:
      fields.external = true;
      break;
    case 14:
      fields.external ||= value.integer() === 1;
      break;
  }
}

/** The values, wherever the tensor has them. */
function tensorValues(
  { type, raw, floats, doubles, integers }: TensorFields,
  place: string,
): OnnxConstant['data'] {
  const size = BYTES_PER_ELEMENT.get(type);
  if (size === undefined) {
    throw unsupportedModel(place, `has the element type number ${type}`, 'Export the model as float32');
  }
  if (raw === null || raw.length === 0) {
    if (type === FLOAT || type === DOUBLE) {
      return Float32Array.from(type === FLOAT ? floats : doubles);
    }
    // Half precision has its bits in the field of integers.
    return type === HALF
      ? halfFloatsFromBytes(new Uint8Array(Uint16Array.from(integers).buffer))
      : Float64Array.from(integers);
  }
  if (raw.length % size !== 0) {
    throw damagedModel(place, `has ${raw.length} bytes of elements of ${size}`);
  }
  if (type === HALF) {
    return halfFloatsFromBytes(raw);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = type === FLOAT || type === DOUBLE ? Float32Array : Float64Array;
  const read = rawReader(view, type);
  const data = new values(raw.length / size);
  for (let i = 0; i < data.length; i++) {
    data[i] = read(i * size);
  }
  return data;
}

/** raw_data is little-endian, fixed width. */
function rawReader(view: DataView, type: number): (at: number) => number {
  switch (type) {
    case FLOAT:
      return (at) => view.getFloat32(at, true);
    case 3:
      return (at) => view.getInt8(at);
    case 4:
      return (at) => view.getUint16(at, true);
    case 5:
      return (at) => view.getInt16(at, true);
    case 6:
      return (at) => view.getInt32(at, true);
    case 7:
      return (at) => Number(view.getBigInt64(at, true));
    case DOUBLE:
      return (at) => view.getFloat64(at, true);
    default:
      return (at) => view.getUint8(at);
  }
}

/** ValueInfoProto with a TypeProto.Tensor; a value of another type has the element type 0. */
function readValueInfo(bytes: Uint8Array, place: string): OnnxValueInfo {
  const info: OnnxValueInfo = { name: '', elementType: 0, shape: [] };
  readMessage(bytes, place, (field, value) => {
    if (field === 1) {
      info.name = value.string();
    } else if (field === 2) {
      readMessage(value.bytes(), place, (typeField, typeValue) => {
        if (typeField === 1) {
          readTensorType(info, typeValue.bytes(), place);
        }
      });
    }
  });
  return info;
}

function readTensorType(info: OnnxValueInfo, bytes: Uint8Array, place: string): void {
  readMessage(bytes, place, (field, value) => {
    if (field === 1) {
      info.elementType = value.integer();
    } else if (field === 2) {
      readMessage(value.bytes(), place, (shapeField, shapeValue) => {
        if (shapeField === 1) {
          info.shape.push(readDimension(shapeValue.bytes(), place));
        }
      });
    }
  });
}

function readDimension(bytes: Uint8Array, place: string): number | null {
  let extent: number | null = null;
  readMessage(bytes, place, (field, value) => {
    if (field === 1) {
      extent = value.integer();
    }
  });
  return extent;
}
