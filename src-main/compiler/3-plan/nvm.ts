/** NVM of the strategies whose tasks are groups of tiles. */
import type { Graph } from '../graph.js';
import { allocate } from './allocate.js';
import type { Buffer } from './lifetimes.js';
import { stateAt, type PlacedBuffer, type Tile } from './tasks.js';

/**
 * NVM for every buffer that some restore reads, from the task that first writes to it to the last that restores it: buffers
 * that meet there get different bytes, so that no SAVE hits what is still needed. A buffer that is spilled anyway is saved
 * where it is spilled.
 *
 * @param buffers in the arena
 */
export function placeInNvm(
  graph: Graph,
  buffers: readonly PlacedBuffer[],
  groups: readonly (readonly Tile[])[],
): { placed: PlacedBuffer[]; nvmBytes: number } {
  const firstGroup = new Map<number, number>();
  groups.forEach((tiles, index) => {
    for (const { operator } of tiles) {
      firstGroup.set(operator, firstGroup.get(operator) ?? index);
    }
  });
  const lastRestore = new Map<Buffer, number>();
  groups.slice(1).forEach((tiles, index) => {
    for (const { buffer } of stateAt(graph, buffers, tiles[0])) {
      lastRestore.set(buffer, index + 1);
    }
  });
  const preserved = buffers.filter((buffer) => buffer.refill === null && lastRestore.has(buffer));
  const own = preserved.filter(({ spills }) => spills.length === 0);
  const nvm = allocate(
    own.map((buffer) => ({
      bytes: buffer.bytes,
      begin: firstGroup.get(buffer.firstOperator) ?? 0,
      end: lastRestore.get(buffer) ?? 0,
    })),
  );
  const offsetOf = new Map(own.map((buffer, index) => [buffer, nvm.offsets[index]]));
  const home = (buffer: PlacedBuffer): number | null => {
    const [spill] = buffer.spills;
    return !preserved.includes(buffer)
      ? null
      : (offsetOf.get(buffer) ?? nvm.bytes + spill.nvmOffset - spill.offset);
  };
  return {
    placed: buffers.map((buffer) => ({ ...buffer, nvmOffset: home(buffer) })),
    nvmBytes: nvm.bytes,
  };
}
