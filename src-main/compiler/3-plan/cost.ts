/**
 * What a plan costs. The model is linear in the amounts of amounts.ts; its coefficients are fitted to measurements of a board
 * (tools/costs) and come in as plain data. All energies are taken at the capacitor, loss of the converter included.
 */
import type { Graph, Operator } from '../graph.js';
import type { CommitKind, KernelSet, Scratch, Step } from '../plan.js';
import { OperatorAmounts, type Amounts } from './amounts.js';
import { scratchBytes, winogradScratchBytes, type Room } from './scratch.js';

/** Cycles of one kernel. */
export interface OperatorCost {
  /** By name of an amount (amounts.ts), cycles of each. */
  coefficients: Readonly<Record<string, number>>;
  /**
   * Operators that were measured one by one. For an operator of the same shape the cycles are
   * scale x linear part + executeCycles per call + coldCycles per call with nothing in the cache; others that are near get
   * some of the scale.
   */
  specimens: readonly {
    shape: readonly number[];
    scale: number;
    executeCycles: number;
    coldCycles: number;
  }[];
  /** What a commit by a full record takes more behind this kernel, which has driven its code out of the cache. */
  recordCycles: number;
  /** How well all that fits what was measured: root mean square of predicted / measured - 1. */
  rmsShare: number;
}

export interface TransferCost {
  stepCycles: number;
  byteCycles: number;
}

export interface CommitCost {
  cycles: number;
  /** Of these, with the NVM selected. */
  nvmCycles: number;
}

export interface CostModel {
  /** Core running. */
  joulesPerCycle: number;
  /** On top of that while the NVM is selected. */
  nvmJoulesPerCycle: number;
  /** From turn-on to the first instruction. */
  startupJoules: number;
  /** From the first instruction to the record of the start. */
  bootCycles: number;
  /** Of these, with the NVM selected; negative where the board draws less meanwhile than when it works. */
  bootNvmCycles?: number;
  /** What a start costs later on: its report goes out by interrupts, and no code is in the cache yet. */
  reportCycles: number;
  load: TransferCost;
  save: TransferCost;
  /** Sample from flash to arena. */
  input: TransferCost;
  commit: CommitCost;
  lightCommit: CommitCost;
  /** A look at the capacitor. */
  senseCycles: number;
  /** Weights up to this stay in the cache in front of the flash. */
  cacheBytes: number;
  /** By kernel set and kernel (kernelOf); a kernel set that is not there costs what `reference` does. */
  operators: Readonly<Record<string, Readonly<Record<string, OperatorCost>>>>;
}

/** The power that a plan has to get along with. */
export interface PlanningPower {
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  /** What a board gets from turn-on to brown-out if nothing is harvested meanwhile. */
  energyPerPowerCycleJoules: number;
  /** The same on average, with what is harvested meanwhile; left out: as without. */
  expectedPerPowerCycleJoules?: number;
  costs: CostModel;
}

/**
 * A task must fit this share of the energy of a power cycle. The rest is for what the cost model leaves out: it is a fit,
 * capacitors have tolerances, and the switch reacts late.
 */
export const USABLE_SHARE = 0.9;

/** The kernel that executes an operator, as costs are filed under: its kind, and whether it is a packed one. */
export function kernelOf(graph: Graph, operator: Operator, kernels: KernelSet, room: Room = 'ample'): string {
  if (kernels === 'fast' && room === 'ample' && winogradScratchBytes(graph, operator) !== null) {
    return `${operator.kind} winograd`;
  }
  return kernels === 'fast' && scratchBytes(graph, operator) !== null
    ? `${operator.kind} packed`
    : operator.kind;
}

/** Whether a kernel (kernelOf) computes 4 x 4 outputs at once. */
export function isTiled(kernel: string): boolean {
  return kernel.endsWith(' winograd');
}

/**
 * What makes operators alike, for the specimens: logarithms of input channels, output channels, output width, units, and
 * filter; strides and padding as they are.
 */
export function shapeOf(graph: Graph, operator: Operator): number[] {
  const [, , , inputChannels] = imageShape(graph.tensors[operator.inputs[0]].shape);
  const [, height, width, channels] = imageShape(graph.tensors[operator.outputs[0]].shape);
  const weights = graph.tensors[operator.inputs[1] ?? -1]?.shape ?? [];
  const filter =
    'filterHeight' in operator
      ? [operator.filterHeight, operator.filterWidth]
      : 'padding' in operator
        ? weights.slice(1, 3)
        : [1, 1];
  const strides = 'strideHeight' in operator ? [operator.strideHeight, operator.strideWidth] : [1, 1];
  const padding = 'padding' in operator ? [operator.padding.top, operator.padding.left] : [0, 0];
  const logs = [inputChannels, height, width, channels, ...filter].map((size) => Math.log2(size));
  return [...logs, ...strides, ...padding].map((value) => Number(value.toFixed(4)));
}

function imageShape(shape: readonly number[]): number[] {
  return [...Array.from({ length: Math.max(0, 4 - shape.length) }, () => 1), ...shape].slice(-4);
}

/** Specimens at this distance lend half of their correction. */
const SPECIMEN_REACH = 0.5;

/** Predicts the cycles of a graph's operators, in any range of units, for one kernel set. */
export class OperatorCycles {
  readonly #operators: ({ amounts: OperatorAmounts; cost: OperatorCost } & Correction)[];

  /**
   * @param scratch those of the plan: an operator without it is executed by its reference kernel; null = all that fit
   */
  constructor(graph: Graph, kernels: KernelSet, costs: CostModel, scratch: readonly Scratch[] | null = null) {
    const scratchBytesOf = new Map(scratch?.map(({ operator, bytes }) => [operator, bytes]));
    this.#operators = graph.operators.map((operator, index) => {
      const given = scratch === null ? Infinity : scratchBytesOf.get(index);
      const room = given !== undefined && given >= (scratchBytes(graph, operator) ?? 0) ? 'ample' : 'scarce';
      const kernel = given === undefined ? operator.kind : kernelOf(graph, operator, kernels, room);
      const cost = costOf(costs, kernels, kernel);
      const amounts = new OperatorAmounts(graph, operator, costs.cacheBytes, isTiled(kernel));
      return { amounts, cost, ...correctionOf(cost, shapeOf(graph, operator)) };
    });
  }

  /** @param cold nothing of the operator is in the cache: it has not run since the start of the board */
  of(operator: number, begin: number, end: number, cold: boolean): number {
    const { amounts, cost, scale, executeCycles, coldCycles } = this.#operators[operator];
    const linear = linearCycles(cost.coefficients, amounts.of(begin, end, cold));
    return Math.max(1, scale * linear + executeCycles + (cold ? coldCycles : 0));
  }

  /** What a commit by a full record takes more behind this operator. */
  recordCycles(operator: number): number {
    return this.#operators[operator].cost.recordCycles;
  }
}

export function linearCycles(coefficients: Readonly<Record<string, number>>, amounts: Amounts): number {
  let sum = 0;
  for (const name in amounts) {
    sum += (coefficients[name] ?? 0) * (amounts[name as keyof Amounts] ?? 0);
  }
  return sum;
}

interface Correction {
  scale: number;
  executeCycles: number;
  coldCycles: number;
}

function correctionOf({ specimens }: OperatorCost, shape: readonly number[]): Correction {
  let [weights, scales] = [0, 0];
  for (const specimen of specimens) {
    const distance = Math.hypot(...specimen.shape.map((value, index) => value - shape[index]));
    if (distance === 0) {
      return specimen;
    }
    const weight = 2 ** -((distance / SPECIMEN_REACH) ** 2);
    weights += weight;
    scales += weight * (specimen.scale - 1);
  }
  // Together, no more than a full correction.
  return { scale: 1 + scales / Math.max(1, weights), executeCycles: 0, coldCycles: 0 };
}

/** A kernel that nobody has measured is taken for the most expensive one. */
function costOf(costs: CostModel, kernels: KernelSet, kernel: string): OperatorCost {
  const perKernel = costs.operators[kernels] ?? costs.operators.reference;
  const known = perKernel[kernel];
  if (known !== undefined) {
    return known;
  }
  const coefficients: Record<string, number> = {};
  for (const { coefficients: others } of Object.values(perKernel)) {
    for (const [name, cycles] of Object.entries(others)) {
      coefficients[name] = Math.max(coefficients[name] ?? 0, cycles);
    }
  }
  const recordCycles = Math.max(...Object.values(perKernel).map((cost) => cost.recordCycles));
  return { coefficients, specimens: [], recordCycles, rmsShare: 1 };
}

/** Cycles, and how many of them with the NVM selected. */
export interface Cycles {
  cycles: number;
  nvmCycles: number;
}

/** Of a transfer; the board selects the NVM for all of its bytes. */
export function transferCycles(
  costs: CostModel,
  kind: Exclude<Step['kind'], 'EXECUTE'>,
  bytes: number,
): Cycles {
  const { stepCycles, byteCycles } =
    kind === 'LOAD' || kind === 'FETCH' ? costs.load : kind === 'INPUT' ? costs.input : costs.save;
  const moving = bytes * byteCycles;
  return { cycles: stepCycles + moving, nvmCycles: kind === 'INPUT' ? 0 : moving };
}

/** @param recordCycles what a full record takes more behind the last operator (OperatorCycles.recordCycles) */
export function commitCycles(costs: CostModel, kind: CommitKind, recordCycles: number): Cycles {
  const { cycles, nvmCycles } = kind === 'light' ? costs.lightCommit : costs.commit;
  return { cycles: cycles + (kind === 'record' ? recordCycles : 0), nvmCycles };
}

export function joulesOf(costs: CostModel, { cycles, nvmCycles }: Cycles): number {
  return cycles * costs.joulesPerCycle + nvmCycles * costs.nvmJoulesPerCycle;
}

/** From turn-on to the first task. */
export function startJoules(costs: CostModel): number {
  return (
    costs.startupJoules +
    (costs.bootCycles + costs.reportCycles) * costs.joulesPerCycle +
    (costs.bootNvmCycles ?? 0) * costs.nvmJoulesPerCycle
  );
}

/** Capacitor voltage above which at least `joules` are left before the brown-out. */
export function voltsFor(joules: number, { capacitanceFarads, brownOutVolts }: PlanningPower): number {
  return Math.sqrt(brownOutVolts ** 2 + (2 * joules) / capacitanceFarads);
}

/** Smallest capacitor whose power cycle gives `joules`; what the board's decoupling takes at turn-on stays the same. */
export function capacitanceFor(joules: number, power: PlanningPower): number {
  const window = power.turnOnVolts ** 2 - power.brownOutVolts ** 2;
  const inrushJoules = (power.capacitanceFarads * window) / 2 - power.energyPerPowerCycleJoules;
  return (2 * (joules + inrushJoules)) / window;
}
