/** SRAM: whole tensors where they fit, else stripes and NVM; and what to do where even that does not. */
import { InputError } from '../../common/errors.js';
import { operatorMacs } from '../inspect.js';
import type { Graph } from '../graph.js';
import type { KernelSet, Tiling } from '../plan.js';
import { bytesAt } from './allocate.js';
import { placeInArena, type Arena } from './arena.js';
import type { CostModel } from './cost.js';
import { wholeExecution, type Execution } from './execution.js';
import { fit, type StageDecision, type TooLarge } from './fit.js';
import { bufferOf, findBuffers, type Buffer } from './lifetimes.js';
import { scratchBytes, type Room } from './scratch.js';
import { createSource } from './stage.js';
import { stageCosts, type StageCosts } from './stage-cost.js';
import { tiledExecution } from './tile.js';

/** An execution with a place in SRAM for everything. */
export interface MemoryPlan {
  execution: Execution;
  buffers: Buffer[];
  arena: Arena;
  tiling: Tiling | null;
  /** Of whole tensors, each in SRAM while it is needed: no arena without tiling is smaller. */
  lowerBoundBytes: number;
}

export interface MemoryOptions {
  kernels: KernelSet;
  /** That may be used. */
  sramBytes: number;
  /** That the board has, for remedies. */
  boardSramBytes?: number;
  /** Of the board; left out: typical ones. */
  costs?: CostModel | undefined;
}

/** Placements that are a little too large are tried again with stages for a little less. */
const MOST_ATTEMPTS = 16;
/** Of an SRAM size that an error recommends. */
const RECOMMENDED_STEP_BYTES = 64;

/**
 * @param graph lowered, int8
 * @throws InputError `arena-too-large`
 */
export function planMemory(graph: Graph, options: MemoryOptions): MemoryPlan {
  const { kernels, sramBytes } = options;
  const ample = wholeMemory(graph, kernels, 'ample');
  if (ample.arena.bytes <= sramBytes) {
    return ample;
  }
  // Before tensors are cut, the fastest kernels give way to those that need less room.
  const whole = wholeMemory(graph, kernels, 'scarce');
  if (whole.arena.bytes <= sramBytes) {
    return { ...whole, arena: withAmpleRoom(whole, kernels, sramBytes, () => 'scarce') };
  }
  const costs = stageCosts(graph, options.costs ?? null);
  const tiled = tileMemory(graph, kernels, sramBytes, whole.lowerBoundBytes, costs);
  if ('arena' in tiled) {
    return tiled;
  }
  throw arenaTooLarge(graph, options, whole, tiled, costs);
}

function wholeMemory(graph: Graph, kernels: KernelSet, room: Room): MemoryPlan {
  const execution = wholeExecution(graph);
  const buffers = findBuffers(execution);
  const arena = placeInArena(execution, buffers, kernels, () => room);
  return { execution, buffers, arena, tiling: null, lowerBoundBytes: arena.lowerBoundBytes };
}

/** The same arena with the fastest kernels where there is room for what they need, as long as the whole stays within SRAM. */
function withAmpleRoom(
  { execution, buffers, arena }: Pick<MemoryPlan, 'execution' | 'buffers' | 'arena'>,
  kernels: KernelSet,
  sramBytes: number,
  roomOf: (operator: number) => Room | null,
): Arena {
  const { graph, calls } = execution;
  const needs = graph.operators.map((operator) => scratchBytes(graph, operator, 'ample') ?? 0);
  const takes = new Map(arena.scratch.map(({ operator, bytes }) => [operator, bytes]));
  const isRoomy = (operator: number): boolean =>
    bytesAt(arena.blocks, calls[operator].source) - (takes.get(operator) ?? 0) + needs[operator] <= sramBytes;
  const better = placeInArena(execution, buffers, kernels, (operator) =>
    roomOf(operator) !== null && isRoomy(operator) ? 'ample' : roomOf(operator),
  );
  return better.bytes <= sramBytes ? better : arena;
}

function tileMemory(
  graph: Graph,
  kernels: KernelSet,
  sramBytes: number,
  lowerBoundBytes: number,
  costs: StageCosts,
): MemoryPlan | TooLarge {
  const source = createSource(graph, findBuffers(graph));
  const output = bufferOf(source.buffers, graph.outputs[0]);
  if (output.refill !== null) {
    // The input is passed on as it is: there is no operator that could put it together from stripes.
    return { fits: false, operator: 0, neededBytes: output.bytes };
  }
  let target = sramBytes;
  let failure: TooLarge | null = null;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const result = fit(source, kernels, target, costs);
    if (!result.fits) {
      return failure ?? result;
    }
    const execution = tiledExecution(source, result.stages);
    const buffers = findBuffers(execution);
    const reference = new Set(result.stages.flatMap((stage) => stage.reference));
    const roomOf = (operator: number): Room | null =>
      reference.has(execution.calls[operator].source) ? null : 'scarce';
    const arena = placeInArena(execution, buffers, kernels, roomOf);
    if (arena.bytes <= sramBytes) {
      return {
        execution,
        buffers,
        arena: withAmpleRoom({ execution, buffers, arena }, kernels, sramBytes, roomOf),
        tiling: tilingOf(graph, result.stages, execution),
        lowerBoundBytes,
      };
    }
    failure = { fits: false, operator: result.stages[0].operators[0], neededBytes: arena.bytes };
    target -= arena.bytes - sramBytes;
  }
  return failure ?? { fits: false, operator: 0, neededBytes: sramBytes + 1 };
}

function tilingOf(graph: Graph, stages: readonly StageDecision[], execution: Execution): Tiling {
  const nvmReads = execution.calls
    .flatMap(({ fills }) => fills)
    .filter(({ nvmOffset }) => nvmOffset !== null);
  const nvmWrites = execution.calls.flatMap(({ spills }) => spills);
  const bytesOf = (transfers: readonly { bytes: number }[]): number =>
    transfers.reduce((sum, { bytes }) => sum + bytes, 0);
  const spilled = new Map(nvmWrites.map(({ of }) => [of, 0]));
  for (const { of, bytes } of nvmWrites) {
    spilled.set(of, (spilled.get(of) ?? 0) + bytes);
  }
  return {
    stages: stages
      .filter(({ stripes }) => stripes.length > 1)
      .map(({ operators, stripes, recomputedMacs }) => ({
        operators,
        stripes: stripes.length,
        recomputedMacs,
      })),
    spilled: [...spilled].map(([tensor, bytes]) => ({ tensor, bytes })),
    referenceOperators: stages.flatMap(({ reference }) => reference),
    nvmReadBytes: bytesOf(nvmReads),
    nvmWrittenBytes: bytesOf(nvmWrites),
    recomputedMacs: stages.reduce((sum, stage) => sum + stage.recomputedMacs, 0),
    macs: graph.operators.reduce((sum, operator) => sum + operatorMacs(graph, operator), 0),
  };
}

function arenaTooLarge(
  graph: Graph,
  { kernels, sramBytes, boardSramBytes = Infinity }: MemoryOptions,
  whole: MemoryPlan,
  { operator: index, neededBytes }: TooLarge,
  costs: StageCosts,
): InputError {
  const operator = graph.operators[index];
  const shapeOf = (tensor: number): string => graph.tensors[tensor].shape.join(' x ');
  // The smallest that was seen to do, in steps that are easy to type.
  let [low, high] = [
    Math.floor(sramBytes / RECOMMENDED_STEP_BYTES),
    Math.ceil(whole.arena.bytes / RECOMMENDED_STEP_BYTES),
  ];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (
      'arena' in tileMemory(graph, kernels, middle * RECOMMENDED_STEP_BYTES, whole.lowerBoundBytes, costs)
    ) {
      high = middle;
    } else {
      low = middle;
    }
  }
  const enough = high * RECOMMENDED_STEP_BYTES;
  return new InputError({
    code: 'arena-too-large',
    place: graph.name,
    message:
      `${operator.kind} "${operator.name}" (${shapeOf(operator.inputs[0])} to ${shapeOf(operator.outputs[0])}) needs at least ` +
      `${neededBytes} bytes of SRAM, cut as finely as it can be, ` +
      (neededBytes > sramBytes ? '' : 'and more for what has to be kept beside it, ') +
      `and there are ${sramBytes}; whole tensors would need ${whole.arena.bytes}`,
    remedy:
      enough <= boardSramBytes
        ? `Allow ${enough} bytes (--sram ${enough}): the model has been planned with that`
        : `This board has ${boardSramBytes} bytes at most and the model needs ${enough}: make the input of ` +
          `"${operator.name}" smaller, or give it fewer channels`,
  });
}
