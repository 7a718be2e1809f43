import { elementCount } from '../../../graph.js';
import { sliceOf, type Cut } from '../../slices.js';
import { normalizedAxis, type NodeImport } from '../node.js';
import { transposed, type OnnxActivation } from '../values.js';
import { commonOrder } from './elementwise.js';
import { imageOf, imageValue } from './window.js';

/** Transpose renames dimensions: whoever needs another order moves the elements. */
export function importTranspose(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const rank = input.shape.length;
  const permutation = permutationOf(node, rank);
  const value = transposed(input, permutation);
  if (value !== null) {
    return value;
  }
  const id = node.inOrder(input, permutation);
  return node.arrangedValue(
    id,
    permutation.map((d) => input.shape[d]),
    permutation.map((_, d) => d),
  );
}

/** perm of a Transpose; without it, the reverse. */
export function permutationOf(node: NodeImport, rank: number): number[] {
  const permutation = node.integers('perm') ?? Array.from({ length: rank }, (_, d) => rank - 1 - d);
  if (permutation.length !== rank || [...permutation].sort((a, b) => a - b).some((axis, d) => axis !== d)) {
    throw node.damaged(`permutes ${rank} dimensions by [${permutation.slice(0, 9).join(', ')}]`);
  }
  return permutation;
}

/** Concat of activations. */
export function importConcat(node: NodeImport): OnnxActivation {
  const inputs = Array.from({ length: node.inputCount }, (_, i) => node.activation(i));
  if (inputs.length === 0) {
    throw node.damaged('joins nothing');
  }
  const rank = inputs[0].shape.length;
  const axis = normalizedAxis(node, node.integer('axis', 1), rank);
  if (inputs.some(({ shape }) => shape.length !== rank)) {
    throw node.damaged(`joins ${inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ')}`);
  }
  const order = commonOrder(inputs, rank);
  const id = node.addOperator({
    kind: 'CONCATENATION',
    inputs: inputs.map((input) => node.inOrder(input, order)),
    axis: order.indexOf(axis),
  });
  const extent = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
  return node.arrangedValue(
    id,
    inputs[0].shape.map((size, d) => (d === axis ? extent : size)),
    order,
  );
}

/** Slice: attributes before operator set 10, inputs since. */
export function importSlice(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const cuts = slicesOf(node, input.shape);
  return cut(node, input, cuts);
}

/** What a Slice takes of each dimension of a shape. */
export function slicesOf(node: NodeImport, shape: readonly number[]): Cut[] {
  const list = (index: number, name: string): number[] | null =>
    node.hasInput(index) ? Array.from(node.constant(index).data) : node.integers(name);
  const starts = list(1, 'starts') ?? [];
  const ends = list(2, 'ends') ?? [];
  const axes = (list(3, 'axes') ?? starts.map((_, i) => i)).map((axis) =>
    normalizedAxis(node, axis, shape.length),
  );
  const steps = node.hasInput(4) ? Array.from(node.constant(4).data) : starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    throw node.damaged(`has ${starts.length} starts and ${ends.length} ends`);
  }
  return shape.map((extent, d) => {
    const i = axes.indexOf(d);
    return i === -1 ? { begin: 0, size: extent, stride: 1 } : sliceOf(extent, starts[i], ends[i], steps[i]);
  });
}

/** Split along an axis: sizes are an attribute before operator set 13, an input since, or equal. */
export function importSplit(node: NodeImport): OnnxActivation[] {
  const input = node.activation(0);
  const axis = normalizedAxis(node, node.integer('axis', 0), input.shape.length);
  const extent = input.shape[axis];
  const count = node.outputCount;
  const given = node.hasInput(1) ? Array.from(node.constant(1).data) : node.integers('split');
  const share = Math.ceil(extent / count);
  const sizes = given ?? Array.from({ length: count }, (_, i) => Math.min(share, extent - i * share));
  if (sizes.length !== count || sizes.reduce((sum, size) => sum + size, 0) !== extent) {
    throw node.damaged(`splits ${extent} into [${sizes.slice(0, 9).join(', ')}]`);
  }
  let begin = 0;
  return sizes.map((size) => {
    const part = cut(
      node,
      input,
      input.shape.map((whole, d) =>
        d === axis ? { begin, size, stride: 1 } : { begin: 0, size: whole, stride: 1 },
      ),
    );
    begin += size;
    return part;
  });
}

function cut(node: NodeImport, input: OnnxActivation, cuts: readonly Cut[]): OnnxActivation {
  const shape = cuts.map(({ size }) => size);
  if (shape.some((size) => size < 1)) {
    throw node.unsupported(
      `leaves nothing of [${input.shape.join(', ')}]`,
      'Check begin and end of the slice',
    );
  }
  const { id, order } = node.arranged(input);
  const output = node.addOperator({
    kind: 'SLICE',
    inputs: [id],
    begin: order.map((d) => cuts[d].begin),
    size: order.map((d) => cuts[d].size),
    strides: order.map((d) => cuts[d].stride),
  });
  return node.arrangedValue(output, shape, order);
}

/** Largest extent that an image is resized to. */
const MAXIMUM_EXTENT = 65_535;

/** Resize and Upsample by the nearest neighbour, of height and width. */
export function importResize(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const image = imageOf(node, input);
  const mode = node.string('mode', 'nearest');
  if (mode !== 'nearest') {
    throw node.unsupported(`resizes by ${mode}`, 'Use the mode "nearest"');
  }
  const upsample = node.operator === 'Upsample' || node.opset < 11;
  const list = (index: number): number[] =>
    node.hasInput(index) ? Array.from(node.constant(index).data) : [];
  const listed = upsample ? list(1) : list(2);
  const scales = listed.length > 0 ? listed : Array.from(node.attribute('scales')?.floats ?? []);
  const sizes = upsample ? [] : list(3);
  if (node.integers('axes') !== null) {
    throw node.unsupported('resizes some axes only', 'Give scales or sizes for all dimensions');
  }
  const rank = input.shape.length;
  const extents = input.shape.map((extent, d) =>
    sizes.length === rank ? sizes[d] : scales.length === rank ? Math.floor(extent * scales[d]) : -1,
  );
  const fits = extents.every((extent, d) =>
    d < 2 ? extent === input.shape[d] : Number.isInteger(extent) && extent >= 1 && extent <= MAXIMUM_EXTENT,
  );
  if (!fits) {
    throw node.unsupported(
      `resizes [${input.shape.join(', ')}] to [${extents.join(', ')}]`,
      'Give constant scales or sizes, and resize height and width only',
    );
  }
  const coordinates = node.string('coordinate_transformation_mode', upsample ? 'asymmetric' : 'half_pixel');
  const rounding = node.string('nearest_mode', upsample ? 'floor' : 'round_prefer_floor');
  const indices = (d: number): number[] =>
    Array.from({ length: extents[d] ?? 1 }, (_, position) => {
      const from = input.shape[d] ?? 1;
      const to = extents[d] ?? 1;
      const scale = sizes.length === 0 && scales.length === rank ? (scales[d] ?? 1) : to / from;
      const at = sourcePosition(node, coordinates, position, { from, to, scale });
      return Math.min(Math.max(rounded(node, rounding, at), 0), from - 1);
    });
  const id = node.addOperator({
    kind: 'RESIZE_NEAREST',
    inputs: [image.id],
    rows: indices(2),
    columns: image.isSequence ? [0] : indices(3),
  });
  return imageValue(node, id, image.isSequence);
}

function sourcePosition(
  node: NodeImport,
  mode: string,
  position: number,
  { from, to, scale }: { from: number; to: number; scale: number },
): number {
  switch (mode) {
    case 'asymmetric':
      return position / scale;
    case 'half_pixel':
      return (position + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return to > 1 ? (position * (from - 1)) / (to - 1) : 0;
    default:
      throw node.unsupported(`has the coordinates ${mode}`, 'Use asymmetric, half_pixel or align_corners');
  }
}

function rounded(node: NodeImport, mode: string, at: number): number {
  switch (mode) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'round_prefer_floor':
      return Math.ceil(at - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    default:
      throw node.damaged(`rounds by ${mode}`);
  }
}

/** DepthToSpace and SpaceToDepth, as the reshapes and the transposition that ONNX defines them by. */
export function importDepthSpace(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const [n, c, h, w] = input.shape;
  const block = node.integer('blocksize', 0);
  const toSpace = node.operator === 'DepthToSpace';
  const fits = toSpace ? c % block ** 2 === 0 : h % block === 0 && w % block === 0;
  if (input.shape.length !== 4 || block < 1 || !fits) {
    throw node.damaged(`takes blocks of ${block} of [${input.shape.join(', ')}]`);
  }
  const columnFirst = node.string('mode', 'DCR') === 'CRD';
  const [shape, permutation, result] = toSpace
    ? [
        columnFirst ? [n, c / block ** 2, block, block, h, w] : [n, block, block, c / block ** 2, h, w],
        columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2],
        [n, c / block ** 2, h * block, w * block],
      ]
    : [
        [n, c, h / block, block, w / block, block],
        [0, 3, 5, 1, 2, 4],
        [n, c * block ** 2, h / block, w / block],
      ];
  const moved = transposed({ ...input, shape }, permutation);
  if (moved === null || elementCount(shape) !== elementCount(result)) {
    throw node.unsupported('works on an image that was reshaped', 'Leave out the reshape before it');
  }
  return { ...moved, shape: result };
}
