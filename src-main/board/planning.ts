/** What a compiler that plans for a board's power has to know: the energy of a power cycle, and what work costs. */
import type { BoardProfile } from './profile.js';
import { picoFramCosts } from './profiles/pico-fram-costs.js';

/** Cycles of a kind of operator, as the compiler's cost model has them: compiler/3-plan/cost.ts says what the names mean. */
export interface OperatorCycles {
  coefficients: Readonly<Record<string, number>>;
  /** Operators that were measured one by one, and by how much the coefficients miss them. */
  specimens: readonly {
    shape: readonly number[];
    scale: number;
    executeCycles: number;
    coldCycles: number;
  }[];
  /** What a commit by a full record takes more behind this kernel, which has driven its code out of the cache. */
  recordCycles: number;
  /** Root of the mean square, and largest, of predicted / measured - 1 over the observations. */
  rmsShare: number;
  worstShare: number;
  observations: number;
}

export interface TransferCycles {
  stepCycles: number;
  byteCycles: number;
}

export interface CommitCycles {
  cycles: number;
  /** Of these, with the NVM selected. */
  nvmCycles: number;
}

/** Cycles of what does not depend on operators. */
export interface CommonCycles {
  /** From the first instruction to the record of the start: clocks, initialisation, the records read. */
  bootCycles: number;
  /**
   * Charge on top of that of so many cycles of work, in cycles of the NVM's current; negative where the board draws less
   * meanwhile than when it works.
   */
  bootNvmCycles: number;
  /** What a start costs later on: its report goes out byte by byte, by interrupts, and no code is in the cache yet. */
  reportCycles: number;
  commit: CommitCycles;
  lightCommit: CommitCycles;
  load: TransferCycles;
  save: TransferCycles;
  input: TransferCycles;
  senseCycles: number;
}

/** A stretch of time in which the core works now and then and sleeps otherwise. */
export interface IdleMix {
  activeCycles: number;
  sleepCycles: number;
}

/** The talk between board and host around an inference, at the serial line's speed. */
export interface ReportCycles {
  /** From the record that starts a run until the host has the board's word: the board is at work meanwhile. */
  orderCycles: number;
  /** From the commit of a result until the host has it, and what each byte of the output adds. */
  result: IdleMix;
  resultByte: IdleMix;
  /** From there until the next inference begins, */
  acknowledge: IdleMix;
  /** or until the host knows that the run has finished. */
  finish: IdleMix;
}

/** Fitted to measurements on the virtual board by `npm run bench -- costs` (tools/costs). */
export interface BoardCosts extends CommonCycles {
  report: ReportCycles;
  /** By kernel set and kernel. */
  operators: Readonly<Record<string, Readonly<Record<string, OperatorCycles>>>>;
}

/** The capacitor that feeds a board, and the thresholds of its switch. */
export interface Capacitor {
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
}

/**
 * Energy that a board gets from one discharge: E = 1/2 C (Von^2 - Voff^2), less 1/2 Cd Vrail^2 for the decoupling that is
 * charged at turn-on, and more by the charge Cd (Vrail - Vdropout) of it that the board still runs on after brown-out. In
 * joules at the capacitor; negative when the decoupling takes more than there is.
 */
export function energyPerPowerCycleJoules(
  { capacitanceFarads, turnOnVolts, brownOutVolts }: Capacitor,
  { power }: BoardProfile,
): number {
  const stored = (capacitanceFarads * (turnOnVolts ** 2 - brownOutVolts ** 2)) / 2;
  const { decouplingFarads, railVolts, dropOutVolts, converterEfficiency } = power;
  const heldUpCoulombs = decouplingFarads.value * (railVolts.value - dropOutVolts.value);
  return (
    stored -
    (decouplingFarads.value * railVolts.value ** 2) / 2 +
    (heldUpCoulombs * railVolts.value) / converterEfficiency.value
  );
}

/** Beyond this share of what the board draws, a harvest is as good as steady power for the plan. */
const LARGEST_HARVEST_SHARE = 0.9;

/**
 * The same data in the compiler's terms (compiler/3-plan/cost.ts), energies at the capacitor.
 *
 * @param harvestWatts mean power into the capacitor while the board runs; it lengthens power cycles on average, but no plan
 *   relies on it
 */
export function planningPower(capacitor: Capacitor, profile: BoardProfile, harvestWatts = 0) {
  const { activeAmps, railVolts, converterEfficiency } = profile.power;
  const volts = railVolts.value / converterEfficiency.value;
  const activeWatts = activeAmps.value * volts;
  const energyJoules = energyPerPowerCycleJoules(capacitor, profile);
  return {
    ...capacitor,
    energyPerPowerCycleJoules: energyJoules,
    expectedPerPowerCycleJoules:
      energyJoules / (1 - Math.min(LARGEST_HARVEST_SHARE, harvestWatts / activeWatts)),
    costs: costModel(profile),
  };
}

/** Cycles and energies of a board, whatever feeds it. */
export function costModel(profile: BoardProfile) {
  const { activeAmps, nvmAmps, startupAmps, startupSeconds, railVolts, converterEfficiency } = profile.power;
  const volts = railVolts.value / converterEfficiency.value;
  return {
    ...boardCosts(profile),
    joulesPerCycle: (activeAmps.value * volts) / profile.clockHertz,
    nvmJoulesPerCycle: (nvmAmps.value * volts) / profile.clockHertz,
    startupJoules: startupSeconds.value * startupAmps.value * volts,
    cacheBytes: profile.timing.cacheBytes.value,
  };
}

const COSTS: Readonly<Record<string, BoardCosts>> = { 'pico-fram': picoFramCosts };

/** @throws Error for a board whose costs nobody has measured */
export function boardCosts(profile: BoardProfile): BoardCosts {
  const costs = COSTS[profile.id];
  if (costs === undefined) {
    throw new Error(`board ${profile.id} has no measured costs`);
  }
  return costs;
}
