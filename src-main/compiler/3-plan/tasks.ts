/** The tasks of each strategy over buffers that already have their places. */
import type { Graph, Operator } from '../graph.js';
import type { Save, Step, Strategy, Task } from '../plan.js';
import { bufferOf, isLive, type Buffer } from './lifetimes.js';
import { partName } from './stage.js';
import { firstByteRead, unitsOf, type Units } from './units.js';

/** A buffer in SRAM, and in NVM if the strategy preserves it. */
export interface PlacedBuffer extends Buffer {
  arenaOffset: number;
  /** null: never preserved. */
  nvmOffset: number | null;
}

/** A tile is at most this large, but at least one unit: about what HAWAII preserves at a time. */
const TILE_BYTES = 1024;
const TILE_WORK = 20_000;

/** A range of units of one operator that is one task. */
export interface Tile {
  operator: number;
  unitBegin: number;
  unitEnd: number;
}

/**
 * The tiles that become tasks, in execution order.
 *
 * @param tileUnits units per tile of every operator, instead of the strategy's own choice
 */
export function tilesOf(graph: Graph, strategy: Strategy, tileUnits: number | undefined): Tile[] {
  const tiles: Tile[] = [];
  graph.operators.forEach((operator, index) => {
    if (operator.kind === 'RESHAPE') {
      return;
    }
    const units = unitsOf(graph, operator);
    const perTile = unitsPerTask(strategy, units, tileUnits);
    for (let begin = 0; begin < units.count; begin += perTile) {
      tiles.push({
        operator: index,
        unitBegin: begin,
        unitEnd: Math.min(begin + perTile, units.count),
      });
    }
  });
  return tiles;
}

function unitsPerTask(strategy: Strategy, units: Units, tileUnits: number | undefined): number {
  switch (strategy) {
    case 'loop':
      return 1;
    case 'tile':
      return tileUnits ?? unitsPerTile(units);
    default:
      return units.count;
  }
}

function unitsPerTile(units: Units): number {
  const byBytes = Math.floor(TILE_BYTES / units.bytes);
  const byWork = Math.floor(TILE_WORK / Math.max(units.work, 1));
  return Math.max(1, Math.min(byBytes, byWork));
}

/** One task for the whole inference. */
export function wholeInference(graph: Graph, buffers: readonly PlacedBuffer[]): Task[] {
  const tiles = tilesOf(graph, 'restart', undefined);
  const output = bufferOf(buffers, graph.outputs[0]);
  return [
    {
      name: 'whole inference',
      restore: [],
      steps: [
        // Where nothing is executed, the input is passed on.
        ...(tiles.length === 0 ? refillSteps([output]) : []),
        ...tileSteps(graph, buffers, tiles),
        outputStep(graph, buffers),
      ],
      save: [],
      commit: { when: 'always' },
    },
  ];
}

/**
 * One task per group of consecutive tiles. Each saves the bytes that it computed and others read, except the last, which
 * writes the result; each restore loads whatever of earlier work the rest of the inference still reads.
 */
export function taskPerGroup(
  graph: Graph,
  buffers: readonly PlacedBuffer[],
  groups: readonly (readonly Tile[])[],
): Task[] {
  return groups.map((tiles, index) => {
    const next = groups.at(index + 1)?.[0];
    const needed = next === undefined ? [] : stateAt(graph, buffers, next).map(({ buffer }) => buffer);
    return {
      name: groupName(graph, tiles),
      restore: index === 0 ? [] : restoreSteps(graph, buffers, tiles[0]),
      steps: [
        ...tileSteps(graph, buffers, tiles),
        ...(next === undefined ? [outputStep(graph, buffers)] : []),
      ],
      save: joined(
        tiles
          .flatMap((tile) => writtenBy(graph, buffers, tile))
          // What is saved where it is to be spilled must be there whole, also when nothing in SRAM is read any more.
          .filter(({ buffer }) => needed.includes(buffer) || buffer.spills.length > 0),
      ).flatMap(({ buffer, begin, end }) => rangeStep('SAVE', buffer, begin, end)),
      commit: { when: 'always' },
    };
  });
}

/** Ranges of the same buffer that follow each other as one. */
function joined<B extends Buffer>(ranges: readonly BufferRange<B>[]): BufferRange<B>[] {
  const result: BufferRange<B>[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.buffer === range.buffer && last.end === range.begin) {
      last.end = range.end;
    } else {
      result.push({ ...range });
    }
  }
  return result;
}

function groupName(graph: Graph, tiles: readonly Tile[]): string {
  const names = [tiles[0], tiles[tiles.length - 1]].map((tile) => {
    const operator = graph.operators[tile.operator];
    return taskName(operator, tile, unitsOf(graph, operator));
  });
  return tiles.length === 1 ? names[0] : names.join(' to ');
}

function taskName(operator: Operator, tile: Tile, units: Units): string {
  return partName(operator, units.label, units.count, { begin: tile.unitBegin, end: tile.unitEnd });
}

function restoreSteps(graph: Graph, buffers: readonly PlacedBuffer[], tile: Tile): Step[] {
  const state = stateAt(graph, buffers, tile);
  return [
    ...refillSteps(state.map(({ buffer }) => buffer)),
    ...state
      .filter(({ buffer }) => buffer.refill === null)
      // What is only to be spilled is where it is spilled to already, as far as it was saved.
      .map(({ buffer, begin, end }) => ({
        buffer,
        begin: Math.max(begin, firstByteComputedWith(graph, buffer, tile)),
        end,
      }))
      .flatMap(({ buffer, begin, end }) => rangeStep('LOAD', buffer, begin, end)),
  ];
}

/** Bytes begin .. end - 1 of a buffer. */
export interface BufferRange<B extends Buffer> {
  buffer: B;
  begin: number;
  end: number;
}

/**
 * What the rest of an inference from the first unit of `tile` on still reads of what was there before: in the order of the
 * buffers. Of a buffer with a refill it is always all.
 */
export function stateAt<B extends Buffer>(
  graph: Graph,
  buffers: readonly B[],
  tile: Pick<Tile, 'operator' | 'unitBegin'>,
): BufferRange<B>[] {
  return buffers
    .filter((buffer) => isLive(buffer, tile.operator))
    .map((buffer) => {
      if (buffer.refill !== null) {
        const isThere = buffer.firstOperator < tile.operator || tile.unitBegin > 0;
        return { buffer, begin: 0, end: isThere ? buffer.bytes : 0 };
      }
      return {
        buffer,
        begin: firstByteStillRead(graph, buffer, tile),
        end: bytesWritten(graph, buffer, tile),
      };
    })
    .filter(({ begin, end }) => begin < end);
}

/** Rows above the windows of all that still reads a buffer, or spills it, are not loaded again. */
function firstByteStillRead(
  graph: Graph,
  buffer: Buffer,
  tile: Pick<Tile, 'operator' | 'unitBegin'>,
): number {
  const spilled = buffer.spills
    .filter(({ operator }) => operator >= tile.operator)
    .map(({ offset }) => offset);
  return Math.min(firstByteComputedWith(graph, buffer, tile), ...spilled);
}

function firstByteComputedWith(
  graph: Graph,
  buffer: Buffer,
  tile: Pick<Tile, 'operator' | 'unitBegin'>,
): number {
  if (buffer.lastOperator >= graph.operators.length) {
    return 0;
  }
  return buffer.reads
    .filter(({ operator }) => operator >= tile.operator)
    .reduce((first, { operator, offset, index }) => {
      const unit = operator === tile.operator ? tile.unitBegin : 0;
      return Math.min(first, offset + firstByteRead(graph, graph.operators[operator], index, unit));
    }, buffer.bytes);
}

function bytesWritten(graph: Graph, buffer: Buffer, tile: Pick<Tile, 'operator' | 'unitBegin'>): number {
  return buffer.writes
    .filter(({ operator }) => operator <= tile.operator)
    .reduce((end, { operator, offset, bytes }) => {
      const written =
        operator === tile.operator ? tile.unitBegin * unitsOf(graph, graph.operators[operator]).bytes : bytes;
      return written > 0 ? Math.max(end, offset + written) : end;
    }, 0);
}

/** What units of an operator write. */
export function writtenBy<B extends Buffer>(
  graph: Graph,
  buffers: readonly B[],
  { operator, unitBegin, unitEnd }: Tile,
): BufferRange<B>[] {
  const buffer = bufferOf(buffers, graph.operators[operator].outputs[0]);
  const unitBytes = unitsOf(graph, graph.operators[operator]).bytes;
  return buffer.writes
    .filter((write) => write.operator === operator)
    .map(({ offset }) => ({
      buffer,
      begin: offset + unitBegin * unitBytes,
      end: offset + unitEnd * unitBytes,
    }));
}

/** The work of consecutive tiles: neighbours of one operator are executed together; what they are filled from comes before. */
export function tileSteps(graph: Graph, buffers: readonly PlacedBuffer[], tiles: readonly Tile[]): Step[] {
  const merged: Tile[] = [];
  for (const tile of tiles) {
    const last = merged.at(-1);
    if (last?.operator === tile.operator && last.unitEnd === tile.unitBegin) {
      merged[merged.length - 1] = { ...last, unitEnd: tile.unitEnd };
    } else {
      merged.push(tile);
    }
  }
  return merged.flatMap((tile): Step[] => [
    ...(tile.unitBegin === 0
      ? refillSteps(buffers.filter(({ firstOperator }) => firstOperator === tile.operator))
      : []),
    { kind: 'EXECUTE', operator: tile.operator, unitBegin: tile.unitBegin, unitEnd: tile.unitEnd },
    ...(tile.unitEnd === unitsOf(graph, graph.operators[tile.operator]).count
      ? spillSteps(buffers, tile.operator)
      : []),
  ]);
}

/** What an operator leaves in NVM for later ones; nothing where the commits of the plan save it at the same place. */
function spillSteps(buffers: readonly PlacedBuffer[], operator: number): Step[] {
  return buffers
    .filter(({ nvmOffset }) => nvmOffset === null)
    .flatMap(({ spills, arenaOffset }) =>
      spills
        .filter((spill) => spill.operator === operator)
        .map(({ offset, bytes, nvmOffset }): Step => ({
          kind: 'SPILL',
          arenaOffset: arenaOffset + offset,
          nvmOffset,
          bytes,
        })),
    );
}

/** Fills those of the buffers whose content need not be computed. */
export function refillSteps(buffers: readonly PlacedBuffer[]): Step[] {
  return buffers.flatMap(({ refill, arenaOffset, bytes }): Step[] => {
    if (refill === null) {
      return [];
    }
    const { offset, nvmOffset } = refill;
    return [
      nvmOffset === null
        ? { kind: 'INPUT', arenaOffset, sampleOffset: offset, bytes }
        : { kind: 'FETCH', arenaOffset, nvmOffset, bytes },
    ];
  });
}

/** LOAD or SAVE of the bytes begin .. end - 1 of a preserved buffer; nothing for an empty range or a buffer that is not. */
function rangeStep<K extends 'LOAD' | 'SAVE'>(
  kind: K,
  buffer: PlacedBuffer,
  begin: number,
  end: number,
): (Omit<Save, 'kind'> & { kind: K })[] {
  return buffer.nvmOffset === null || begin >= end
    ? []
    : [
        {
          kind,
          arenaOffset: buffer.arenaOffset + begin,
          nvmOffset: buffer.nvmOffset + begin,
          bytes: end - begin,
        },
      ];
}

export function outputStep(graph: Graph, buffers: readonly PlacedBuffer[]): Step {
  const { arenaOffset, bytes } = bufferOf(buffers, graph.outputs[0]);
  return { kind: 'OUTPUT', arenaOffset, bytes };
}
