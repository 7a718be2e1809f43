/** Phase 3: a quantized graph to a plan: memory, tasks, what each preserves and restores. */
import { InputError } from '../../common/errors.js';
import { operatorMacs } from '../inspect.js';
import type { Graph } from '../graph.js';
import type { KernelSet, Plan, Strategy } from '../plan.js';
import { allocate, bytesAt } from './allocate.js';
import { placeInArena } from './arena.js';
import { checkNvm } from './check.js';
import type { PlanningPower } from './cost.js';
import { wholeExecution } from './execution.js';
import { bufferOf, findBuffers, isLive, type Buffer } from './lifetimes.js';
import { adaptiveTasks, plannedTasks, type PoweredTasks } from './powered.js';
import { taskPerTile, tilesOf, wholeInference, type PlacedBuffer, type Tile } from './tasks.js';

export type { CostModel, OperatorCost, PlanningPower } from './cost.js';
export { printPlan } from './print.js';
export { timelineOf, type TimedTask, type Timeline } from './timeline.js';

export interface PlanOptions {
  strategy: Strategy;
  kernels: KernelSet;
  /** SRAM of the board for activations. */
  sramBytes: number;
  /** Whole NVM of the board, records and results included. */
  nvmBytes: number;
  /** Units per tile of strategy `tile`, for every operator; default: about 1 KB of output or 20,000 MACs. */
  tileUnits?: number;
  /** What strategies `planned` and `adaptive` plan for; null or left out: power that never fails. */
  power?: PlanningPower | null;
}

/** NVM before the preserved activations, and the size of a result slot: firmware/SPEC.md, section 2. */
export const NVM_CONTROL_BYTES = 0x1000;
export const RESULT_CAPACITY = 1024;

/**
 * Plans one inference.
 *
 * @param graph lowered, int8, one input and one output
 * @throws InputError `graph-not-plannable`, `tile-units`, `output-too-large`, `arena-too-large` or `nvm-too-large`
 */
export function plan(graph: Graph, options: PlanOptions): Plan {
  requirePlannable(graph, options);
  const execution = wholeExecution(graph);
  const buffers = findBuffers(execution);
  const tiles = tilesOf(graph, options.strategy, options.tileUnits);
  const roomy = placeInArena(execution, buffers, options.kernels);
  // Without room for what they need, the fast kernels do not run.
  const arena =
    roomy.bytes > options.sramBytes ? placeInArena(execution, buffers, options.kernels, () => false) : roomy;
  const { scratch } = arena;
  requireArena(graph, buffers, arena.bytes, options.sramBytes);
  // A graph of nothing but reshapes has no tiles; passing its input on is one task, whatever the strategy.
  const whole =
    tiles.length === 0 ||
    options.strategy === 'restart' ||
    (isPowered(options.strategy) && !(options.power ?? null));
  const { tasks, nvmBytes, bankBytes } = whole
    ? { tasks: wholeInference(graph, place(buffers, arena.offsets)), nvmBytes: 0, bankBytes: 0 }
    : tasksOf(graph, buffers, arena.offsets, tiles, {
        ...options,
        // Without room for what they need, the fast kernels do not run.
        kernels: scratch.length > 0 ? options.kernels : 'reference',
      });
  requireNvm(graph, nvmBytes, options.nvmBytes);
  const result: Plan = {
    strategy: options.strategy,
    kernels: options.kernels,
    graph,
    placements: buffers.flatMap(({ tensors, bytes }, index) =>
      tensors.map((tensor) => ({ tensor, arenaOffset: arena.offsets[index], bytes })),
    ),
    scratch,
    arenaBytes: arena.bytes,
    memory: {
      lowerBoundBytes: arena.lowerBoundBytes,
      operatorBytes: graph.operators.map((_, index) => bytesAt(arena.blocks, index)),
    },
    nvmBytes,
    commits: options.strategy === 'loop' ? 'light' : 'record',
    bankBytes,
    tasks,
    macs: graph.operators.reduce((sum, operator) => sum + operatorMacs(graph, operator), 0),
  };
  checkNvm(result);
  return result;
}

function isPowered(strategy: Strategy): boolean {
  return strategy === 'planned' || strategy === 'adaptive';
}

function tasksOf(
  graph: Graph,
  buffers: readonly Buffer[],
  arenaOffsets: readonly number[],
  tiles: readonly Tile[],
  { strategy, kernels, power }: PlanOptions,
): PoweredTasks {
  if (isPowered(strategy) && power) {
    const tasksFor = strategy === 'planned' ? plannedTasks : adaptiveTasks;
    return tasksFor(graph, kernels, buffers, arenaOffsets, power);
  }
  const { placed, nvmBytes } = placeInNvm(buffers, arenaOffsets, tiles);
  return { tasks: taskPerTile(graph, placed, tiles), nvmBytes, bankBytes: 0 };
}

/** In the arena only. */
function place(buffers: readonly Buffer[], arenaOffsets: readonly number[]): PlacedBuffer[] {
  return buffers.map((buffer, index) => ({ ...buffer, arenaOffset: arenaOffsets[index], nvmOffset: null }));
}

/**
 * NVM for every buffer that some restore reads. A buffer is written by the tasks of its first operator and read by
 * restores up to its last; buffers that meet there get different bytes, so that no SAVE hits what is still needed.
 */
function placeInNvm(
  buffers: readonly Buffer[],
  arenaOffsets: readonly number[],
  tiles: readonly Tile[],
): { placed: PlacedBuffer[]; nvmBytes: number } {
  const isPreserved = (buffer: Buffer): boolean => {
    const readers = tiles.filter(({ operator, unitBegin }) =>
      operator === buffer.firstOperator ? unitBegin > 0 : isLive(buffer, operator),
    );
    return buffer.refill === null && readers.length > 0;
  };
  const preserved = buffers.filter(isPreserved);
  const nvm = allocate(
    preserved.map(({ bytes, firstOperator, lastOperator }) => ({
      bytes,
      begin: firstOperator,
      end: lastOperator,
    })),
  );
  const offsetOf = new Map(preserved.map((buffer, index) => [buffer, nvm.offsets[index]]));
  return {
    placed: buffers.map((buffer, index) => ({
      ...buffer,
      arenaOffset: arenaOffsets[index],
      nvmOffset: offsetOf.get(buffer) ?? null,
    })),
    nvmBytes: nvm.bytes,
  };
}

function requirePlannable(graph: Graph, options: PlanOptions): void {
  const buffers = findBuffers(graph);
  const activations = buffers.map(({ root }) => graph.tensors[root]);
  const float = activations.find(({ type }) => type !== 'int8');
  if (graph.inputs.length !== 1 || graph.outputs.length !== 1 || float !== undefined) {
    throw new InputError({
      code: 'graph-not-plannable',
      place: graph.name,
      message:
        float === undefined
          ? `has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs`
          : `tensor "${float.name}" is ${float.type}, not int8`,
      remedy: 'Use a model with one input and one output, and quantize it to int8',
    });
  }
  if (options.tileUnits !== undefined && !(Number.isInteger(options.tileUnits) && options.tileUnits >= 1)) {
    throw new InputError({
      code: 'tile-units',
      place: graph.name,
      message: `a tile of ${options.tileUnits} units is not possible`,
      remedy: 'Give a whole number of at least 1',
    });
  }
  const output = bufferOf(buffers, graph.outputs[0]);
  if (output.bytes > RESULT_CAPACITY) {
    throw new InputError({
      code: 'output-too-large',
      place: graph.name,
      message: `the output has ${output.bytes} bytes; a board keeps results of up to ${RESULT_CAPACITY}`,
      remedy: 'Cut the model earlier or reduce its output',
    });
  }
}

function requireArena(graph: Graph, buffers: readonly Buffer[], needed: number, sramBytes: number): void {
  if (needed <= sramBytes) {
    return;
  }
  const workingSets = graph.operators.map((operator, index) => ({
    operator,
    bytes: buffers.filter((buffer) => isLive(buffer, index)).reduce((sum, buffer) => sum + buffer.bytes, 0),
  }));
  const largest = workingSets.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const { kind, name } = largest.operator;
  throw new InputError({
    code: 'arena-too-large',
    place: graph.name,
    message:
      `activations need ${needed} bytes of SRAM and the board has ${sramBytes} for them; ` +
      `the largest working set, ${largest.bytes} bytes, is that of ${kind} "${name}"`,
    remedy: `Allow at least ${needed} bytes (--sram, where the board has them), or use a model with a smaller input or fewer channels around "${name}"`,
  });
}

function requireNvm(graph: Graph, needed: number, nvmBytes: number): void {
  if (NVM_CONTROL_BYTES + needed > nvmBytes) {
    throw new InputError({
      code: 'nvm-too-large',
      place: graph.name,
      message:
        `the plan preserves ${needed} bytes in NVM, on top of ${NVM_CONTROL_BYTES} for records and results, ` +
        `and the board has ${nvmBytes}`,
      remedy: 'Use a board with more NVM, or strategy restart, which preserves nothing',
    });
  }
}
