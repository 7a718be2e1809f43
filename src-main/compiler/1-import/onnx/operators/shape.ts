import { elementCount } from '../../../graph.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import { channelsLast, identity, storedOrder, type OnnxActivation } from '../values.js';

const MAXIMUM_DIMENSIONS = 8;

/** Reshape to a constant shape: 0 keeps a dimension (unless allowzero), -1 takes what is left. */
export function importReshape(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  return reshaped(
    node,
    input,
    wantedShape(input.shape, Array.from(node.constant(1).data), node.integer('allowzero', 0) === 0),
  );
}

/** The shape that Reshape makes; it may be none. */
export function wantedShape(
  from: readonly number[],
  wanted: readonly number[],
  keepsZero: boolean,
): number[] {
  const shape = wanted.map((extent, d) => (extent === 0 && keepsZero ? (from[d] ?? 0) : extent));
  const known = elementCount(shape.filter((extent) => extent !== -1));
  const free = shape.filter((extent) => extent === -1).length;
  return free === 1 ? shape.map((extent) => (extent === -1 ? elementCount(from) / known : extent)) : shape;
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
  return reshaped(node, input, squeezedShape(node, input.shape));
}

export function squeezedShape(node: NodeImport, shape: readonly number[]): number[] {
  const axes = axesOf(node)?.map((axis) => normalizedAxis(node, axis, shape.length));
  return shape.filter((extent, d) => (axes === undefined ? extent !== 1 : !axes.includes(d)));
}

/** Unsqueeze: inserts dimensions of 1. */
export function importUnsqueeze(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  return reshaped(node, input, unsqueezedShape(node, input.shape));
}

export function unsqueezedShape(node: NodeImport, shape: readonly number[]): number[] {
  const named = axesOf(node) ?? [];
  const rank = shape.length + named.length;
  if (rank > MAXIMUM_DIMENSIONS) {
    throw node.damaged(`makes ${rank} dimensions`);
  }
  const axes = new Set(named.map((axis) => normalizedAxis(node, axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, d) => (axes.has(d) ? 1 : (rest.shift() ?? 1)));
}

function axesOf(node: NodeImport): number[] | undefined {
  const input = node.optionalConstant(1);
  return input === null ? (node.integers('axes') ?? undefined) : Array.from(input.data);
}

/** The same elements in the same order: no data moves. */
function reshaped(node: NodeImport, input: OnnxActivation, shape: number[]): OnnxActivation {
  const bad = shape.some((extent) => !Number.isInteger(extent) || extent < 1);
  if (bad || elementCount(shape) !== elementCount(input.shape) || shape.length > MAXIMUM_DIMENSIONS) {
    throw node.damaged(`reshapes [${input.shape.join(', ')}] to [${shape.slice(0, 9).join(', ')}]`);
  }
  return { ...input, shape };
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
  const { id, order } = node.arranged(input);
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[order.indexOf(axis)] = pads[i];
    after[order.indexOf(axis)] = pads[i + axes.length];
  });
  if ([...before, ...after].some((count) => count < 0)) {
    throw node.unsupported('crops with negative pads', 'Only paddings of 0 and more are supported');
  }
  const shape = input.shape.map((extent, d) => extent + before[order.indexOf(d)] + after[order.indexOf(d)]);
  const output = node.addOperator({ kind: 'PAD', inputs: [id], before, after, value });
  return node.arrangedValue(output, shape, order);
}

/** ReduceMean; axes are an attribute before operator set 18, an input since; none means all. */
export function importReduceMean(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const listed = axesOf(node) ?? [];
  const named = [...new Set(listed.map((axis) => normalizedAxis(node, axis, rank)))];
  if (named.length === 0 && node.integer('noop_with_empty_axes', 0) !== 0) {
    return input;
  }
  const axes = named.length === 0 ? identity(rank) : named;
  const order = averagingOrder(input, axes);
  const id = node.inOrder(input, order);
  const keepDims = node.integer('keepdims', 1) !== 0;
  const reducedShape = input.shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
  const storedAxes = axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b);
  const output = node.addOperator({ kind: 'MEAN', inputs: [id], axes: storedAxes, keepDims });
  const { layout } = node.arrangedValue(output, reducedShape, order);
  const shape = keepDims ? reducedShape : input.shape.filter((_, d) => !axes.includes(d));
  return { kind: 'activation', id: output, shape, layout };
}

/** An order of dimensions, as stored if possible, in which those that are averaged are neighbours. */
function averagingOrder({ layout, shape }: OnnxActivation, axes: readonly number[]): number[] {
  const rank = shape.length;
  const stored = storedOrder(layout, shape);
  const together = (order: readonly number[]): boolean => {
    const wide = order.filter((d) => shape[d] > 1);
    const positions = axes.filter((d) => shape[d] > 1).map((d) => wide.indexOf(d));
    return positions.length === 0 || Math.max(...positions) - Math.min(...positions) === positions.length - 1;
  };
  const candidates = [...(stored === null ? [] : [stored]), channelsLast(rank), identity(rank)];
  return candidates.find(together) ?? [...identity(rank).filter((d) => !axes.includes(d)), ...axes];
}
