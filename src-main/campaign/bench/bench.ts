/**
 * What a run needs of a bench, real or virtual: a serial line to the board, a supply behind its driver, and whatever the
 * bench itself can observe. Everything above works the same on both.
 */
import type { Port } from '../../common/port.js';
import type { ShutdownOutcome, SupplyDriver } from '../../supply/driver.js';
import type { PowerCycle, TraceChannel } from '../types.js';

/** What the bench saw since startMeasuring, independently of what the board counted. */
export interface BenchObservation {
  /** Powered time of the board. */
  activeSeconds: number;
  /** Taken by the board, from the capacitor. */
  energyJoules: number;
  /** CPU cycles, sleep included. */
  cycles: number;
  /** On-windows of the board, the one at the start included. */
  powerCycles: number;
  /** Whether those are the bench's own doing, or only estimated from what it measures. */
  powerCyclesSeen: boolean;
}

export interface MeasuringScale {
  tasksPerInference: number;
  inferences: number;
}

export interface Bench {
  readonly boardPort: Port;
  readonly supply: SupplyDriver;
  /** Bench time in seconds; the clock of both ports. */
  now(): number;
  /** From here on, observations, on-windows and traces count, and times are relative to this instant. */
  startMeasuring(scale: MeasuringScale): void;
  observe(): BenchObservation;
  /** Share of the run's work that the board has reported to be done, 0 .. 1, for a bench that cannot see it otherwise. */
  noteProgress(progress: number): void;
  /** What a reader of the run has to know of how it was measured. */
  notes(): string[];
  onWindows(): Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[];
  traces(): TraceChannel[];
  /** Supply output off, ports released. Never throws; says whether the supply has confirmed that its output is off. */
  close(): Promise<ShutdownOutcome>;
}
