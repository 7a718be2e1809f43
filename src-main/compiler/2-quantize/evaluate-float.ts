/** The float model on the host: calibrates the quantization and says what accuracy there was to lose. */
import { elementCount, type Graph, type Operator } from '../graph.js';
import { functionOf } from '../functions.js';
import { floatData } from '../graph-access.js';
import {
  activate,
  batchNorm,
  binary,
  clamp,
  concatenate,
  conv2D,
  depthwiseConv2D,
  fullyConnected,
  mean,
  pad,
  pool2D,
  prelu,
  resizedFrom,
  slicedFrom,
  softmax,
  transposedFrom,
  type ImageShape,
} from './float-kernels.js';

/**
 * Sees every activation right after it was computed (inputs of the graph first). `values` belongs to the evaluator and
 * is overwritten by the next run; changing it changes what later operators read.
 */
export type ActivationObserver = (tensor: number, values: Float32Array) => void;

export interface FloatEvaluator {
  /** One inference: one array per input of the graph, NHWC. Gives one array of its own per output. */
  run(inputs: readonly Float32Array[], observe?: ActivationObserver): Float32Array[];
  /** Computes one operator alone, from what its inputs hold. */
  runOperator(index: number): void;
  /** What a tensor holds now; what is written there is what later operators read. */
  values(tensor: number): Float32Array;
}

/**
 * Prepares a float32 graph that validateGraph accepts; memory for all activations is allocated here, once.
 *
 * @throws RangeError when the graph is not float32, or an input has another length than its tensor
 */
export function createFloatEvaluator(graph: Graph): FloatEvaluator {
  const values = graph.tensors.map((tensor) => {
    if (tensor.data !== null) {
      return floatData(tensor);
    }
    if (tensor.type !== 'float32') {
      throw new RangeError(`activation "${tensor.name}" is ${tensor.type}, not float32`);
    }
    return new Float32Array(elementCount(tensor.shape));
  });
  const steps = graph.operators.map((operator) => {
    const run = prepare(graph, operator, values);
    return { run, output: operator.outputs[0] };
  });
  return {
    run: (inputs, observe) => {
      graph.inputs.forEach((id, i) => {
        const input = inputs[i];
        if (input?.length !== values[id].length) {
          throw new RangeError(`input ${i} has ${input?.length ?? 0} values instead of ${values[id].length}`);
        }
        values[id].set(input);
        observe?.(id, values[id]);
      });
      for (const { run, output } of steps) {
        run();
        observe?.(output, values[output]);
      }
      return graph.outputs.map((id) => values[id].slice());
    },
    runOperator: (index) => {
      steps[index].run();
    },
    values: (tensor) => values[tensor],
  };
}

/** One operator with its arrays bound. */
function prepare(graph: Graph, operator: Operator, values: readonly Float32Array[]): () => void {
  const shapes = operator.inputs.map((id) => graph.tensors[id].shape);
  const outputShape = graph.tensors[operator.outputs[0]].shape;
  const [input, second, third] = operator.inputs.map((id) => values[id]);
  const output = values[operator.outputs[0]];
  const bias = third ?? null;
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D': {
      const [, height, width] = shapes[1];
      const filter = { height, width };
      const [from, to] = [imageShape(shapes[0]), imageShape(outputShape)];
      return operator.kind === 'CONV_2D'
        ? () => conv2D(operator, filter, input, from, second, bias, output, to)
        : () => depthwiseConv2D(operator, filter, input, from, second, bias, output, to);
    }
    case 'FULLY_CONNECTED':
      return () => {
        fullyConnected(input, second, bias, output, shapes[1][1]);
        activate(output, operator.activation);
      };
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return () => pool2D(operator, input, imageShape(shapes[0]), output, imageShape(outputShape));
    case 'ADD':
    case 'SUB':
    case 'MUL':
      return () => {
        binary(operator.kind, [input, second], [shapes[0], shapes[1]], output, outputShape);
        activate(output, operator.activation);
      };
    case 'LOGISTIC':
    case 'TANH':
    case 'HARD_SWISH':
    case 'HARD_SIGMOID':
    case 'LEAKY_RELU':
    case 'ELU':
    case 'GELU':
    case 'QUANTIZE': {
      const value = functionOf(operator);
      return () => input.forEach((x, i) => (output[i] = value(x)));
    }
    case 'PRELU':
      return () => prelu(input, second, output);
    case 'TRANSPOSE':
      return gather(input, output, transposedFrom(shapes[0], operator.permutation));
    case 'SLICE':
      return gather(input, output, slicedFrom(shapes[0], operator));
    case 'RESIZE_NEAREST':
      return gather(input, output, resizedFrom(shapes[0], operator));
    case 'CONCATENATION': {
      const parts = operator.inputs.map((id) => values[id]);
      const lengths = shapes.map((shape) => elementCount(shape.slice(operator.axis)));
      return () => concatenate(parts, lengths, output);
    }
    case 'PAD':
      return () => pad(input, shapes[0], output, outputShape, operator.before, operator.value);
    case 'MEAN':
      return () => mean(input, shapes[0], output, operator.axes);
    case 'RESHAPE':
      return () => output.set(input);
    case 'SOFTMAX':
      return () => softmax(input, output, outputShape[outputShape.length - 1], operator.beta);
    case 'CLAMP':
      return () => clamp(input, output, operator.minimum, operator.maximum);
    case 'BATCH_NORM': {
      const parameters = operator.inputs.slice(1).map((id) => values[id]);
      return () => batchNorm(input, output, parameters, operator.epsilon);
    }
  }
}

function gather(input: Float32Array, output: Float32Array, positions: Uint32Array): () => void {
  return () => positions.forEach((from, to) => (output[to] = input[from]));
}

function imageShape([, height, width, channels]: readonly number[]): ImageShape {
  return { height, width, channels };
}
