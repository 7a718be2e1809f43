import type { Concatenation, Operator, ResizeNearest, Slice, Transpose } from '../../../graph.js';
import { nearestIndices } from '../../nearest.js';
import { sliceOf } from '../../slices.js';
import type { TfliteNode } from '../node.js';
import { CONCATENATION_OPTIONS, OPTIONS_TYPE, RESIZE_OPTIONS, STRIDED_SLICE_OPTIONS } from '../schema.js';

/** CONCATENATION. */
export function importConcatenation(node: TfliteNode): Concatenation {
  const options = node.options(OPTIONS_TYPE.CONCATENATION);
  if ((options?.int8(CONCATENATION_OPTIONS.activation) ?? 0) !== 0) {
    throw node.unsupported(
      'has a fused activation',
      'Put the activation behind it as an operator of its own',
    );
  }
  return {
    kind: 'CONCATENATION',
    name: node.name,
    inputs: Array.from({ length: node.inputCount }, (_, i) => node.input(i)),
    outputs: [node.output()],
    axis: axisOf(node, options?.int32(CONCATENATION_OPTIONS.axis) ?? 0, node.shape(0).length),
  };
}

/** TRANSPOSE; the permutation is a constant. */
export function importTranspose(node: TfliteNode): Transpose {
  return {
    kind: 'TRANSPOSE',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    permutation: node.integers(1),
  };
}

/** SLICE; begin and size are constants, a size of -1 means all the rest. */
export function importSlice(node: TfliteNode): Slice {
  const shape = node.shape(0);
  const begin = node.integers(1);
  return slice(node, node.output(), {
    begin,
    size: node.integers(2).map((size, d) => (size === -1 ? shape[d] - begin[d] : size)),
    strides: shape.map(() => 1),
  });
}

/**
 * STRIDED_SLICE without new axes; dimensions that it drops (shrink_axis_mask) are those of 1 in the cut, so that a RESHAPE
 * follows.
 */
export function importStridedSlice(node: TfliteNode): Operator[] {
  const options = node.options(OPTIONS_TYPE.STRIDED_SLICE);
  const mask = (field: keyof typeof STRIDED_SLICE_OPTIONS): number =>
    options?.int32(STRIDED_SLICE_OPTIONS[field]) ?? 0;
  if (mask('ellipsisMask') !== 0 || mask('newAxisMask') !== 0 || mask('offset') !== 0) {
    throw node.unsupported('uses an ellipsis, new axes or offsets', 'Write out all dimensions of the slice');
  }
  const shape = node.shape(0);
  const [begin, end, strides] = [1, 2, 3].map((index) => node.integers(index));
  if ([begin, end, strides].some((list) => list.length !== shape.length)) {
    throw node.unsupported('does not name every dimension', 'Write out all dimensions of the slice');
  }
  const has = (bits: number, d: number): boolean => ((bits >> d) & 1) === 1;
  const cuts = shape.map((extent, d) => {
    if (has(mask('shrinkAxisMask'), d)) {
      return { begin: begin[d] < 0 ? begin[d] + extent : begin[d], size: 1, stride: 1 };
    }
    return sliceOf(
      extent,
      has(mask('beginMask'), d) ? null : begin[d],
      has(mask('endMask'), d) ? null : end[d],
      strides[d],
    );
  });
  const body = {
    begin: cuts.map((cut) => cut.begin),
    size: cuts.map((cut) => cut.size),
    strides: cuts.map((cut) => cut.stride),
  };
  if (mask('shrinkAxisMask') === 0) {
    return [slice(node, node.output(), body)];
  }
  const whole = node.temporary(0, body.size);
  return [
    slice(node, whole, body),
    { kind: 'RESHAPE', name: node.name, inputs: [whole], outputs: [node.output()] },
  ];
}

/** SPLIT (axis, values; equal parts) and SPLIT_V (values, sizes, axis): one slice per output. */
export function importSplit(node: TfliteNode): Operator[] {
  const equal = node.operator === 'SPLIT';
  const data = equal ? 1 : 0;
  const shape = node.shape(data);
  const axis = axisOf(node, node.integers(equal ? 0 : 2)[0], shape.length);
  let at = 0;
  return Array.from({ length: node.outputCount }, (_, i) => {
    const size = node.outputShape(i)[axis] ?? 0;
    const begin = shape.map((_extent, d) => (d === axis ? at : 0));
    at += size;
    return slice(
      node,
      node.output(i),
      {
        begin,
        size: shape.map((extent, d) => (d === axis ? size : extent)),
        strides: shape.map(() => 1),
      },
      data,
    );
  });
}

/** RESIZE_NEAREST_NEIGHBOR; the size is a constant. */
export function importResizeNearest(node: TfliteNode): ResizeNearest {
  const options = node.options(OPTIONS_TYPE.RESIZE_NEAREST_NEIGHBOR);
  const alignCorners = options?.boolean(RESIZE_OPTIONS.alignCorners) ?? false;
  const halfPixelCenters = options?.boolean(RESIZE_OPTIONS.halfPixelCenters) ?? false;
  const [, height = 1, width = 1] = node.shape(0);
  const [rows, columns] = node.integers(1);
  const indices = (extent: number, wanted: number): number[] => {
    const found = nearestIndices(extent, wanted, { alignCorners, halfPixelCenters });
    if (found === null) {
      throw node.damaged(`resizes to ${rows}x${columns}`);
    }
    return found;
  };
  return {
    kind: 'RESIZE_NEAREST',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    rows: indices(height, rows),
    columns: indices(width, columns),
  };
}

function slice(
  node: TfliteNode,
  output: number,
  body: Pick<Slice, 'begin' | 'size' | 'strides'>,
  data = 0,
): Slice {
  return { kind: 'SLICE', name: node.name, inputs: [node.input(data)], outputs: [output], ...body };
}

function axisOf(node: TfliteNode, axis: number | undefined, rank: number): number {
  const normalized = axis === undefined ? -1 : axis < 0 ? axis + rank : axis;
  if (normalized < 0 || normalized >= rank) {
    throw node.damaged(`has the axis ${axis ?? '(none)'} of ${rank} dimensions`);
  }
  return normalized;
}
