import type { Padding } from '../../../graph.js';
import { samePadding } from '../../../shapes.js';
import type { NodeImport } from '../node.js';
import { channelsLast, type OnnxActivation } from '../values.js';

export interface OnnxWindow {
  strideHeight: number;
  strideWidth: number;
  dilationHeight: number;
  dilationWidth: number;
  padding: Padding;
}

/** An image, or a sequence as an image of one column: a sequence's length is what can be cut. */
export interface Image {
  /** Tensor [1, height, width, channels]. */
  id: number;
  channels: number;
  height: number;
  width: number;
  isSequence: boolean;
}

/** The image of a value [1, channels, height, width] or [1, channels, length]. @throws InputError for other shapes */
export function imageOf(node: NodeImport, value: OnnxActivation): Image {
  const { shape } = value;
  const [batch, channels, height, width = 1] = shape;
  if ((shape.length !== 4 && shape.length !== 3) || batch !== 1) {
    throw node.unsupported(
      `has an input of ${shape.length} dimensions [${shape.join(', ')}]`,
      'Only images [1, channels, height, width] and sequences [1, channels, length] are supported',
    );
  }
  const flat = { ...value, shape: [1, channels, height, width] };
  return { id: node.inOrder(flat, channelsLast(4)), channels, height, width, isSequence: shape.length === 3 };
}

/** The value of an image [1, height, width, channels]. */
export function imageValue(node: NodeImport, id: number, isSequence: boolean): OnnxActivation {
  const [, height, width, channels] = node.tensor(id).shape;
  const shape = isSequence ? [1, channels, height] : [1, channels, height, width];
  return node.arrangedValue(id, shape, channelsLast(shape.length));
}

/** Two extents out of a list that has one for a sequence; that of the missing width is `absent`. */
export function spatial(
  node: NodeImport,
  what: string,
  values: readonly number[],
  { isSequence }: Image,
  absent: number,
): [number, number] {
  if (values.length !== (isSequence ? 1 : 2) || values.some((value) => value < 1)) {
    throw node.damaged(`has ${what} [${values.slice(0, 8).join(', ')}]`);
  }
  return [values[0], isSequence ? absent : values[1]];
}

/** strides, dilations, pads, auto_pad and ceil_mode of a node as strides, dilations and explicit padding. */
export function resolveWindow(node: NodeImport, image: Image, filter: readonly [number, number]): OnnxWindow {
  const dimensions = image.isSequence ? 1 : 2;
  const ones = new Array<number>(dimensions).fill(1);
  const strides = spatial(node, 'strides', node.integers('strides') ?? ones, image, 1);
  const dilations = spatial(node, 'dilations', node.integers('dilations') ?? ones, image, 1);
  const extents = [image.height, image.width];
  const [vertical, horizontal] = [0, 1].map((d) =>
    d < dimensions
      ? resolvePadding(node, d, dimensions, extents[d], filter[d], strides[d], dilations[d])
      : { before: 0, after: 0 },
  );
  return {
    strideHeight: strides[0],
    strideWidth: strides[1],
    dilationHeight: dilations[0],
    dilationWidth: dilations[1],
    padding: {
      top: vertical.before,
      bottom: vertical.after,
      left: horizontal.before,
      right: horizontal.after,
    },
  };
}

function resolvePadding(
  node: NodeImport,
  dimension: number,
  dimensions: number,
  extent: number,
  filter: number,
  stride: number,
  dilation: number,
): { before: number; after: number } {
  const mode = node.string('auto_pad', 'NOTSET');
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const { before, after } = samePadding(extent, filter, stride, dilation);
    return mode === 'SAME_UPPER' ? { before, after } : { before: after, after: before };
  }
  if (mode !== 'NOTSET' && mode !== 'VALID') {
    throw node.damaged(`has auto_pad ${mode}`);
  }
  const pads =
    (mode === 'NOTSET' ? node.integers('pads') : null) ?? new Array<number>(2 * dimensions).fill(0);
  if (pads.length !== 2 * dimensions) {
    throw node.damaged(`has pads [${pads.slice(0, 8).join(', ')}]`);
  }
  const before = pads[dimension];
  const after = pads[dimension + dimensions];
  if (node.integer('ceil_mode', 0) === 0) {
    return { before, after };
  }
  // Positions are rounded up, except that a window must not start behind the input; the rest is padding.
  const reach = dilation * (filter - 1) + 1;
  const positions = Math.ceil((extent + before + after - reach) / stride) + 1;
  const last = (positions - 1) * stride;
  const needed = (last < extent + before ? last : last - stride) + reach - extent - before;
  return { before, after: Math.max(after, needed) };
}
