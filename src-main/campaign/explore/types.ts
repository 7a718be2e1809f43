import type { CalibrationMethod } from '../../compiler/calibration-method.js';
import type { KernelSet, Strategy } from '../../compiler/plan.js';
import type { PowerSource, RunPrediction } from '../types.js';

/** What to explore: every combination of the lists. */
export interface ExploreSpace {
  modelPath: string;
  calibrationPath: string | null;
  calibrateBy?: CalibrationMethod;
  board: string;
  kernels: KernelSet;
  /** Null: the board profile's. */
  turnOnVolts: number | null;
  brownOutVolts: number | null;
  power: PowerSource;
  strategies: readonly Strategy[];
  capacitances: readonly number[];
  /** Most SRAM for activations; what exceeds the board counts as all it has. */
  sramLimits: readonly number[];
}

/** One combination. */
export interface ExplorePoint {
  strategy: Strategy;
  capacitanceFarads: number;
  sramLimitBytes: number;
}

/** What is to be small, all at once. Per inference, predicted. */
export interface Objectives {
  latencySeconds: number;
  energyJoules: number;
  /** What the plan takes, which may be less than the limit. */
  sramBytes: number;
  /** Read and written. */
  nvmTrafficBytes: number;
  capacitanceFarads: number;
}

export type ExploredPoint = ExplorePoint &
  (
    | { feasible: true; objectives: Objectives; predicted: RunPrediction; tasks: number }
    /** Why not, with what would help where that is known. */
    | { feasible: false; reason: string }
  );

export interface Exploration {
  /** In the order of the space: strategy, then capacitance, then SRAM. */
  points: ExploredPoint[];
  /** Indices of the points that none other is better than, by latency. */
  front: number[];
}
