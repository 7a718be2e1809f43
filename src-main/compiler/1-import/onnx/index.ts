/** ONNX models (.onnx), of float32 or with QuantizeLinear and DequantizeLinear, to the graph. */
import { elementCount, type Graph } from '../../graph.js';
import { MAXIMUM_ELEMENTS } from '../elements.js';
import {
  damagedModel,
  MAXIMUM_OPERATORS,
  printableName,
  tooManyOperators,
  unknownOperators,
  unsupportedModel,
} from '../model-errors.js';
import { FOLDED_OPERATORS } from './constant-folding.js';
import { FLOAT, HALF, INT8, readOnnxModel, UINT8, type OnnxNode, type OnnxValueInfo } from './model.js';
import { NodeImport, type GraphUnderConstruction } from './node.js';
import { ONNX_OPERATORS } from './operators/index.js';
import {
  channelsLast,
  identity,
  layoutOf,
  sameLayout,
  type OnnxActivation,
  type OnnxValue,
} from './values.js';

/** Versions of ONNX's operator set whose attributes the importer knows. */
const OPSETS = { first: 7, last: 21 } as const;

/** Whether the bytes look like a ModelProto, which has no magic: its first field is the IR version, a small number. */
export function isOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[1] < 0x20;
}

/**
 * Reads the graph: images and sequences become channels-last with their weights, the rest keeps its layout.
 * Nodes whose inputs are all constant are computed here.
 *
 * @param place the file, for errors
 * @param modelName name of the graph
 * @throws InputError `model-damaged`, `model-unsupported` or `unknown-operator`
 */
export function importOnnx(bytes: Uint8Array, place: string, modelName: string): Graph {
  const model = readOnnxModel(bytes, place);
  if (model.opset < OPSETS.first || model.opset > OPSETS.last) {
    throw unsupportedModel(
      place,
      `uses version ${model.opset} of ONNX's operator set`,
      `Export the model with an operator set from ${OPSETS.first} to ${OPSETS.last}`,
    );
  }
  if (model.nodes.length > MAXIMUM_OPERATORS) {
    throw tooManyOperators(place, model.nodes.length);
  }
  const known = new Set([...ONNX_OPERATORS.keys(), ...FOLDED_OPERATORS.keys()]);
  const unknown = model.nodes.flatMap(({ operator, domain, name }, index) =>
    domain === '' && known.has(operator)
      ? []
      : [
          {
            operator: domain === '' ? operator : `${domain}.${operator}`,
            node: `node ${index} "${name}"`,
          },
        ],
  );
  if (unknown.length > 0) {
    throw unknownOperators(place, unknown, [...ONNX_OPERATORS.keys()]);
  }
  const graph: GraphUnderConstruction = {
    tensors: [],
    operators: [],
    values: new Map(),
    constantBudget: 65_536 + 2 * bytes.length,
  };
  for (const constant of model.initializers) {
    graph.values.set(constant.name, { kind: 'constant', constant });
  }
  // Files of old IR versions list their initializers as inputs too.
  const inputs = model.inputs.filter(({ name }) => !graph.values.has(name));
  const readers = readersOf(model.nodes);
  const inputIds = inputs.map((info) => {
    const value = addInput(graph, info, readers, place);
    graph.values.set(info.name, value);
    return value.id;
  });
  for (const node of model.nodes) {
    const result = importNode(node, model.opset, graph, place);
    const values = Array.isArray(result) ? result : [result];
    for (const [i, output] of node.outputs.entries()) {
      if (output !== '' && graph.values.has(output)) {
        throw damagedModel(place, `produces "${printableName(output)}" twice`);
      }
      // Further outputs (masks, indices, statistics of training) have no meaning here; reading them is an error.
      const value = values[i];
      if (output !== '' && value !== undefined) {
        graph.values.set(output, value);
      }
    }
  }
  return {
    name: modelName,
    outputs: model.outputs.map(({ name }) =>
      outputTensor(graph, name, isTurnedBack(model.nodes, name), place),
    ),
    tensors: graph.tensors,
    operators: graph.operators,
    inputs: inputIds,
  };
}

function importNode(
  node: OnnxNode,
  opset: number,
  graph: GraphUnderConstruction,
  place: string,
): OnnxValue | OnnxValue[] {
  const constant = node.inputs.every((name) => name === '' || graph.values.get(name)?.kind === 'constant');
  const folded = constant || node.operator === 'Shape' ? FOLDED_OPERATORS.get(node.operator) : undefined;
  const importer = folded ?? ONNX_OPERATORS.get(node.operator);
  const context = new NodeImport(node, opset, graph, place);
  if (importer === undefined) {
    throw context.unsupported(
      'works on activations',
      'It is supported on constants only; replace it in the model',
    );
  }
  return importer(context);
}

/** Nodes that read each value. */
function readersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const list = readers.get(input) ?? [];
      list.push(node);
      readers.set(input, list);
    }
  }
  return readers;
}

/** Operators behind which a value is stored as before them. */
const TRANSPARENT: ReadonlySet<string> = new Set([
  ...['Add', 'Cast', 'DequantizeLinear', 'Div', 'Dropout', 'Identity', 'Mul', 'QuantizeLinear', 'Sub'],
]);
/** Operators whose second dimension is the channels. */
const CHANNELS_FIRST: ReadonlySet<string> = new Set([
  ...['AveragePool', 'BatchNormalization', 'Conv', 'GlobalAveragePool', 'GlobalMaxPool', 'MaxPool'],
]);

/** The first readers of a value that care for the meaning of its dimensions; a few steps are looked at. */
function meaningfulReaders(
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
  name: string,
  steps = 6,
): OnnxNode[] {
  return (readers.get(name) ?? [])
    .slice(0, 4)
    .flatMap((node) =>
      TRANSPARENT.has(node.operator) && steps > 0
        ? meaningfulReaders(readers, node.outputs[0] ?? '', steps - 1)
        : [node],
    );
}

/**
 * Whether an input is stored channels-last, as the bench wants its samples, or as the model has it: those that the model itself
 * turns first, and sequences whose dimensions have no channels.
 */
function isChannelsFirst(
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
  name: string,
  rank: number,
): boolean {
  const first = meaningfulReaders(readers, name);
  const turned =
    first.length > 0 &&
    first.every(
      ({ operator, attributes }) =>
        operator === 'Transpose' &&
        ['0,3,1,2', '0,2,1'].includes(attributes.get('perm')?.integers.join() ?? ''),
    );
  return rank === 4 ? !turned : rank === 3 && first.some(({ operator }) => CHANNELS_FIRST.has(operator));
}

/** An input of the graph; an unknown batch is 1. */
function addInput(
  graph: GraphUnderConstruction,
  info: OnnxValueInfo,
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
  place: string,
): OnnxActivation {
  const at = `${place}, input "${printableName(info.name)}"`;
  const quantized = [UINT8, INT8].includes(info.elementType);
  const known =
    [FLOAT, HALF].includes(info.elementType) ||
    (quantized && (readers.get(info.name) ?? []).every(({ operator }) => operator === 'DequantizeLinear'));
  if (!known) {
    throw unsupportedModel(
      at,
      `has the element type number ${info.elementType}`,
      'Export the model as float32',
    );
  }
  const shape = info.shape.map((extent, d) =>
    extent === null || (d === 0 && extent < 1) ? (d === 0 ? 1 : 0) : extent,
  );
  if (shape.length > 8 || shape.some((extent) => extent < 1) || elementCount(shape) > MAXIMUM_ELEMENTS) {
    throw unsupportedModel(
      at,
      `has the shape [${info.shape
        .slice(0, 8)
        .map((extent) => extent ?? '?')
        .join(', ')}]`,
      'Export the model with a fixed input shape and batch size 1',
    );
  }
  const rank = shape.length;
  const order = isChannelsFirst(readers, info.name, rank) ? channelsLast(rank) : identity(rank);
  const id = graph.tensors.length;
  graph.tensors.push({
    id,
    name: printableName(info.name),
    shape: order.map((d) => shape[d]),
    type: 'float32',
    quantization: null,
    data: null,
  });
  return { kind: 'activation', id, shape, layout: layoutOf(shape, order) };
}

/** Whether a model turns its image channels-last itself before it gives it out. */
function isTurnedBack(nodes: readonly OnnxNode[], output: string): boolean {
  let name = output;
  for (const node of [...nodes].reverse()) {
    if (node.outputs[0] === name) {
      if (!TRANSPARENT.has(node.operator)) {
        return node.operator === 'Transpose' && node.attributes.get('perm')?.integers.join() === '0,2,3,1';
      }
      name = node.inputs[0] ?? '';
    }
  }
  return false;
}

/** Images channels-last, sequences so if they are stored so, everything else as ONNX has it. */
function outputTensor(graph: GraphUnderConstruction, name: string, isTurned: boolean, place: string): number {
  const at = `${place}, output "${printableName(name)}"`;
  const value = graph.values.get(name);
  if (value === undefined) {
    throw damagedModel(at, 'is not produced by any node');
  }
  if (value.kind === 'constant') {
    throw unsupportedModel(at, 'is a constant', 'Export a model that computes its outputs from its inputs');
  }
  const { shape, layout } = value;
  const rank = shape.length;
  const last = channelsLast(rank);
  const isStored = layout !== null && sameLayout(layout, layoutOf(shape, last));
  const node = {
    name: 'output',
    operator: '',
    domain: '',
    inputs: [],
    outputs: [name],
    attributes: new Map(),
  };
  const moved = new NodeImport(node, OPSETS.last, graph, at);
  const isImage = rank === 4 ? !isTurned : isStored;
  return moved.inOrder(value, isImage ? last : identity(rank));
}
