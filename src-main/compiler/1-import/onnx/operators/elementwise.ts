import { sameShape } from '../../../shapes.js';
import type { OnnxConstant } from '../model.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import { onnxIndex, sameOrder, type OnnxActivation, type OnnxValue } from '../values.js';

/** Relu, and Clip with constant bounds (attributes before operator set 11, inputs since). */
export function importClamp(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const bound = (index: number, name: string, absent: number): number => {
    if (node.operator === 'Relu') {
      return name === 'min' ? 0 : Infinity;
    }
    const value = node.optionalConstant(index);
    return value === null ? node.float(name, absent) : value.data[0];
  };
  const minimum = bound(1, 'min', -Infinity);
  // Exporters write "no upper bound" as the largest float32.
  const maximum = bound(2, 'max', Infinity);
  return node.addOperator(
    {
      kind: 'CLAMP',
      inputs: [input.id],
      minimum: minimum <= -3.4e38 ? -Infinity : minimum,
      maximum: maximum >= 3.4e38 ? Infinity : maximum,
    },
    input.order,
  );
}

/** Identity, and Dropout, which does nothing at inference. */
export function importIdentity(node: NodeImport): OnnxValue {
  return node.value(0);
}

/** Add of two activations of one shape, or Add, Sub, Mul, Div with a constant per channel or for all. */
export function importArithmetic(node: NodeImport): OnnxActivation {
  const [a, b] = [node.value(0), node.value(1)];
  if (a.kind === 'activation' && b.kind === 'activation') {
    return addActivations(node, a, b);
  }
  const commutes = node.operator === 'Add' || node.operator === 'Mul';
  if (a.kind === 'activation' && b.kind === 'constant') {
    return withConstant(node, a, b.constant);
  }
  if (a.kind === 'constant' && b.kind === 'activation' && commutes) {
    return withConstant(node, b, a.constant);
  }
  throw node.unsupported('computes with a constant on the left', 'Export the model with constants folded');
}

function addActivations(node: NodeImport, a: OnnxActivation, b: OnnxActivation): OnnxActivation {
  if (node.operator !== 'Add') {
    throw node.unsupported(
      'combines two activations',
      'Only Add does; the others take a constant on the right',
    );
  }
  if (!sameShape(a.shape, b.shape) || !sameOrder(a.order, b.order)) {
    throw node.unsupported(
      `adds [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      'Only additions of two tensors of one shape, flattened in the same way, are supported',
    );
  }
  return node.addOperator({ kind: 'ADD', inputs: [a.id, b.id], activation: 'NONE' }, a.order);
}

/** y = factor * x + shift as a BATCH_NORM with mean 0, variance 1 and epsilon 0, which lowering folds away. */
function withConstant(node: NodeImport, input: OnnxActivation, constant: OnnxConstant): OnnxActivation {
  const values = channelValues(node, input, constant);
  const [ones, zeros] = [new Float32Array(values.length).fill(1), new Float32Array(values.length)];
  const [factors, shifts] = {
    Add: [ones, values],
    Sub: [ones, values.map((value) => -value)],
    Mul: [values, zeros],
    Div: [values.map((value) => 1 / value), zeros],
  }[node.operator] ?? [ones, zeros];
  return addBatchNorm(node, input, [factors, shifts, zeros, ones], 0);
}

/** A constant that is broadcast over all but the channels, as one value per channel in stored order. */
function channelValues(
  node: NodeImport,
  input: OnnxActivation,
  { shape, data, kind }: OnnxConstant,
): Float32Array {
  const rank = input.shape.length;
  const channelAxis = rank === 4 ? 1 : rank - 1;
  const channels = input.shape[channelAxis] ?? 1;
  const aligned = [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
  const broadcast = aligned.every((extent, d) => extent === 1 || (d === channelAxis && extent === channels));
  if (kind !== 'float' || aligned.length !== rank || !broadcast) {
    throw node.unsupported(
      `combines [${input.shape.join(', ')}] with a constant [${shape.join(', ')}]`,
      'Use a constant with one value for all, or one per channel',
    );
  }
  checkOrder(node, input, channels);
  return Float32Array.from(
    { length: channels },
    (_, c) => data[data.length === 1 ? 0 : onnxIndex(input.order, c)],
  );
}

/** BatchNormalization at inference: channels are ONNX's second dimension. */
export function importBatchNormalization(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const channels = input.shape[1];
  if (rank !== 4 && rank !== 2) {
    throw node.unsupported(`normalizes [${input.shape.join(', ')}]`, 'Only 2 or 4 dimensions are supported');
  }
  if (node.integer('training_mode', 0) !== 0 || node.integer('spatial', 1) === 0) {
    throw node.unsupported('normalizes as in training', 'Export the model in inference mode');
  }
  checkOrder(node, input, channels);
  const parameters = [1, 2, 3, 4].map((index) => {
    const values = node.floats(index);
    if (values.length !== channels) {
      throw node.damaged(`has ${values.length} values as input ${index + 1} for ${channels} channels`);
    }
    return Float32Array.from(values, (_, c) => values[onnxIndex(input.order, c)]);
  });
  return addBatchNorm(node, input, parameters, node.float('epsilon', 1e-5));
}

function addBatchNorm(
  node: NodeImport,
  input: OnnxActivation,
  parameters: readonly Float32Array[],
  epsilon: number,
): OnnxActivation {
  const names = ['scale', 'offset', 'mean', 'variance'];
  const constants = parameters.map((values, i) => node.addConstant(names[i], [values.length], values));
  return node.addOperator({ kind: 'BATCH_NORM', inputs: [input.id, ...constants], epsilon }, input.order);
}

function checkOrder(node: NodeImport, { order, shape }: OnnxActivation, channels: number): void {
  if (order !== null && order.channels * order.positions !== channels) {
    throw node.unsupported(
      `works on an image that was reshaped to [${shape.join(', ')}]`,
      'Flatten the whole image to [1, values]',
    );
  }
}

/** Softmax. Before operator set 13 it ran over all dimensions from `axis` on, since then over `axis` alone. */
export function importSoftmax(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const axis = normalizedAxis(node, node.integer('axis', node.opset < 13 ? 1 : -1), rank);
  const covered = input.shape.flatMap((extent, d) =>
    extent > 1 && (node.opset < 13 ? d >= axis : d === axis) ? [d] : [],
  );
  // Dimensions of 1 make no difference; what remains must be the last one of the stored tensor.
  const last = rank === 4 ? 1 : rank - 1;
  const whole = input.order === null || covered.length === 0 || input.shape[last] === orderSize(input);
  if (covered.some((d) => d !== last) || (covered.length === 0 && input.shape[last] > 1) || !whole) {
    throw node.unsupported(
      `runs over axis ${axis} of [${input.shape.join(', ')}]`,
      'Only the channels of an image, or the last dimension of other tensors, are supported',
    );
  }
  return node.addOperator({ kind: 'SOFTMAX', inputs: [input.id], beta: 1 }, input.order);
}

function orderSize({ order }: OnnxActivation): number {
  return order === null ? 0 : order.channels * order.positions;
}
