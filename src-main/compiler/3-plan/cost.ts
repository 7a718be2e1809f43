/**
 * What a plan costs in energy: the first cost model, good enough to place commits. Its constants are measured per board and
 * come in as plain data. All energies are taken at the capacitor, loss of the converter included.
 */
import type { KernelSet } from '../plan.js';

/** Cycles of one kind of operator. `work` is what Units.work counts: multiply-accumulates, or elements read. */
export interface OperatorCost {
  cyclesPerOutput: number;
  cyclesPerWork: number;
  /** Instead, for an operator whose weights do not stay in the cache. */
  cyclesPerUncachedWork: number;
}

export interface CostModel {
  /** Core running. */
  joulesPerCycle: number;
  /** On top of that while the NVM is being accessed. */
  nvmJoulesPerCycle: number;
  /** From turn-on to the first task: start-up, boot, the record that counts the start. */
  startJoules: number;
  /** Of every step of a plan, and of every unit inside one. */
  stepCycles: number;
  nvmReadCyclesPerByte: number;
  nvmWriteCyclesPerByte: number;
  /** Sample from flash to arena. */
  copyCyclesPerByte: number;
  /** A commit by a full record, and a look at the capacitor. */
  commitCycles: number;
  senseCycles: number;
  /** Weights up to this stay in the cache in front of the flash. */
  cacheBytes: number;
  /** By kernel set and kind of operator; a kernel set that is not there costs what `reference` does. */
  operators: Readonly<Record<string, Readonly<Record<string, OperatorCost>>>>;
}

/** The power that a plan has to get along with. */
export interface PlanningPower {
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  /** What a board gets from turn-on to brown-out if nothing is harvested meanwhile. */
  energyPerPowerCycleJoules: number;
  costs: CostModel;
}

/**
 * A task must fit this share of the energy of a power cycle. The rest is for what the cost model leaves out: it is a fit
 * (tools/bench/costs.ts prints how good), capacitors have tolerances, and the switch reacts late.
 */
export const USABLE_SHARE = 0.9;

/** Energy of `outputs` elements and `work` of an operator. */
export function executeJoules(
  costs: CostModel,
  kernels: KernelSet,
  kind: string,
  amount: { outputs: number; work: number; units: number; weightBytes: number },
): number {
  const perKind = costs.operators[kernels] ?? costs.operators.reference;
  // An operator that nobody has measured is taken for the most expensive one.
  const all = Object.values(perKind);
  const cost = perKind[kind] ?? {
    cyclesPerOutput: Math.max(...all.map(({ cyclesPerOutput }) => cyclesPerOutput)),
    cyclesPerWork: Math.max(...all.map(({ cyclesPerWork }) => cyclesPerWork)),
    cyclesPerUncachedWork: Math.max(...all.map(({ cyclesPerUncachedWork }) => cyclesPerUncachedWork)),
  };
  const perWork = amount.weightBytes > costs.cacheBytes ? cost.cyclesPerUncachedWork : cost.cyclesPerWork;
  const cycles =
    amount.units * costs.stepCycles + amount.outputs * cost.cyclesPerOutput + amount.work * perWork;
  return cycles * costs.joulesPerCycle;
}

/** Energy to move `bytes` between NVM and arena in `steps` transfers. */
export function transferJoules(
  costs: CostModel,
  direction: 'read' | 'write',
  bytes: number,
  steps: number,
): number {
  const perByte = direction === 'read' ? costs.nvmReadCyclesPerByte : costs.nvmWriteCyclesPerByte;
  const cycles = bytes * perByte;
  return (
    cycles * (costs.joulesPerCycle + costs.nvmJoulesPerCycle) +
    steps * costs.stepCycles * costs.joulesPerCycle
  );
}

export function commitJoules(costs: CostModel): number {
  return costs.commitCycles * (costs.joulesPerCycle + costs.nvmJoulesPerCycle);
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
