/**
 * Graphs whose activations have several types, as converters make them: float inputs and outputs with int8 inside, uint8 at the
 * borders, operators that stayed float in the middle. Afterwards all activations have one type.
 */
import { activationsOf } from '../../graph-access.js';
import { compactGraph, consumersOf, redirectReaders, replaceOperator } from '../../graph-edit.js';
import type { Graph, Operator, Tensor } from '../../graph.js';
import { unsupportedModel } from '../model-errors.js';
import { dequantized } from './dequantize-weights.js';

/**
 * uint8 becomes int8 with everything 128 lower, which is exact. QUANTIZE of an input and DEQUANTIZE of an output are left out:
 * then the model's input or output is the int8 tensor, and whoever feeds it quantizes. If float32 and int8 still are mixed, the
 * graph becomes a float one that says how the int8 tensors were quantized.
 */
export function oneType(graph: Graph, place: string): Graph {
  const found = new Set(activationsOf(graph).map(({ type }) => type));
  if (found.size === 1 && !found.has('uint8') && graph.operators.every(({ kind }) => kind !== 'QUANTIZE')) {
    return graph;
  }
  const shifted = { ...graph, tensors: graph.tensors.map(withoutUnsigned) };
  refuseOffsetWeights(graph, place);
  const stripped = stripBorders(foldConstants(shifted));
  const types = new Set(activationsOf(stripped).map(({ type }) => type));
  const mixed = types.has('float32') && types.has('int8');
  return mixed ? asFloat(stripped) : stripped;
}

function withoutUnsigned(tensor: Tensor): Tensor {
  const { type, quantization, data } = tensor;
  if (type !== 'uint8' || quantization === null) {
    return tensor;
  }
  return {
    ...tensor,
    type: 'int8',
    quantization: { ...quantization, zeroPoints: quantization.zeroPoints.map((zero) => zero - 128) },
    data: data === null ? null : Int8Array.from(data as Uint8Array, (value) => value - 128),
  };
}

/** The first generation of quantized models has uint8 weights with any zero point, which no int8 kernel can do. */
function refuseOffsetWeights({ operators, tensors }: Graph, place: string): void {
  for (const operator of operators) {
    const weighted =
      operator.kind === 'CONV_2D' ||
      operator.kind === 'DEPTHWISE_CONV_2D' ||
      operator.kind === 'FULLY_CONNECTED';
    const weights = tensors[operator.inputs[1] ?? -1];
    if (
      weighted &&
      weights?.type === 'uint8' &&
      weights.quantization?.zeroPoints.some((zero) => zero !== 128)
    ) {
      throw unsupportedModel(
        `${place}, ${operator.kind} "${operator.name}"`,
        `has uint8 weights with the zero point ${weights.quantization.zeroPoints[0]}, as TensorFlow 1 quantized models`,
        'Convert the float model again with full int8 quantization (TensorFlow 2), or give the float model and calibration data',
      );
    }
  }
}

/** QUANTIZE and DEQUANTIZE of constants. */
function foldConstants(graph: Graph): Graph {
  return graph.operators.reduce((current, operator) => {
    const input = current.tensors[operator.inputs[0]];
    const output = current.tensors[operator.outputs[0]];
    if (operator.kind !== 'QUANTIZE' || input.data === null || output.type !== 'float32') {
      return current;
    }
    const value = input.type === 'float32' ? input : dequantized(input);
    const folded = replaceOperator(current, operator, []);
    return {
      ...folded,
      tensors: folded.tensors.map((tensor) =>
        tensor.id === output.id ? { ...tensor, data: value.data, type: value.type } : tensor,
      ),
    };
  }, graph);
}

function stripBorders(graph: Graph): Graph {
  const isBorder = (operator: Operator, from: string, to: string): boolean =>
    operator.kind === 'QUANTIZE' &&
    graph.tensors[operator.inputs[0]]?.type === from &&
    graph.tensors[operator.outputs[0]]?.type === to;
  let current = graph;
  for (const input of graph.inputs) {
    const readers = consumersOf(current, input);
    const [quantize] = readers;
    if (readers.length === 1 && isBorder(quantize, 'float32', 'int8') && !current.outputs.includes(input)) {
      const inside = quantize.outputs[0];
      current = {
        ...replaceOperator(current, quantize, []),
        inputs: current.inputs.map((id) => (id === input ? inside : id)),
      };
    }
  }
  for (const operator of graph.operators) {
    const [output] = operator.outputs;
    if (isBorder(operator, 'int8', 'float32') && consumersOf(current, output).length === 0) {
      current = redirectReaders(replaceOperator(current, operator, []), output, operator.inputs[0]);
    }
  }
  return compactGraph(current);
}

/** The float graph of which this one was made: int8 tensors in real numbers, activations and weights remembering their scales. */
function asFloat(graph: Graph): Graph {
  return {
    ...graph,
    tensors: graph.tensors.map((tensor) => {
      if (tensor.quantization === null || tensor.type === 'float32') {
        return tensor;
      }
      const real = dequantized(tensor);
      return { ...real, type: 'float32', quantization: tensor.type === 'int8' ? tensor.quantization : null };
    }),
  };
}
