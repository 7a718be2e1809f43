import type { Binary, Unary } from '../../../graph.js';
import { elementCount } from '../../../graph.js';
import { broadcastShape, sameShape } from '../../../shapes.js';
import type { OnnxConstant } from '../model.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import {
  channelsLast,
  identity,
  onnxIndices,
  permuted,
  sameLayout,
  type OnnxActivation,
  type OnnxValue,
} from '../values.js';

/** Relu, and Clip with constant bounds (attributes before operator set 11, inputs since). */
export function importClamp(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const bound = (index: number, name: string, absent: number): number => {
    if (node.operator === 'Relu') {
      return name === 'min' ? 0 : Infinity;
    }
    const value = node.optionalConstant(index);
    return value === null ? node.float(name, absent) : (value.data[0] ?? absent);
  };
  const minimum = bound(1, 'min', -Infinity);
  // Exporters write "no upper bound" as the largest float32.
  const maximum = bound(2, 'max', Infinity);
  return node.addElementWise(
    {
      kind: 'CLAMP',
      inputs: [input.id],
      minimum: minimum <= -3.4e38 ? -Infinity : minimum,
      maximum: maximum >= 3.4e38 ? Infinity : maximum,
    },
    input,
  );
}

/** Functions of one value, with the parameters that ONNX gives them and its defaults. */
export function importUnary(kind: Unary['kind'], node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const defaults: Partial<Record<Unary['kind'], number>> = { LEAKY_RELU: 0.01, ELU: 1, HARD_SIGMOID: 0.2 };
  const alpha =
    kind === 'GELU'
      ? Number(node.string('approximate', 'none') === 'tanh')
      : node.float('alpha', defaults[kind] ?? 0);
  const beta = kind === 'HARD_SIGMOID' ? node.float('beta', 0.5) : 0;
  return node.addElementWise({ kind, inputs: [input.id], alpha, beta }, input);
}

/** PRelu with one slope for all, or one per channel. */
export function importPRelu(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const { data, shape } = node.constant(1);
  const slopes = Float32Array.from(data);
  const axis = channelAxis(input);
  const aligned = [...new Array<number>(Math.max(0, input.shape.length - shape.length)).fill(1), ...shape];
  const perChannel = aligned.every((extent, d) => extent === 1 || (d === axis && extent === input.shape[d]));
  if (slopes.length !== 1 && !perChannel) {
    throw node.unsupported(`has slopes [${shape.join(', ')}]`, 'Use one slope for all, or one per channel');
  }
  const order = channelsLast(input.shape.length);
  const id = slopes.length === 1 ? input.id : node.inOrder(input, order);
  const inputs = [id, node.addConstant('slopes', [slopes.length], slopes)];
  const output = node.addOperator({ kind: 'PRELU', inputs });
  return slopes.length === 1 ? { ...input, id: output } : node.arrangedValue(output, input.shape, order);
}

function channelAxis({ shape }: OnnxActivation): number {
  return shape.length > 1 ? 1 : 0;
}

/** Identity, Cast among real numbers, and Dropout, which does nothing at inference. */
export function importIdentity(node: NodeImport): OnnxValue {
  return node.value(0);
}

/** Cast of an activation: to real numbers only. */
export function importCast(node: NodeImport): OnnxValue {
  // DataType FLOAT, FLOAT16, DOUBLE and BFLOAT16.
  if (![1, 10, 11, 16].includes(node.integer('to', 1))) {
    throw node.unsupported('makes integers of activations', 'Leave out the conversion');
  }
  return node.value(0);
}

/** Add, Sub, Mul and Div; Div by a constant only. Shapes broadcast. */
export function importArithmetic(node: NodeImport): OnnxActivation {
  const [a, b] = [node.value(0), node.value(1)];
  const kind = { Add: 'ADD', Sub: 'SUB', Mul: 'MUL', Div: 'MUL' }[node.operator] as Binary['kind'];
  let right = b;
  if (node.operator === 'Div') {
    if (b.kind === 'activation') {
      throw node.unsupported('divides by an activation', 'Only division by a constant is supported');
    }
    right = { kind: 'constant', constant: inverse(b.constant) };
  }
  const shapes = [a, right].map((value) => (value.kind === 'constant' ? value.constant.shape : value.shape));
  const shape = broadcastShape(shapes[0], shapes[1]);
  if (shape === null) {
    throw node.damaged(`combines [${shapes[0].join(', ')}] and [${shapes[1].join(', ')}]`);
  }
  const single = (value: OnnxValue): boolean => value.kind === 'constant' && value.constant.data.length === 1;
  const activations = [a, right].filter((value) => value.kind === 'activation');
  const [first, second] = activations;
  const alike =
    second === undefined ||
    (sameShape(first.shape, second.shape) &&
      sameLayout(first.layout, second.layout) &&
      sameShape(node.tensor(first.id).shape, node.tensor(second.id).shape));
  if (alike && (second !== undefined || ((single(a) || single(right)) && sameShape(shape, first.shape)))) {
    // Element by element, wherever they are.
    const inputs = [a, right].map((value, i) =>
      value.kind === 'activation' ? value.id : operand(node, i, value.constant, [1], [0]),
    );
    return node.addElementWise({ kind, inputs, activation: 'NONE' }, first);
  }
  const order = commonOrder(activations, shape.length);
  const inputs = [a, right].map((value, i) => {
    const rank = shape.length;
    if (value.kind === 'constant') {
      return operand(node, i, value.constant, leadingOnes(value.constant.shape, rank), order);
    }
    return node.inOrder({ ...value, shape: leadingOnes(value.shape, rank) }, order);
  });
  const id = node.addOperator({ kind, inputs, activation: 'NONE' });
  return node.arrangedValue(id, shape, order);
}

/** ONNX's order if the largest operand is stored so, else channels last. */
export function commonOrder(activations: readonly OnnxActivation[], rank: number): number[] {
  const largest = activations.reduce((a, b) => (elementCount(b.shape) > elementCount(a.shape) ? b : a));
  return largest.layout === null ? identity(rank) : channelsLast(rank);
}

function leadingOnes(shape: readonly number[], rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

function operand(
  node: NodeImport,
  index: number,
  { data, quantization }: OnnxConstant,
  shape: readonly number[],
  order: readonly number[],
): number {
  const values = Float32Array.from(permuted(data, shape, order));
  return node.addConstant(
    `operand ${index + 1}`,
    order.map((d) => shape[d]),
    values,
    quantization === undefined || quantization.axis !== null
      ? null
      : { scales: quantization.scales, zeroPoints: new Int32Array(1), axis: null },
  );
}

function inverse(constant: OnnxConstant): OnnxConstant {
  const { name, shape, data, elementType } = constant;
  return { name, shape, kind: 'float', elementType, data: Float32Array.from(data, (value) => 1 / value) };
}

/** BatchNormalization at inference: channels are ONNX's second dimension. */
export function importBatchNormalization(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const channels = input.shape[1];
  if (rank !== 4 && rank !== 3 && rank !== 2) {
    throw node.unsupported(`normalizes [${input.shape.join(', ')}]`, 'Only 2 to 4 dimensions are supported');
  }
  if (node.integer('training_mode', 0) !== 0 || node.integer('spatial', 1) === 0) {
    throw node.unsupported('normalizes as in training', 'Export the model in inference mode');
  }
  // One row: parameters follow the order in which the values lie.
  const flat = elementCount(input.shape) === channels;
  const indices = onnxIndices(flat ? input.layout : null, channels);
  const names = ['scale', 'offset', 'mean', 'variance'];
  const parameters = names.map((name, i) => {
    const values = node.floats(i + 1);
    if (values.length !== channels) {
      throw node.damaged(`has ${values.length} values as input ${i + 2} for ${channels} channels`);
    }
    return node.addConstant(
      name,
      [channels],
      Float32Array.from(values, (_, c) => values[indices[c]]),
    );
  });
  const order = channelsLast(rank);
  const inFlatOrder = rank === 2 && flat;
  const id = inFlatOrder ? node.inOrder({ ...input, layout: null }, order) : node.inOrder(input, order);
  const inputs = [id, ...parameters];
  const output = node.addOperator({ kind: 'BATCH_NORM', inputs, epsilon: node.float('epsilon', 1e-5) });
  return inFlatOrder ? { ...input, id: output } : node.arrangedValue(output, input.shape, order);
}

/** Softmax. Before operator set 13 it ran over all dimensions from `axis` on, since then over `axis` alone. */
export function importSoftmax(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const axis = normalizedAxis(node, node.integer('axis', node.opset < 13 ? 1 : -1), rank);
  // All dimensions from `axis` on are one.
  const view =
    node.opset < 13
      ? { ...input, shape: [elementCount(input.shape.slice(0, axis)), elementCount(input.shape.slice(axis))] }
      : input;
  const last = node.opset < 13 ? 1 : axis;
  if (elementCount(view.shape) === view.shape[last]) {
    // One row: in which order its values lie makes no difference.
    const id = node.inOrder({ ...input, shape: [1, view.shape[last]], layout: null }, [0, 1]);
    return { ...input, id: node.addOperator({ kind: 'SOFTMAX', inputs: [id], beta: 1 }) };
  }
  const order = [...identity(view.shape.length).filter((d) => d !== last), last];
  const id = node.addOperator({ kind: 'SOFTMAX', inputs: [node.inOrder(view, order)], beta: 1 });
  return { ...node.arrangedValue(id, view.shape, order), shape: input.shape };
}
