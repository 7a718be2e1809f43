/** One dimension of a slice: index i of the result is index begin + i * stride of `extent`. */
export interface Cut {
  begin: number;
  /** 0 when nothing is left. */
  size: number;
  stride: number;
}

/**
 * From `begin` up to, not including, `end` in steps of `stride`, as Python slices: negative ends count from behind, what lies
 * outside is cut off, null is the outermost one.
 */
export function sliceOf(extent: number, begin: number | null, end: number | null, stride: number): Cut {
  const [lowest, highest] = stride > 0 ? [0, extent] : [-1, extent - 1];
  const bound = (value: number): number =>
    Math.min(Math.max(value < 0 ? value + extent : value, lowest), highest);
  const from = begin === null ? (stride > 0 ? lowest : highest) : bound(begin);
  const to = end === null ? (stride > 0 ? highest : lowest) : bound(end);
  return { begin: from, size: stride === 0 ? 0 : Math.max(0, Math.ceil((to - from) / stride)), stride };
}
