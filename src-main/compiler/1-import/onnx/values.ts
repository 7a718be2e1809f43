/**
 * How ONNX's values lie in the graph's tensors. ONNX is channels-first, the graph channels-last; and what only renames positions
 * (Reshape, Flatten, Transpose, Squeeze) moves no data here. So a value is a tensor, the shape that ONNX sees, and the order in
 * which its elements are stored.
 */
import { elementCount } from '../../graph.js';
import type { OnnxConstant } from './model.js';

/**
 * The elements seen as an array of `extents` in ONNX's order, stored with its dimensions in the order `stored`. Normal form: no
 * extents of 1, and no neighbours in one order that are neighbours in the other.
 */
export interface Layout {
  extents: readonly number[];
  stored: readonly number[];
}

export interface OnnxActivation {
  kind: 'activation';
  /** The graph's tensor; its shape may be any with as many elements. */
  id: number;
  /** As ONNX sees it: channels first. */
  shape: readonly number[];
  /** null when the elements are stored in ONNX's order. */
  layout: Layout | null;
}

export type OnnxValue = OnnxActivation | { kind: 'constant'; constant: OnnxConstant };

/** Dimensions in the order in which an image, or a sequence, is stored: channels last. */
export function channelsLast(rank: number): number[] {
  const all = identity(rank);
  return rank < 3 ? all : [0, ...all.slice(2), 1];
}

export function identity(rank: number): number[] {
  return Array.from({ length: rank }, (_, d) => d);
}

/** The layout of a value of a shape whose dimensions are stored in an order. */
export function layoutOf(shape: readonly number[], order: readonly number[]): Layout | null {
  return normalized({ extents: shape, stored: order });
}

export function sameLayout(a: Layout | null, b: Layout | null): boolean {
  return (
    a === b ||
    (a !== null && b !== null && a.extents.join() === b.extents.join() && a.stored.join() === b.stored.join())
  );
}

function normalized({ extents, stored }: Layout): Layout | null {
  const kept = extents.flatMap((extent, d) => (extent > 1 ? [d] : []));
  const order = stored.filter((d) => extents[d] > 1).map((d) => kept.indexOf(d));
  const sizes = kept.map((d) => extents[d]);
  // Runs of dimensions that follow each other in both orders become one.
  const runs: number[][] = [];
  for (const d of order) {
    const last = runs.at(-1);
    if (last?.at(-1) === d - 1) {
      last.push(d);
    } else {
      runs.push([d]);
    }
  }
  if (runs.length <= 1) {
    return null;
  }
  const inOnnxOrder = [...runs].sort((a, b) => a[0] - b[0]);
  return {
    extents: inOnnxOrder.map((run) => elementCount(run.map((d) => sizes[d]))),
    stored: runs.map((run) => inOnnxOrder.indexOf(run)),
  };
}

/** A layout cut so finely that each dimension of a shape is some of its parts. */
export interface Parts {
  extents: number[];
  stored: number[];
  /** Parts of each dimension of the shape, in order; none for an extent of 1. */
  ofDimension: number[][];
}

/** null when the shape cuts across the parts of the layout. */
export function partsOf(layout: Layout | null, shape: readonly number[]): Parts | null {
  const whole: Layout = layout ?? { extents: [elementCount(shape)], stored: [0] };
  // Elements behind each cut, from the outermost on.
  const cutsOf = (extents: readonly number[]): number[] =>
    extents.map((_, d) => elementCount(extents.slice(d + 1)));
  const cuts = [...new Set([...cutsOf(whole.extents), ...cutsOf(shape)])].sort((a, b) => b - a);
  const total = elementCount(shape);
  const extents: number[] = [];
  for (const [i, cut] of cuts.entries()) {
    const outer = i === 0 ? total : cuts[i - 1];
    if (outer % cut !== 0) {
      return null;
    }
    extents.push(outer / cut);
  }
  const within = (outer: number, inner: number): number[] =>
    cuts.flatMap((cut, part) => (cut >= inner && cut < outer ? [part] : []));
  const partsBetween = (all: readonly number[]): number[][] => {
    const inner = cutsOf(all);
    return all.map((extent, d) => within(inner[d] * extent, inner[d]));
  };
  const ofLayout = partsBetween(whole.extents);
  return {
    extents,
    stored: whole.stored.flatMap((d) => ofLayout[d]),
    ofDimension: partsBetween(shape),
  };
}

/** The dimensions in the order in which they are stored, each in one piece; null where that is not so. */
export function storedOrder(layout: Layout | null, shape: readonly number[]): number[] | null {
  const parts = partsOf(layout, shape);
  if (parts === null) {
    return null;
  }
  const dimensionOf = new Map(parts.ofDimension.flatMap((list, d) => list.map((part) => [part, d] as const)));
  const order: number[] = [];
  for (const part of parts.stored) {
    const dimension = dimensionOf.get(part);
    if (dimension !== undefined && order.at(-1) !== dimension) {
      order.push(dimension);
    }
  }
  if (new Set(order).size !== order.length || !sameLayout(layout, layoutOf(shape, complete(order, shape)))) {
    return null;
  }
  return complete(order, shape);
}

/** Puts dimensions of 1, which may be anywhere, where they are closest to channels-last. */
function complete(order: readonly number[], shape: readonly number[]): number[] {
  const rank = shape.length;
  for (const candidate of [channelsLast(rank), identity(rank)]) {
    if (candidate.filter((d) => order.includes(d)).join() === order.join()) {
      return candidate;
    }
  }
  return [...identity(rank).filter((d) => !order.includes(d)), ...order];
}

/** The value with its dimensions permuted: the same elements, stored as before. */
export function transposed(value: OnnxActivation, permutation: readonly number[]): OnnxActivation | null {
  const parts = partsOf(value.layout, value.shape);
  if (parts === null) {
    return null;
  }
  const order = permutation.flatMap((d) => parts.ofDimension[d]);
  const layout = normalized({
    extents: order.map((part) => parts.extents[part]),
    stored: parts.stored.filter((part) => order.includes(part)).map((part) => order.indexOf(part)),
  });
  return { ...value, shape: permutation.map((d) => value.shape[d]), layout };
}

/** ONNX's index of the element at each stored position. */
export function onnxIndices(layout: Layout | null, elements: number): Uint32Array {
  let indices = Uint32Array.of(0);
  if (layout === null) {
    return Uint32Array.from({ length: elements }, (_, i) => i);
  }
  for (const d of layout.stored) {
    const stride = elementCount(layout.extents.slice(d + 1));
    const next = new Uint32Array(indices.length * layout.extents[d]);
    indices.forEach((index, i) => {
      for (let j = 0; j < layout.extents[d]; j++) {
        next[i * layout.extents[d] + j] = index + j * stride;
      }
    });
    indices = next;
  }
  return indices;
}

/** The elements of a row-major array with its dimensions in another order. */
export function permuted<A extends Float32Array | Float64Array>(
  data: A,
  shape: readonly number[],
  order: readonly number[],
): A {
  const indices = onnxIndices({ extents: shape, stored: order }, data.length);
  return data.map((_, i) => data[indices[i]]) as A;
}
