import { PbfWriter } from 'pbf';

/** A tensor in ONNX's order; integers are written as int64, or as what their array is. */
export interface OnnxTensorSpec {
  shape: number[];
  data: Float32Array | Int8Array | Uint8Array | Int32Array | number[];
}

export type OnnxAttributeSpec =
  { int: number } | { ints: number[] } | { float: number } | { string: string } | { tensor: OnnxTensorSpec };

export interface OnnxNodeSpec {
  operator: string;
  /** '' stands for an optional input that is not there. */
  inputs: string[];
  output: string;
  /** Further ones. */
  outputs?: string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, OnnxAttributeSpec>;
}

export interface OnnxSpec {
  opset: number;
  nodes: OnnxNodeSpec[];
  initializers: Record<string, OnnxTensorSpec>;
  /** Shapes; a string is a symbolic extent. */
  inputs: Record<string, (number | string)[]>;
  outputs: string[];
}

/** The bytes of a .onnx file, by the field numbers of onnx.proto. */
export function writeOnnx(spec: OnnxSpec): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(1, 8);
  writer.writeMessage(7, writeGraph, spec);
  writer.writeMessage(
    8,
    (version: number, opset) => {
      opset.writeStringField(1, '');
      opset.writeVarintField(2, version);
    },
    spec.opset,
  );
  return writer.finish();
}

function writeGraph({ nodes, initializers, inputs, outputs }: OnnxSpec, writer: PbfWriter): void {
  nodes.forEach((node) => writer.writeMessage(1, writeNode, node));
  writer.writeStringField(2, 'test');
  Object.entries(initializers).forEach(([name, tensor]) =>
    writer.writeMessage(5, writeTensor, { name, tensor }),
  );
  Object.entries(inputs).forEach(([name, shape]) => writer.writeMessage(11, writeValueInfo, { name, shape }));
  outputs.forEach((name) => writer.writeMessage(12, writeValueInfo, { name, shape: [] }));
}

function writeNode(node: OnnxNodeSpec, writer: PbfWriter): void {
  node.inputs.forEach((input) => writer.writeStringField(1, input));
  [node.output, ...(node.outputs ?? [])].forEach((output) => writer.writeStringField(2, output));
  writer.writeStringField(3, node.name ?? node.output);
  writer.writeStringField(4, node.operator);
  Object.entries(node.attributes ?? {}).forEach(([name, value]) =>
    writer.writeMessage(5, writeAttribute, { name, value }),
  );
  if (node.domain !== undefined) {
    writer.writeStringField(7, node.domain);
  }
}

function writeAttribute(
  { name, value }: { name: string; value: OnnxAttributeSpec },
  writer: PbfWriter,
): void {
  writer.writeStringField(1, name);
  if ('int' in value) {
    writer.writeVarintField(3, value.int);
  } else if ('ints' in value) {
    // Not packed, as protobuf 2 files have it; tensors below are packed.
    value.ints.forEach((integer) => writer.writeVarintField(8, integer));
  } else if ('float' in value) {
    writer.writeFloatField(2, value.float);
  } else if ('string' in value) {
    writer.writeStringField(4, value.string);
  } else {
    writer.writeMessage(5, writeTensor, { name: '', tensor: value.tensor });
  }
}

function writeTensor({ name, tensor }: { name: string; tensor: OnnxTensorSpec }, writer: PbfWriter): void {
  const { shape, data } = tensor;
  writer.writePackedVarint(1, shape);
  if (!Array.isArray(data)) {
    const type =
      data instanceof Float32Array ? 1 : data instanceof Uint8Array ? 2 : data instanceof Int8Array ? 3 : 6;
    writer.writeVarintField(2, type);
    writer.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  } else {
    writer.writeVarintField(2, 7);
    writer.writePackedVarint(7, data);
  }
  writer.writeStringField(8, name);
}

function writeValueInfo(
  { name, shape }: { name: string; shape: (number | string)[] },
  writer: PbfWriter,
): void {
  writer.writeStringField(1, name);
  writer.writeMessage(2, writeType, shape);
}

function writeType(shape: (number | string)[], writer: PbfWriter): void {
  writer.writeMessage(
    1,
    (_, tensorType) => {
      tensorType.writeVarintField(1, 1);
      tensorType.writeMessage(
        2,
        (extents: (number | string)[], shapeWriter) =>
          extents.forEach((extent) => shapeWriter.writeMessage(1, writeDimension, extent)),
        shape,
      );
    },
    null,
  );
}

function writeDimension(extent: number | string, writer: PbfWriter): void {
  if (typeof extent === 'number') {
    writer.writeVarintField(1, extent);
  } else {
    writer.writeStringField(2, extent);
  }
}
