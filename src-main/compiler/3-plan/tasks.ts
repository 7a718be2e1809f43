/** The tasks of each strategy over buffers that already have their places. */
import type { Graph, Operator } from '../graph.js';
import type { Save, Step, Strategy, Task } from '../plan.js';
import { bufferOf, isLive, type Buffer } from './lifetimes.js';
import { firstRowStillRead, unitsOf, type Units } from './units.js';

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
  const execute = tilesOf(graph, 'restart', undefined).map(executeStep);
  return [
    {
      name: 'whole inference',
      restore: [],
      steps: [...inputSteps(graph, buffers), ...execute, outputStep(graph, buffers)],
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
    const output = bufferOf(buffers, operator.outputs[0]);
    const isLast = index === tiles.length - 1;
    return {
      name: taskName(operator, tile, units),
      restore: index === 0 ? [] : restoreSteps(graph, buffers, tile, units),
      steps: [
        ...(index === 0 ? inputSteps(graph, buffers) : []),
        executeStep(tile),
        ...(isLast ? [outputStep(graph, buffers)] : []),
      ],
      save: isLast ? [] : rangeStep('SAVE', output, tile.unitBegin * units.bytes, tile.unitEnd * units.bytes),
      commit: { when: 'always' },
    };
  });
}

function taskName(operator: Operator, tile: Tile, units: Units): string {
  const whole = tile.unitBegin === 0 && tile.unitEnd === units.count;
  return whole ? operator.name : `${operator.name} ${units.label} ${tile.unitBegin}..${tile.unitEnd - 1}`;
}

function restoreSteps(graph: Graph, buffers: readonly PlacedBuffer[], tile: Tile, units: Units): Step[] {
  return stateAt(graph, buffers, tile, units).flatMap(({ buffer, begin, end }): Step[] =>
    buffer.firstOperator === -1 ? inputSteps(graph, [buffer]) : rangeStep('LOAD', buffer, begin, end),
  );
}

/** Bytes begin .. end - 1 of a buffer. */
export interface BufferRange<B extends Buffer> {
  buffer: B;
  begin: number;
  end: number;
}

/** What the rest of an inference from `tile` on still reads of what was there before: in the order of the buffers. */
export function stateAt<B extends Buffer>(
  graph: Graph,
  buffers: readonly B[],
  tile: Pick<Tile, 'operator' | 'unitBegin'>,
  units: Units,
): BufferRange<B>[] {
  const operator = graph.operators[tile.operator];
  return buffers
    .filter((buffer) => isLive(buffer, tile.operator))
    .map((buffer) => {
      if (buffer.firstOperator === tile.operator) {
        return { buffer, begin: 0, end: tile.unitBegin * units.bytes };
      }
      const begin = buffer.firstOperator === -1 ? 0 : firstByteStillRead(graph, operator, buffer, tile);
      return { buffer, begin, end: buffer.bytes };
    })
    .filter(({ begin, end }) => begin < end);
}

/** Rows above the window of the rest of the last operator that reads a buffer are not loaded again. */
function firstByteStillRead(
  graph: Graph,
  operator: Operator,
  buffer: Buffer,
  tile: Pick<Tile, 'operator' | 'unitBegin'>,
): number {
  if (buffer.lastOperator !== tile.operator) {
    return 0;
  }
  const rows = firstRowStillRead(graph, operator, tile.unitBegin);
  return rows === null ? 0 : rows.row * rows.rowBytes;
}

export function executeStep(tile: Tile): Step {
  return { kind: 'EXECUTE', ...tile };
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

export function inputSteps(graph: Graph, buffers: readonly PlacedBuffer[]): Step[] {
  return buffers
    .filter((buffer) => graph.inputs.includes(buffer.root))
    .map(({ arenaOffset, bytes }) => ({ kind: 'INPUT', arenaOffset, bytes }));
}

export function outputStep(graph: Graph, buffers: readonly PlacedBuffer[]): Step {
  const { arenaOffset, bytes } = bufferOf(buffers, graph.outputs[0]);
  return { kind: 'OUTPUT', arenaOffset, bytes };
}
