/**
 * Writes the trained network as an ONNX model (ModelProto, IR version 7, opset 13). Field numbers are those of onnx.proto3.
 */
import { PbfWriter } from 'pbf';
import { CLASSES, IMAGE_SIZE } from './data.js';
import { Convolution, Dense, MaxPool, Relu, type Parameter } from './layers.js';
import type { Network } from './network.js';

const IR_VERSION = 7;
const OPSET_VERSION = 13;
const FLOAT_TENSOR = 1;

type Attribute = { name: string } & ({ ints: number[] } | { int: number });

interface Node {
  operator: string;
  name: string;
  inputs: string[];
  output: string;
  attributes: Attribute[];
}

/** The bytes of a .onnx file: input `image` [1, 1, 28, 28] in 0 .. 1, output `probabilities` [1, 10]. */
export function exportOnnx(network: Network): Uint8Array {
  const nodes = describe(network);
  const writer = new PbfWriter();
  writer.writeVarintField(1, IR_VERSION);
  writer.writeStringField(2, 'brownout-bench train-digits');
  writer.writeMessage(7, writeGraph, { nodes, parameters: network.parameters });
  writer.writeMessage(8, writeOpset, OPSET_VERSION);
  return writer.finish();
}

function describe(network: Network): Node[] {
  const nodes: Node[] = [];
  let last = 'image';
  const add = (operator: string, name: string, parameters: string[], attributes: Attribute[] = []): void => {
    nodes.push({ operator, name, inputs: [last, ...parameters], output: name, attributes });
    last = name;
  };
  let stage = 0;
  for (const layer of network.layers) {
    const parameters = layer.parameters.map(({ name }) => name);
    if (layer instanceof Convolution) {
      stage++;
      add('Conv', layer.name, parameters, [
        { name: 'kernel_shape', ints: [3, 3] },
        { name: 'pads', ints: [1, 1, 1, 1] },
        { name: 'strides', ints: [1, 1] },
      ]);
    } else if (layer instanceof Relu) {
      add('Relu', `relu${stage}`, []);
    } else if (layer instanceof MaxPool) {
      add(
        'MaxPool',
        `pool${stage}`,
        [],
        [
          { name: 'kernel_shape', ints: [2, 2] },
          { name: 'strides', ints: [2, 2] },
        ],
      );
    } else if (layer instanceof Dense) {
      add('Flatten', 'flatten', [], [{ name: 'axis', int: 1 }]);
      add('Gemm', layer.name, parameters, [{ name: 'transB', int: 1 }]);
    } else {
      throw new Error('train-digits: a layer has no ONNX form. Add it to tools/train/onnx.ts.');
    }
  }
  add('Softmax', 'probabilities', [], [{ name: 'axis', int: 1 }]);
  return nodes;
}

function writeGraph(graph: { nodes: Node[]; parameters: Parameter[] }, writer: PbfWriter): void {
  for (const node of graph.nodes) {
    writer.writeMessage(1, writeNode, node);
  }
  writer.writeStringField(2, 'digits');
  for (const parameter of graph.parameters) {
    writer.writeMessage(5, writeInitializer, parameter);
  }
  writer.writeMessage(11, writeValueInfo, { name: 'image', shape: [1, 1, IMAGE_SIZE, IMAGE_SIZE] });
  writer.writeMessage(12, writeValueInfo, { name: 'probabilities', shape: [1, CLASSES] });
}

function writeNode(node: Node, writer: PbfWriter): void {
  for (const input of node.inputs) {
    writer.writeStringField(1, input);
  }
  writer.writeStringField(2, node.output);
  writer.writeStringField(3, node.name);
  writer.writeStringField(4, node.operator);
  for (const attribute of node.attributes) {
    writer.writeMessage(5, writeAttribute, attribute);
  }
}

function writeAttribute(attribute: Attribute, writer: PbfWriter): void {
  const INT = 2;
  const INTS = 7;
  writer.writeStringField(1, attribute.name);
  if ('int' in attribute) {
    writer.writeVarintField(3, attribute.int);
    writer.writeVarintField(20, INT);
  } else {
    writer.writePackedVarint(8, attribute.ints);
    writer.writeVarintField(20, INTS);
  }
}

/** `raw_data` is little-endian whatever the machine is. */
function writeInitializer(parameter: Parameter, writer: PbfWriter): void {
  const raw = new DataView(new ArrayBuffer(4 * parameter.value.length));
  parameter.value.forEach((value, index) => raw.setFloat32(4 * index, value, true));
  writer.writePackedVarint(1, parameter.shape);
  writer.writeVarintField(2, FLOAT_TENSOR);
  writer.writeStringField(8, parameter.name);
  writer.writeBytesField(9, new Uint8Array(raw.buffer));
}

function writeValueInfo(value: { name: string; shape: number[] }, writer: PbfWriter): void {
  writer.writeStringField(1, value.name);
  writer.writeMessage(2, writeType, value.shape);
}

function writeType(shape: number[], writer: PbfWriter): void {
  writer.writeMessage(1, writeTensorType, shape);
}

function writeTensorType(shape: number[], writer: PbfWriter): void {
  writer.writeVarintField(1, FLOAT_TENSOR);
  writer.writeMessage(2, writeShape, shape);
}

function writeShape(shape: number[], writer: PbfWriter): void {
  for (const extent of shape) {
    writer.writeMessage(1, writeDimension, extent);
  }
}

function writeDimension(extent: number, writer: PbfWriter): void {
  writer.writeVarintField(1, extent);
}

function writeOpset(version: number, writer: PbfWriter): void {
  writer.writeStringField(1, '');
  writer.writeVarintField(2, version);
}
