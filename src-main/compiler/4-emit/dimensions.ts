/** Tensors as nested loops over strides: what kernels that move or broadcast elements are told. */
import { elementCount } from '../graph.js';

/** One loop: how often, and how far each operand moves on with it. */
export interface Dimension {
  extent: number;
  strides: number[];
}

/** Distance in elements between neighbours of each dimension of a row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, d) => elementCount(shape.slice(d + 1)));
}

/** Strides with which a tensor is read as one of a larger shape, as NumPy broadcasts it: 0 where it has one element only. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(shape);
  const missing = to.length - shape.length;
  return to.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : own[d - missing]));
}

/** A loop that is run once. */
export function neutral(operands: number): Dimension {
  return { extent: 1, strides: new Array<number>(operands).fill(0) };
}

/**
 * The fewest loops over a shape: the first is over the units, dimensions of 1 are left out, and behind the units neighbours that
 * all operands walk as one are one.
 *
 * @param strides per operand, per dimension
 * @param units extent of the first dimension above 1, or 1
 */
export function collapse(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  units: number,
): Dimension[] {
  const all = shape.flatMap((extent, d): Dimension[] =>
    extent === 1 ? [] : [{ extent, strides: strides.map((operand) => operand[d]) }],
  );
  const [first, rest] = units > 1 ? [all[0], all.slice(1)] : [neutral(strides.length), all];
  const inner: Dimension[] = [];
  for (const dimension of rest) {
    const last = inner.at(-1);
    if (last?.strides.every((stride, i) => stride === dimension.strides[i] * dimension.extent)) {
      last.extent *= dimension.extent;
      last.strides = dimension.strides;
    } else {
      inner.push({ ...dimension });
    }
  }
  return [first, ...(inner.length > 0 ? inner : [neutral(strides.length)])];
}
