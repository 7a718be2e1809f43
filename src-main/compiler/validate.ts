/**
 * What every phase may rely on. The importers call this at the end, so that no later phase has to ask again; the other
 * phases' tests call it on what they produce.
 */
import { InputError } from '../common/errors.js';
import { activationsOf, constantData, scaleAndZeroPoint } from './graph-access.js';
import { elementCount, type Graph, type Operator, type Tensor } from './graph.js';
import { inferOutputShape, sameShape } from './shapes.js';

/** Largest window, stride, dilation and padding; the image format has narrower fields than 32 bits for them. */
export const MAXIMUM_WINDOW = 65_535;

/** Largest number of inputs of one CONCATENATION. */
export const MAXIMUM_PARTS = 64;

/**
 * Checks that the graph is in execution order with static shapes of batch 1 that agree with its operators, that
 * constants have as many elements as their shape says, and that types and quantization are complete: either all
 * activations are float32, or all are int8 with one scale and zero point each.
 *
 * @param place the file, for the error
 * @throws InputError `model-inconsistent` naming the operator or tensor
 */
export function validateGraph(graph: Graph, place: string): void {
  const fail = (where: string, message: string): never => {
    throw new InputError({
      code: 'model-inconsistent',
      place,
      message: `${where}: ${message}`,
      remedy:
        'Export the model again with batch size 1 and static shapes, as float32 or fully quantized to int8',
    });
  };
  const available = new Set<number>();
  graph.tensors.forEach((tensor, id) => {
    const where = `tensor "${tensor.name}"`;
    if (tensor.id !== id) {
      fail(where, `has id ${tensor.id} at position ${id}`);
    }
    if (tensor.shape.some((extent) => !Number.isInteger(extent) || extent < 1)) {
      fail(where, `has the shape [${tensor.shape.join(', ')}]`);
    }
    if (tensor.data !== null) {
      if (tensor.data.length !== elementCount(tensor.shape)) {
        fail(where, `has ${tensor.data.length} elements for a shape [${tensor.shape.join(', ')}]`);
      }
      available.add(id);
    }
    const problem = quantizationProblem(tensor);
    if (problem !== null) {
      fail(where, problem);
    }
  });
  const tensorAt = (id: number, where: string): Tensor =>
    graph.tensors[id] ?? fail(where, `refers to tensor ${id} of ${graph.tensors.length}`);

  if (graph.operators.length === 0 || graph.inputs.length === 0 || graph.outputs.length === 0) {
    fail(
      'graph',
      `has ${graph.operators.length} operators, ${graph.inputs.length} inputs and ${graph.outputs.length} outputs`,
    );
  }
  for (const id of graph.inputs) {
    if (tensorAt(id, 'graph').data !== null || available.has(id)) {
      fail(`input "${tensorAt(id, 'graph').name}"`, 'is a constant or listed twice');
    }
    available.add(id);
  }
  for (const operator of graph.operators) {
    const where = `${operator.kind} "${operator.name}"`;
    const inputs = operator.inputs.map((id) => tensorAt(id, where));
    for (const input of inputs) {
      if (!available.has(input.id)) {
        fail(where, `reads "${input.name}", which nothing before it produces`);
      }
    }
    if (operator.outputs.length !== 1) {
      fail(where, `has ${operator.outputs.length} outputs`);
    }
    const output = tensorAt(operator.outputs[0], where);
    if (available.has(output.id)) {
      fail(where, `writes "${output.name}", which is a constant, an input or already written`);
    }
    available.add(output.id);
    const problem =
      parameterProblem(operator) ??
      inputProblem(operator, inputs) ??
      shapeProblem(operator, inputs, output) ??
      int8Problem(operator, inputs, output);
    if (problem !== null) {
      fail(where, problem);
    }
  }
  for (const id of graph.outputs) {
    const output = tensorAt(id, 'graph');
    if (!available.has(id) || output.data !== null) {
      fail(`output "${output.name}"`, 'is not produced by any operator');
    }
  }
  const types = new Set(activationsOf(graph).map((tensor) => tensor.type));
  const [type] = types;
  if (types.size > 1 || (type !== 'float32' && type !== 'int8')) {
    fail(
      'graph',
      `its activations have the types ${[...types].join(', ')}, where all must be float32 or all int8`,
    );
  }
}

function quantizationProblem(tensor: Tensor): string | null {
  const { quantization, shape, type } = tensor;
  if (quantization === null) {
    return type === 'int8' ? 'is int8 without a scale and zero point' : null;
  }
  const { scales, zeroPoints, axis } = quantization;
  const entries = axis === null ? 1 : shape[axis];
  if (scales.length !== entries || zeroPoints.length !== entries) {
    return `has ${scales.length} scales and ${zeroPoints.length} zero points where its shape needs ${entries}`;
  }
  if (scales.some((scale) => !Number.isFinite(scale) || scale <= 0)) {
    return 'has a scale that is not a positive number';
  }
  if (type === 'int8' && zeroPoints.some((zeroPoint) => zeroPoint < -128 || zeroPoint > 127)) {
    return 'has a zero point outside of -128 .. 127';
  }
  return null;
}

function parameterProblem(operator: Operator): string | null {
  const between = (low: number, values: number[]): boolean =>
    values.every((value) => Number.isInteger(value) && value >= low && value <= MAXIMUM_WINDOW);
  if ('padding' in operator) {
    const { top, bottom, left, right } = operator.padding;
    if (!between(0, [top, bottom, left, right])) {
      return `has the padding ${top}, ${bottom}, ${left}, ${right}`;
    }
    if (!between(1, [operator.strideHeight, operator.strideWidth])) {
      return `has the stride ${operator.strideHeight}x${operator.strideWidth}`;
    }
  }
  if ('dilationHeight' in operator && !between(1, [operator.dilationHeight, operator.dilationWidth])) {
    return `has the dilation ${operator.dilationHeight}x${operator.dilationWidth}`;
  }
  if ('filterHeight' in operator) {
    const { filterHeight, filterWidth, padding } = operator;
    if (!between(1, [filterHeight, filterWidth])) {
      return `has the window ${filterHeight}x${filterWidth}`;
    }
    // A window that saw padding only would have no maximum and no average.
    if (
      Math.max(padding.top, padding.bottom) >= filterHeight ||
      Math.max(padding.left, padding.right) >= filterWidth
    ) {
      return 'has padding as large as its window';
    }
  }
  if (operator.kind === 'PAD' && !between(0, [...operator.before, ...operator.after])) {
    return `has the padding ${operator.before.join(', ')} before and ${operator.after.join(', ')} after`;
  }
  if (operator.kind === 'SOFTMAX' && !(Number.isFinite(operator.beta) && operator.beta > 0)) {
    return `has beta ${operator.beta}`;
  }
  if (
    'alpha' in operator &&
    !(Number.isFinite(operator.alpha) && Number.isFinite(operator.beta) && Math.abs(operator.alpha) < 1e6)
  ) {
    return `has the parameters ${operator.alpha} and ${operator.beta}`;
  }
  if (operator.kind === 'CLAMP' && !(operator.minimum <= operator.maximum)) {
    return `clamps to ${operator.minimum} .. ${operator.maximum}`;
  }
  return null;
}

/** How many of an operator's inputs are activations; the rest are constants. */
function activationInputs(operator: Operator): number {
  return operator.kind === 'CONCATENATION' ? operator.inputs.length : 1;
}

function isBinary(operator: Operator): boolean {
  return operator.kind === 'ADD' || operator.kind === 'SUB' || operator.kind === 'MUL';
}

function inputProblem(operator: Operator, inputs: readonly Tensor[]): string | null {
  const [least, most] = inputCounts(operator);
  if (inputs.length < least || inputs.length > most) {
    return `has ${inputs.length} inputs`;
  }
  if (isBinary(operator)) {
    return binaryProblem(inputs);
  }
  const wanted = activationInputs(operator);
  const misplaced = inputs.find((tensor, i) => (tensor.data === null) !== i < wanted);
  if (misplaced !== undefined) {
    return misplaced.data === null
      ? `has weights "${misplaced.name}" that are not constant`
      : `reads the constant "${misplaced.name}" where only an activation is supported`;
  }
  if ('dilationHeight' in operator || operator.kind === 'FULLY_CONNECTED') {
    return weightProblem(operator, inputs);
  }
  if (operator.kind === 'BATCH_NORM') {
    const channels = inputs[0].shape.at(-1);
    const odd = inputs
      .slice(1)
      .find((tensor) => tensor.type !== 'float32' || constantData(tensor).length !== channels);
    return odd === undefined
      ? null
      : `has a parameter "${odd.name}" that does not fit its ${channels} channels`;
  }
  return null;
}

/** One of the two inputs may be a constant of the type of the other. */
function binaryProblem([a, b]: readonly Tensor[]): string | null {
  if (a.data !== null && b.data !== null) {
    return 'computes with constants only';
  }
  const odd = [a, b].find(({ quantization }) => (quantization?.scales.length ?? 1) !== 1);
  if (odd !== undefined) {
    return `has an input "${odd.name}" with several scales`;
  }
  return a.type === b.type ? null : `mixes ${a.type} and ${b.type}`;
}

function inputCounts(operator: Operator): [number, number] {
  switch (operator.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
    case 'FULLY_CONNECTED':
      return [2, 3];
    case 'ADD':
    case 'SUB':
    case 'MUL':
    case 'PRELU':
      return [2, 2];
    case 'CONCATENATION':
      return [1, MAXIMUM_PARTS];
    case 'BATCH_NORM':
      return [5, 5];
    default:
      return [1, 1];
  }
}

/** Weights and bias as TensorFlow Lite's int8 specification wants them, or all float32. */
function weightProblem(operator: Operator, [input, weights, bias]: readonly Tensor[]): string | null {
  const channelAxis = operator.kind === 'DEPTHWISE_CONV_2D' ? 3 : 0;
  const channels = weights.shape[channelAxis];
  if (bias !== undefined && constantData(bias).length !== channels) {
    return `has a bias of ${constantData(bias).length} values for ${channels} output channels`;
  }
  const biasType = input.type === 'int8' ? 'int32' : 'float32';
  if (weights.type !== input.type || (bias !== undefined && bias.type !== biasType)) {
    return `mixes an input of ${input.type} with weights of ${weights.type}${bias === undefined ? '' : ` and a bias of ${bias.type}`}`;
  }
  const quantization = weights.quantization;
  if (weights.type === 'int8' && quantization !== null) {
    if (quantization.axis !== null && quantization.axis !== channelAxis) {
      return `has weights quantized along dimension ${quantization.axis}, not along output channels`;
    }
    if (quantization.zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
      return 'has weights with a zero point other than 0';
    }
  }
  return null;
}

function shapeProblem(operator: Operator, inputs: readonly Tensor[], output: Tensor): string | null {
  const expected = inferOutputShape(
    operator,
    inputs.map((tensor) => tensor.shape),
  );
  if (typeof expected === 'string') {
    return expected;
  }
  const found = output.shape;
  const described = `[${found.join(', ')}]`;
  if (expected === null || operator.kind === 'FULLY_CONNECTED') {
    // Both keep elements in order; FULLY_CONNECTED may keep the leading dimensions of its input.
    const elements = elementCount(expected ?? inputs[0].shape);
    const lastFits = expected === null || found.at(-1) === expected[1];
    return elementCount(found) === elements && lastFits
      ? null
      : `has an output ${described} that does not fit its input [${inputs[0].shape.join(', ')}]`;
  }
  const needsOne = 'padding' in operator || operator.kind === 'RESIZE_NEAREST' || operator.kind === 'PAD';
  if (needsOne && expected.length === 4 && (inputs[0].shape[0] !== 1 || found[0] !== 1)) {
    return `has a batch of ${inputs[0].shape[0]}, where only 1 is supported`;
  }
  return sameShape(expected, found)
    ? null
    : `has an output ${described} that should be [${expected.join(', ')}]`;
}

/** What TensorFlow Lite's int8 specification says about output scales; its kernels, and ours, take them for granted. */
function int8Problem(operator: Operator, [input]: readonly Tensor[], output: Tensor): string | null {
  if (input.type !== 'int8' || input.quantization === null || output.quantization === null) {
    return null;
  }
  const [from, to] = [scaleAndZeroPoint(input), scaleAndZeroPoint(output)];
  const differ = (a: number, b: number): boolean => Math.abs(a - b) > 1e-5 * b;
  switch (operator.kind) {
    case 'SOFTMAX':
      return differ(to.scale, 1 / 256) || to.zeroPoint !== -128
        ? `has an output scale of ${to.scale} and zero point of ${to.zeroPoint}, not 1/256 and -128`
        : null;
    case 'LOGISTIC':
      return differ(to.scale, 1 / 256) || to.zeroPoint !== -128
        ? `has an output scale of ${to.scale} and zero point of ${to.zeroPoint}, not 1/256 and -128`
        : null;
    case 'TANH':
      return differ(to.scale, 1 / 128) || to.zeroPoint !== 0
        ? `has an output scale of ${to.scale} and zero point of ${to.zeroPoint}, not 1/128 and 0`
        : null;
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
    case 'PAD':
    case 'TRANSPOSE':
    case 'SLICE':
    case 'RESIZE_NEAREST':
      return differ(to.scale, from.scale) || to.zeroPoint !== from.zeroPoint
        ? `changes scale and zero point from ${from.scale}, ${from.zeroPoint} to ${to.scale}, ${to.zeroPoint}`
        : null;
    default:
      return null;
  }
}
