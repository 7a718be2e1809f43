/** SRAM: a place for every buffer and for what the fast kernels work in. */
import type { KernelSet } from '../plan.js';
import { accessOf } from './access.js';
import { allocate, lowerBound, type Block } from './allocate.js';
import type { Execution } from './execution.js';
import type { Buffer } from './lifetimes.js';
import { scratchBytes, type Room } from './scratch.js';

/** A block of the arena with what lives in it. */
export interface ArenaBlock extends Block {
  buffers: Buffer[];
  /** Operators of the execution that use it as scratch. */
  scratchOf: number[];
}

export interface Arena {
  blocks: ArenaBlock[];
  bytes: number;
  /** Largest sum of blocks alive together. */
  lowerBoundBytes: number;
  /** One per buffer. */
  offsets: number[];
  scratch: { operator: number; arenaOffset: number; bytes: number }[];
}

/**
 * Time is counted in operators of the source graph: stripes of one stage take turns in the same bytes. What a stage reads or
 * writes as a whole is there from its beginning to its end.
 *
 * @param fast by operator of the execution: what its fast kernel may take; null: it does not run
 */
export function placeInArena(
  execution: Execution,
  buffers: readonly Buffer[],
  kernels: KernelSet,
  fast: (operator: number) => Room | null = () => 'ample',
): Arena {
  const blocks = [
    ...activationBlocks(execution, buffers),
    ...(kernels === 'fast' ? scratchBlocks(execution, fast) : []),
  ];
  const { offsets, bytes } = allocate(blocks);
  const offsetOf = new Map(
    blocks.flatMap((block, index) => block.buffers.map((buffer) => [buffer, offsets[index]])),
  );
  return {
    blocks,
    bytes,
    lowerBoundBytes: lowerBound(blocks),
    offsets: buffers.map((buffer) => offsetOf.get(buffer) ?? 0),
    scratch: blocks.flatMap((block, index) =>
      block.scratchOf.map((operator) => ({
        operator,
        arenaOffset: offsets[index],
        bytes: block.bytes,
      })),
    ),
  };
}

function activationBlocks(execution: Execution, buffers: readonly Buffer[]): ArenaBlock[] {
  const blockOf = new Map<string, ArenaBlock>();
  const keys = new Map(
    buffers.map((buffer) => [buffer, execution.slots.get(buffer.root) ?? `tensor ${buffer.root}`]),
  );
  for (const buffer of buffers) {
    const key = keys.get(buffer) ?? '';
    const life = lifeOf(execution, buffer);
    const block = blockOf.get(key);
    blockOf.set(
      key,
      block === undefined ? { ...life, buffers: [buffer], scratchOf: [] } : union(block, life, buffer),
    );
  }
  for (const [from, to] of inPlacePairs(execution, buffers, keys)) {
    const [first, second] = [blockOf.get(from), blockOf.get(to)];
    if (first === undefined || second === undefined || first === second) {
      continue;
    }
    const merged = second.buffers.reduce((block, buffer) => union(block, second, buffer), first);
    for (const buffer of merged.buffers) {
      blockOf.set(keys.get(buffer) ?? '', merged);
    }
  }
  return [...new Set(blockOf.values())];
}

function union(a: ArenaBlock, b: Block, buffer: Buffer): ArenaBlock {
  return {
    bytes: Math.max(a.bytes, b.bytes),
    begin: Math.min(a.begin, b.begin),
    end: Math.max(a.end, b.end),
    buffers: [...a.buffers, buffer],
    scratchOf: [],
  };
}

function lifeOf({ calls, slots }: Execution, buffer: Buffer): Block {
  const users = [...buffer.writes, ...buffer.reads].map(({ operator }) => calls[operator]);
  const isStripe = slots.has(buffer.root);
  const begins = users.map(({ source, stageBegin }) => (isStripe ? source : stageBegin));
  const ends = users.map(({ source, stageEnd }) => (isStripe ? source : stageEnd));
  return {
    bytes: buffer.bytes,
    begin: Math.min(...begins, calls.length),
    end: buffer.lastOperator >= calls.length ? Infinity : Math.max(...ends),
  };
}

/** One block per source operator, as large as the largest of its stripes wants it. */
function scratchBlocks({ graph, calls }: Execution, fast: (operator: number) => Room | null): ArenaBlock[] {
  const bySource = new Map<number, ArenaBlock>();
  graph.operators.forEach((operator, index) => {
    const room = fast(index);
    const bytes = room === null ? null : scratchBytes(graph, operator, room);
    if (bytes === null) {
      return;
    }
    const { source } = calls[index];
    const block = bySource.get(source) ?? {
      bytes: 0,
      begin: source,
      end: source,
      buffers: [],
      scratchOf: [],
    };
    block.bytes = Math.max(block.bytes, bytes);
    block.scratchOf.push(index);
    bySource.set(source, block);
  });
  return [...bySource.values()];
}

/**
 * Pairs of blocks of which the second is computed over the first: each of its bytes from the byte that stood there, by the
 * last operator to read that. What a restore needs at any unit in between is both: what is computed, and what is not yet
 * overwritten; they never meet, and neither do their places in NVM. So it makes no difference to what a task that is executed
 * again finds.
 */
function inPlacePairs(
  { graph }: Execution,
  buffers: readonly Buffer[],
  keys: ReadonlyMap<Buffer, string>,
): [string, string][] {
  const readers = new Map<number, { buffer: Buffer; offset: number; bytes: number; index: number }[]>();
  for (const buffer of buffers) {
    for (const { operator, ...read } of buffer.reads) {
      readers.set(operator, [...(readers.get(operator) ?? []), { buffer, ...read }]);
    }
  }
  /** Buffers that all writers of `output` read where they write. */
  const partners = (output: Buffer): Buffer[] => {
    const candidates = output.writes.map(({ operator, offset, bytes }) =>
      (readers.get(operator) ?? [])
        .filter(
          (read) =>
            accessOf(graph, graph.operators[operator], read.index).kind === 'same' &&
            read.offset === offset &&
            read.bytes === bytes,
        )
        .map(({ buffer }) => buffer),
    );
    const writers = new Set(output.writes.map(({ operator }) => operator));
    const first = Math.min(...writers);
    return (candidates.at(0) ?? []).filter(
      (buffer) =>
        buffer !== output &&
        buffer.bytes === output.bytes &&
        buffer.lastOperator < graph.operators.length &&
        candidates.every((each) => each.includes(buffer)) &&
        buffer.reads.every(
          ({ operator, index }) =>
            operator < first ||
            (writers.has(operator) && accessOf(graph, graph.operators[operator], index).kind === 'same'),
        ),
    );
  };
  // Stripes that take turns have one place: what is true for one must be true for all.
  const outputs = new Map<string, Buffer[]>();
  for (const buffer of buffers.filter(({ writes }) => writes.length > 0)) {
    const key = keys.get(buffer) ?? '';
    outputs.set(key, [...(outputs.get(key) ?? []), buffer]);
  }
  return [...outputs].flatMap(([key, members]): [string, string][] => {
    const shared = members
      .map((buffer) => new Set(partners(buffer).map((partner) => keys.get(partner) ?? '')))
      .reduce((a, b) => new Set([...a].filter((each) => b.has(each))));
    const [partner] = shared;
    return partner === undefined ? [] : [[partner, key]];
  });
}
