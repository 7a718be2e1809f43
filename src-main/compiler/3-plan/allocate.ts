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

const ORDERS: readonly Order[] = [
  (a, b) => b.bytes - a.bytes || a.begin - b.begin,
  (a, b) => a.begin - b.begin || b.bytes - a.bytes,
  (a, b) => b.end - b.begin - (a.end - a.begin) || b.bytes - a.bytes,
];

/**
 * Greedy best fit in a few orders (largest first, oldest first, longest-lived first); the smallest result wins, the first
 * of equals, so that the outcome depends on nothing but the blocks. Finding the true minimum is NP-hard; on the models
 * of MLPerf Tiny this reaches the lower bound, the largest sum of blocks alive together.
 */
export function allocate(blocks: readonly Block[]): Allocation {
  const candidates = ORDERS.map((order) => allocateInOrder(blocks, order));
  return candidates.reduce((best, candidate) => (candidate.bytes < best.bytes ? candidate : best));
}

function allocateInOrder(blocks: readonly Block[], order: Order): Allocation {
  const offsets = new Array<number>(blocks.length).fill(0);
  const sequence = blocks.map((_, index) => index).sort((a, b) => order(blocks[a], blocks[b]) || a - b);
  const placed: number[] = [];
  let total = 0;
  for (const index of sequence) {
    const block = blocks[index];
    const neighbours = placed
      .filter((other) => overlap(blocks[other], block))
      .map((other) => ({ begin: offsets[other], end: offsets[other] + aligned(blocks[other].bytes) }))
      .sort((a, b) => a.begin - b.begin);
    offsets[index] = bestGap(neighbours, aligned(block.bytes));
    placed.push(index);
    total = Math.max(total, offsets[index] + aligned(block.bytes));
  }
  return { offsets, bytes: total };
}

/** Begin of the tightest gap between taken ranges (sorted by begin) that holds `bytes`; their end when none does. */
function bestGap(taken: readonly { begin: number; end: number }[], bytes: number): number {
  let best = -1;
  let bestSize = Infinity;
  let free = 0;
  for (const range of taken) {
    const size = range.begin - free;
    if (size >= bytes && size < bestSize) {
      best = free;
      bestSize = size;
    }
    free = Math.max(free, range.end);
  }
  return best >= 0 ? best : free;
}

function overlap(a: Block, b: Block): boolean {
  return a.begin <= b.end && b.begin <= a.end;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
