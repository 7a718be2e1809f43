/** Places blocks with lifetimes in one address space so that blocks that live together do not overlap. */

export interface Block {
  bytes: number;
  /** First and last instant of its life, both included. */
  begin: number;
  end: number;
}

export interface Allocation {
  /** One per block, in the order given, multiples of ALIGNMENT. */
  offsets: number[];
  bytes: number;
}

/** Of every offset; word copies and, later, vector loads want it. */
export const ALIGNMENT = 16;

type Order = (a: Block, b: Block) => number;

const length = ({ begin, end }: Block): number => end - begin + 1;

const ORDERS: readonly Order[] = [
  (a, b) => b.bytes - a.bytes || a.begin - b.begin,
  (a, b) => a.begin - b.begin || b.bytes - a.bytes,
  (a, b) => length(b) - length(a) || b.bytes - a.bytes,
  (a, b) => b.end - a.end || b.bytes - a.bytes,
  (a, b) => b.bytes * length(b) - a.bytes * length(a) || a.begin - b.begin,
];

/** Changes of the order that are tried; comparisons of two blocks that they may take: about 5 ms. */
const MOST_MOVES = 1000;
const MOST_COMPARISONS = 400_000;
/** Of the walk through the orders: the same blocks are always placed in the same way. */
const SEED = 0x2545f491;

/** Largest sum of blocks that live together: no placement takes less. */
export function lowerBound(blocks: readonly Block[]): number {
  return blocks.reduce((most, { begin }) => Math.max(most, bytesAt(blocks, begin)), 0);
}

/** Sum of the blocks alive at an instant. */
export function bytesAt(blocks: readonly Block[], instant: number): number {
  return blocks
    .filter(({ begin, end }) => begin <= instant && instant <= end)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Places one block after the other, each as low as it fits, in a few sensible orders; where none of them reaches the lower
 * bound, walks on from the best through orders that differ in the place of one block, never to a worse one. Finding the
 * minimum is NP-hard, but some order gives it: that in which the blocks of the best placement lie.
 */
export function allocate(blocks: readonly Block[]): Allocation {
  const rounded = blocks.map((block) => ({ ...block, bytes: aligned(block.bytes) }));
  const together = rounded.map((a) => rounded.flatMap((b, index) => (overlap(a, b) ? [index] : [])));
  const goal = lowerBound(rounded);
  const place = (order: readonly number[]): Allocation => allocateInOrder(rounded, together, order);
  const indices = blocks.map((_, index) => index);

  let bestOrder = indices;
  let best: Allocation | null = null;
  for (const compare of ORDERS) {
    const order = [...indices].sort((a, b) => compare(rounded[a], rounded[b]) || a - b);
    const candidate = place(order);
    if (best === null || candidate.bytes < best.bytes) {
      [best, bestOrder] = [candidate, order];
    }
  }
  best ??= place(indices);

  const random = xorshift(SEED);
  const comparisons = 1 + together.reduce((sum, { length: neighbours }) => sum + neighbours ** 2, 0);
  let moves = Math.min(MOST_MOVES, MOST_COMPARISONS / comparisons);
  while (best.bytes > goal && moves-- > 0) {
    const order = [...bestOrder];
    const [moved] = order.splice(random(order.length), 1);
    order.splice(random(order.length + 1), 0, moved);
    const candidate = place(order);
    if (candidate.bytes <= best.bytes) {
      [best, bestOrder] = [candidate, order];
    }
  }
  return best;
}

function allocateInOrder(
  blocks: readonly Block[],
  together: readonly (readonly number[])[],
  order: readonly number[],
): Allocation {
  const offsets = new Array<number>(blocks.length).fill(-1);
  let total = 0;
  for (const index of order) {
    const taken = together[index]
      .filter((other) => offsets[other] >= 0)
      .map((other) => ({ begin: offsets[other], end: offsets[other] + blocks[other].bytes }))
      .sort((a, b) => a.begin - b.begin);
    offsets[index] = lowestGap(taken, blocks[index].bytes);
    total = Math.max(total, offsets[index] + blocks[index].bytes);
  }
  return { offsets, bytes: total };
}

/** Begin of the first gap between taken ranges (sorted by begin) that holds `bytes`; their end when none does. */
function lowestGap(taken: readonly { begin: number; end: number }[], bytes: number): number {
  let free = 0;
  for (const { begin, end } of taken) {
    if (begin - free >= bytes) {
      return free;
    }
    free = Math.max(free, end);
  }
  return free;
}

function overlap(a: Block, b: Block): boolean {
  return a.begin <= b.end && b.begin <= a.end;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Numbers below a bound, always the same ones: Marsaglia's xorshift32. */
function xorshift(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
