/** ONNX models (.onnx) of float32 to the graph. */
import { elementCount, type Graph } from '../../graph.js';
import { MAXIMUM_ELEMENTS } from '../elements.js';
import { damagedModel, printableName, unknownOperators, unsupportedModel } from '../model-errors.js';
import { FOLDED_OPERATORS } from './constant-folding.js';
import { FLOAT, readOnnxModel, type OnnxNode, type OnnxValueInfo } from './model.js';
import { NodeImport, type GraphUnderConstruction } from './node.js';
import { ONNX_OPERATORS } from './operators/index.js';
import { storedShape, type OnnxActivation, type OnnxValue } from './values.js';

/** Versions of ONNX's operator set whose attributes the importer knows. */
const OPSETS = { first: 7, last: 21 } as const;

/** Whether the bytes look like a ModelProto, which has no magic: its first field is the IR version, a small number. */
export function isOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[1] < 0x20;
}

/**
 * Reads the graph: activations of 4 dimensions become channels-last with their weights, the rest keeps its layout.
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
  const known = new Set([...ONNX_OPERATORS.keys(), ...FOLDED_OPERATORS.keys()]);
  const unknown = model.nodes.filter(({ operator, domain }) => domain !== '' || !known.has(operator));
  if (unknown.length > 0) {
    throw unknownOperators(
      place,
      unknown.map(({ operator, domain, name }) => ({
        operator: domain === '' ? operator : `${domain}.${operator}`,
        node: `node "${name}"`,
      })),
      [...ONNX_OPERATORS.keys()],
    );
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
  const inputIds = inputs.map((info) => {
    const value = addInput(graph, info, place);
    graph.values.set(info.name, value);
    return value.id;
  });
  for (const node of model.nodes) {
    const value = importNode(node, model.opset, graph, place);
    for (const [i, output] of node.outputs.entries()) {
      if (output !== '' && graph.values.has(output)) {
        throw damagedModel(place, `produces "${printableName(output)}" twice`);
      }
      // Further outputs (masks, indices, statistics of training) have no meaning here; reading them is an error.
      if (output !== '' && i === 0) {
        graph.values.set(output, value);
      }
    }
  }
  return {
    name: modelName,
    tensors: graph.tensors,
    operators: graph.operators,
    inputs: inputIds,
    outputs: model.outputs.map(({ name }) => outputTensor(graph, name, place)),
  };
}

function importNode(node: OnnxNode, opset: number, graph: GraphUnderConstruction, place: string): OnnxValue {
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

/** An input of the graph; an unknown batch is 1. */
function addInput(graph: GraphUnderConstruction, info: OnnxValueInfo, place: string): OnnxActivation {
  const at = `${place}, input "${printableName(info.name)}"`;
  if (info.elementType !== FLOAT) {
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
  const id = graph.tensors.length;
  graph.tensors.push({
    id,
    name: printableName(info.name),
    shape: storedShape(shape),
    type: 'float32',
    quantization: null,
    data: null,
  });
  return { kind: 'activation', id, shape, order: null };
}

function outputTensor(graph: GraphUnderConstruction, name: string, place: string): number {
  const at = `${place}, output "${printableName(name)}"`;
  const value = graph.values.get(name);
  if (value === undefined) {
    throw damagedModel(at, 'is not produced by any node');
  }
  if (value.kind === 'constant') {
    throw unsupportedModel(at, 'is a constant', 'Export a model that computes its outputs from its inputs');
  }
  if (value.order !== null) {
    throw unsupportedModel(
      at,
      'is a flattened image',
      'Leave the flattening out; the output is then channels-last',
    );
  }
  return value.id;
}
