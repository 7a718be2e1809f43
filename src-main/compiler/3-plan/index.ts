/** Phase 3: a quantized graph to a plan: memory, tasks, what each preserves and restores. */
import { InputError } from '../../common/errors.js';
import { elementCount, type Graph } from '../graph.js';
import { operatorMacs } from '../inspect.js';
import type { KernelSet, Placement, Plan, Scratch, Step, Strategy } from '../plan.js';
import { bytesAt } from './allocate.js';
import { checkNvm } from './check.js';
import type { CostModel, PlanningPower } from './cost.js';
import type { Call, Execution } from './execution.js';
import { bufferOf, findBuffers } from './lifetimes.js';
import { planMemory } from './memory.js';
import { placeInNvm } from './nvm.js';
import { adaptiveTasks, plannedTasks, type PoweredTasks } from './powered.js';
import { taskPerGroup, tilesOf, wholeInference, type PlacedBuffer, type Tile } from './tasks.js';

export type { CostModel, OperatorCost, PlanningPower } from './cost.js';
export { explainPlan, type ExplainedTask } from './explain.js';
export { printPlan } from './print.js';
export { timelineOf, type TimedTask, type Timeline } from './timeline.js';

export interface PlanOptions {
  strategy: Strategy;
  kernels: KernelSet;
  /** SRAM for activations. */
  sramBytes: number;
  /** What the board could give at most, for remedies; left out: any amount. */
  boardSramBytes?: number;
  /** Of the board, to tell the cheapest way into little SRAM; left out: those of `power`, or typical ones. */
  costs?: CostModel;
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
  const { kernels, strategy } = options;
  const { execution, buffers, arena, tiling, lowerBoundBytes } = planMemory(graph, {
    ...options,
    costs: options.costs ?? options.power?.costs,
  });
  const placed = buffers.map((buffer, index) => ({
    ...buffer,
    arenaOffset: arena.offsets[index],
    nvmOffset: null,
  }));
  const { tasks, nvmBytes, bankBytes, rest } = withSpills(
    tasksOf(execution, placed, arena.scratch, options),
    execution.spilledBytes,
  );
  requireNvm(graph, nvmBytes, execution.spilledBytes, options.nvmBytes);
  const result: Plan = {
    strategy,
    kernels,
    model: graph,
    graph: execution.graph,
    placements: placed.flatMap(({ tensors, arenaOffset, bytes }) =>
      tensors.map((tensor) => placementOf(execution, tensor, arenaOffset, bytes)),
    ),
    scratch: arena.scratch,
    arenaBytes: arena.bytes,
    memory: {
      lowerBoundBytes,
      operatorBytes: graph.operators.map((_, index) => bytesAt(arena.blocks, index)),
    },
    tiling,
    nvmBytes,
    commits: strategy === 'loop' ? 'light' : 'record',
    bankBytes,
    rest,
    tasks,
    macs: graph.operators.reduce((sum, operator) => sum + operatorMacs(graph, operator), 0),
  };
  checkNvm(result);
  return result;
}

function placementOf(
  { graph, views }: Execution,
  tensor: number,
  arenaOffset: number,
  bytes: number,
): Placement {
  const view = views.get(tensor);
  return view === undefined
    ? { tensor, arenaOffset, bytes }
    : {
        tensor,
        arenaOffset: arenaOffset + view.offset,
        bytes: elementCount(graph.tensors[tensor].shape),
      };
}

function tasksOf(
  execution: Execution,
  placed: readonly PlacedBuffer[],
  scratch: readonly Scratch[],
  { strategy, kernels, power, tileUnits }: PlanOptions,
): PoweredTasks {
  const { graph, calls } = execution;
  const tiles = tilesOf(graph, strategy, tileUnits);
  const isPowered = strategy === 'planned' || strategy === 'adaptive';
  // A graph of nothing but reshapes has no tiles; passing its input on is one task, whatever the strategy.
  if (tiles.length === 0 || strategy === 'restart' || (isPowered && !power)) {
    return { tasks: wholeInference(graph, placed), nvmBytes: 0, bankBytes: 0, rest: null };
  }
  if (isPowered && power) {
    const tasksFor = strategy === 'planned' ? plannedTasks : adaptiveTasks;
    return tasksFor(graph, kernels, scratch, placed, power);
  }
  const groups = strategy === 'layer' ? groupsOf(calls, tiles) : tiles.map((tile) => [tile]);
  const { placed: preserved, nvmBytes } = placeInNvm(graph, placed, groups);
  return { tasks: taskPerGroup(graph, preserved, groups), nvmBytes, bankBytes: 0, rest: null };
}

/** The tiles of each stage together. */
function groupsOf(calls: readonly Call[], tiles: readonly Tile[]): Tile[][] {
  const groups = new Map<number, Tile[]>();
  for (const tile of tiles) {
    const { stageBegin } = calls[tile.operator];
    groups.set(stageBegin, [...(groups.get(stageBegin) ?? []), tile]);
  }
  return [...groups.values()];
}

/** Puts what is spilled behind everything that commits write. */
function withSpills({ tasks, nvmBytes, bankBytes, rest }: PoweredTasks, spilledBytes: number): PoweredTasks {
  const moved = (step: Step): Step =>
    step.kind === 'FETCH' || step.kind === 'SPILL' ? { ...step, nvmOffset: step.nvmOffset + nvmBytes } : step;
  return {
    tasks: tasks.map((task) => ({
      ...task,
      restore: task.restore.map(moved),
      steps: task.steps.map(moved),
    })),
    nvmBytes: nvmBytes + spilledBytes,
    bankBytes,
    rest,
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

function requireNvm(graph: Graph, needed: number, spilledBytes: number, nvmBytes: number): void {
  if (NVM_CONTROL_BYTES + needed > nvmBytes) {
    throw new InputError({
      code: 'nvm-too-large',
      place: graph.name,
      message:
        `the plan preserves ${needed} bytes in NVM, on top of ${NVM_CONTROL_BYTES} for records and results, ` +
        `and the board has ${nvmBytes}`,
      remedy:
        spilledBytes > 0
          ? `Allow more SRAM (--sram): ${spilledBytes} bytes of these are tensors that it has no room for`
          : 'Use a board with more NVM, or strategy restart, which preserves nothing',
    });
  }
}
