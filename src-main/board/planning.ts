/** What a compiler that plans for a board's power has to know: the energy of a power cycle, and what work costs. */
import type { BoardProfile } from './profile.js';
import { picoFramCosts } from './profiles/pico-fram-costs.js';

/** Cycles of a kind of operator, by output element and by multiply-accumulate (or element read, where there are none). */
export interface OperatorCycles {
  cyclesPerOutput: number;
  cyclesPerWork: number;
  /** Instead, where the weights do not stay in the cache in front of flash. */
  cyclesPerUncachedWork: number;
}

/** Measured on the virtual board by tools/bench/costs.ts. */
export interface BoardCosts {
  /** From the first instruction to the first task: clocks, boot, the record of the start. */
  bootCycles: number;
  /** Of every step of a plan and every unit of one. */
  stepCycles: number;
  nvmReadCyclesPerByte: number;
  nvmWriteCyclesPerByte: number;
  /** Sample from flash to SRAM. */
  copyCyclesPerByte: number;
  /** Checksum and write of a full record. */
  commitCycles: number;
  /** One reading of the capacitor. */
  senseCycles: number;
  /** Weights up to this stay in the cache. */
  cacheBytes: number;
  /** By kernel set and kind of operator. */
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
 * charged at turn-on. In joules at the capacitor; negative when the decoupling takes more than there is.
 */
export function energyPerPowerCycleJoules(
  { capacitanceFarads, turnOnVolts, brownOutVolts }: Capacitor,
  { power }: BoardProfile,
): number {
  const stored = (capacitanceFarads * (turnOnVolts ** 2 - brownOutVolts ** 2)) / 2;
  return stored - (power.decouplingFarads.value * power.railVolts.value ** 2) / 2;
}

/** The same data in the compiler's terms (compiler/3-plan/cost.ts), energies at the capacitor. */
export function planningPower(capacitor: Capacitor, profile: BoardProfile) {
  const { bootCycles, ...cycles } = costsOf(profile);
  const { activeAmps, nvmAmps, startupAmps, startupSeconds, railVolts, converterEfficiency } = profile.power;
  const volts = railVolts.value / converterEfficiency.value;
  const joulesPerCycle = (activeAmps.value * volts) / profile.clockHertz;
  return {
    ...capacitor,
    energyPerPowerCycleJoules: energyPerPowerCycleJoules(capacitor, profile),
    costs: {
      ...cycles,
      joulesPerCycle,
      nvmJoulesPerCycle: (nvmAmps.value * volts) / profile.clockHertz,
      startJoules: startupSeconds.value * startupAmps.value * volts + bootCycles * joulesPerCycle,
    },
  };
}

const COSTS: Readonly<Record<string, BoardCosts>> = { 'pico-fram': picoFramCosts };

function costsOf(profile: BoardProfile): BoardCosts {
  const costs = COSTS[profile.id];
  if (costs === undefined) {
    throw new Error(`board ${profile.id} has no measured costs`);
  }
  return costs;
}
