/** The tasks of each strategy over buffers that already have their places. */
import type { Graph, Operator } from '../graph.js';
import type { Save, Step, Strategy, Task } from '../plan.js';
import { bufferOf, isLive, type Buffer } from './lifetimes.js';
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
        ...tileSteps(buffers, tiles),
        outputStep(graph, buffers),
      ],
      save: [],
      commit: { when: 'always' },
    },
  ];
}

/**
 * One task per tile. Each saves the bytes that it computed, except the last, which writes the result; each restore loads
 * whatever of earlier work the rest of the inference still reads.
 */
export function taskPerTile(graph: Graph, buffers: readonly PlacedBuffer[], tiles: readonly Tile[]): Task[] {
  return tiles.map((tile, index) => {
    const operator = graph.operators[tile.operator];
    const units = unitsOf(graph, operator);
    const isLast = index === tiles.length - 1;
    return {
      name: taskName(operator, tile, units),
      restore: index === 0 ? [] : restoreSteps(graph, buffers, tile),
      steps: [...tileSteps(buffers, [tile]), ...(isLast ? [outputStep(graph, buffers)] : [])],
      save: isLast
        ? []
        : writtenBy(graph, buffers, tile).flatMap(({ buffer, begin, end }) =>
            rangeStep('SAVE', buffer, begin, end),
          ),
      commit: { when: 'always' },
    };
  });
}

function taskName(operator: Operator, tile: Tile, units: Units): string {
  const whole = tile.unitBegin === 0 && tile.unitEnd === units.count;
  return whole ? operator.name : `${operator.name} ${units.label} ${tile.unitBegin}..${tile.unitEnd - 1}`;
}

function restoreSteps(graph: Graph, buffers: readonly PlacedBuffer[], tile: Tile): Step[] {
  const state = stateAt(graph, buffers, tile);
  return [
    ...refillSteps(state.map(({ buffer }) => buffer)),
    ...state
      .filter(({ buffer }) => buffer.refill === null)
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

/** Rows above the windows of all that still reads a buffer are not loaded again. */
function firstByteStillRead(
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
export function tileSteps(buffers: readonly PlacedBuffer[], tiles: readonly Tile[]): Step[] {
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
  ]);
}

/** Fills those of the buffers whose content need not be computed. */
export function refillSteps(buffers: readonly PlacedBuffer[]): Step[] {
  return buffers.flatMap(({ refill, arenaOffset, bytes }): Step[] =>
    refill === null ? [] : [{ kind: 'INPUT', arenaOffset, bytes }],
  );
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
