import { elementCount } from '../../../graph.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import {
  elementOrder,
  sameOrder,
  storedAxis,
  storedOrder,
  storedShape,
  type OnnxActivation,
} from '../values.js';

/** Reshape to a constant shape: 0 keeps a dimension (unless allowzero), -1 takes what is left. */
export function importReshape(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const wanted = Array.from(node.constant(1).data);
  const keepsZero = node.integer('allowzero', 0) === 0;
  const shape = wanted.map((extent, d) => (extent === 0 && keepsZero ? (input.shape[d] ?? 0) : extent));
  const known = elementCount(shape.filter((extent) => extent !== -1));
  const free = shape.filter((extent) => extent === -1).length;
  const left = elementCount(input.shape) / known;
  return reshaped(node, input, free === 1 ? shape.map((extent) => (extent === -1 ? left : extent)) : shape);
}

/** Flatten to two dimensions: those before `axis`, and the rest. */
export function importFlatten(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const axis = node.integer('axis', 1);
  const cut = axis < 0 ? axis + input.shape.length : axis;
  return reshaped(node, input, [
    elementCount(input.shape.slice(0, cut)),
    elementCount(input.shape.slice(cut)),
  ]);
}

/** Squeeze: drops dimensions of 1, all or those named (an attribute before operator set 13, an input since). */
export function importSqueeze(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const named = axesOf(node);
  const axes = named?.map((axis) => normalizedAxis(node, axis, input.shape.length));
  return reshaped(
    node,
    input,
    input.shape.filter((extent, d) => (axes === undefined ? extent !== 1 : !axes.includes(d))),
  );
}

/** Unsqueeze: inserts dimensions of 1. */
export function importUnsqueeze(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const named = axesOf(node) ?? [];
  const rank = input.shape.length + named.length;
  const axes = new Set(named.map((axis) => normalizedAxis(node, axis, rank)));
  const rest = [...input.shape];
  return reshaped(
    node,
    input,
    Array.from({ length: rank }, (_, d) => (axes.has(d) ? 1 : (rest.shift() ?? 1))),
  );
}

function axesOf(node: NodeImport): number[] | undefined {
  const input = node.optionalConstant(1);
  return input === null ? (node.integers('axes') ?? undefined) : Array.from(input.data);
}

/** No data moves: a shape of 4 dimensions must find the elements in the order of [H,W,C]. */
function reshaped(node: NodeImport, input: OnnxActivation, shape: number[]): OnnxActivation {
  const bad = shape.some((extent) => !Number.isInteger(extent) || extent < 1);
  if (bad || elementCount(shape) !== elementCount(input.shape) || shape.length > 8) {
    throw node.damaged(`reshapes [${input.shape.join(', ')}] to [${shape.slice(0, 9).join(', ')}]`);
  }
  const order = elementOrder(input);
  if (shape.length === 4 && !sameOrder(order, storedOrder(shape[1], shape[2] * shape[3]))) {
    throw node.unsupported(
      `reshapes [${input.shape.join(', ')}] to the image [${shape.join(', ')}]`,
      'Only reshapes that keep channels together are supported; give the model an image as input',
    );
  }
  return node.addOperator(
    { kind: 'RESHAPE', inputs: [input.id] },
    shape.length === 4 ? null : order,
    storedShape(shape),
  );
}

/** Pad with a constant; pads are an attribute before operator set 11, inputs since, for some axes only since 18. */
export function importPad(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  if (node.string('mode', 'constant') !== 'constant') {
    throw node.unsupported(`pads by ${node.string('mode', '')}`, 'Only the mode "constant" is supported');
  }
  const pads = node.hasInput(1) ? Array.from(node.constant(1).data) : (node.integers('pads') ?? []);
  const value = node.hasInput(2) ? (node.constant(2).data[0] ?? 0) : node.float('value', 0);
  const axes = node.hasInput(3)
    ? Array.from(node.constant(3).data, (axis) => normalizedAxis(node, axis, rank))
    : input.shape.map((_, d) => d);
  if (pads.length !== 2 * axes.length) {
    throw node.damaged(`has ${pads.length} pads for ${axes.length} dimensions`);
  }
  if (input.order !== null) {
    throw node.unsupported('pads a flattened image', 'Pad before flattening');
  }
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[storedAxis(axis, rank)] = pads[i];
    after[storedAxis(axis, rank)] = pads[i + axes.length];
  });
  if ([...before, ...after].some((count) => count < 0)) {
    throw node.unsupported('crops with negative pads', 'Only paddings of 0 and more are supported');
  }
  return node.addOperator({ kind: 'PAD', inputs: [input.id], before, after, value });
}

/** ReduceMean; axes are an attribute before operator set 18, an input since; none means all. */
export function importReduceMean(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const listed = axesOf(node) ?? [];
  const named = listed.map((axis) => normalizedAxis(node, axis, rank));
  if (named.length === 0 && node.integer('noop_with_empty_axes', 0) !== 0) {
    return input;
  }
  const axes = named.length === 0 ? input.shape.map((_, d) => d) : named;
  const keepDims = node.integer('keepdims', 1) !== 0;
  const rest = input.shape.filter((extent, d) => !axes.includes(d) && extent > 1);
  if (input.order !== null && rest.length > 0) {
    throw node.unsupported('averages parts of a flattened image', 'Average before flattening');
  }
  // What is left of an image lies with its channels last; in ONNX they come before height and width.
  const [, channels, height, width] = input.shape;
  const positions = (axes.includes(2) ? 1 : height) * (axes.includes(3) ? 1 : width);
  const order = rank === 4 && !keepDims && !axes.includes(1) ? storedOrder(channels, positions) : null;
  const storedAxes = axes.map((axis) => storedAxis(axis, rank)).sort((a, b) => a - b);
  const output = node.addOperator({ kind: 'MEAN', inputs: [input.id], axes: storedAxes, keepDims }, order);
  const shape = input.shape.flatMap((extent, d) => (axes.includes(d) ? (keepDims ? [1] : []) : [extent]));
  return { ...output, shape };
}
