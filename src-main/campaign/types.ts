/** Plain data of a run: what is asked for, what is seen while it goes on, what came out. */
import type { CalibrationMethod } from '../compiler/calibration-method.js';
import type { KernelSet, Strategy } from '../compiler/plan.js';

/** Kinds of harvest that are made at random from a seed (supply/traces/generated.ts). */
export const GENERATED_SHAPES = ['clouds', 'rf-bursts', 'kinetic'] as const;
export type GeneratedShape = (typeof GENERATED_SHAPES)[number];

/** Where the power of a run comes from; turned into a Harvest when the run starts. */
export type PowerSource =
  /** Bench power for the whole run. */
  | { kind: 'continuous' }
  | { kind: 'constant'; volts: number; amps: number }
  | { kind: 'square'; volts: number; amps: number; periodSeconds: number; dutyShare: number }
  /** Made from a seed: the same on every machine. */
  | {
      kind: 'generated';
      shape: GeneratedShape;
      volts: number;
      amps: number;
      durationSeconds: number;
      seed: number;
    }
  /** A recorded trace; `scale` multiplies the harvested current. */
  | { kind: 'trace'; path: string; scale: number };

/** How a harvest reaches a real board: see campaign/bench/real-bench.ts. */
export const HARVEST_MODES = ['source', 'virtual-capacitor'] as const;
export type HarvestMode = (typeof HARVEST_MODES)[number];

/** Real instruments that a run is made on. */
export interface RealBenchSpec {
  /** Serial port of the board, or tcp:HOST:PORT. */
  boardPort: string;
  /** Serial port of the supply, or tcp:HOST:PORT. */
  supplyPort: string;
  /** Supply profile or driver. */
  supply: string;
  mode: HarvestMode;
}

/** One cell of a campaign: everything that decides the outcome of a run. Stored as JSON with the run. */
export interface RunConfig {
  /** Path of the model file as the campaign names it, resolved. */
  modelPath: string;
  /** Evaluation data (.npz with x and, where known, y). */
  dataPath: string;
  /** Calibration data for float models; null where the model is already int8. */
  calibrationPath: string | null;
  /** How ranges are chosen from the calibration data; left out: what is best. */
  calibrateBy?: CalibrationMethod;
  strategy: Strategy;
  kernels: KernelSet;
  /** Board profile id. */
  board: string;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  power: PowerSource;
  /** Left out: the virtual bench. */
  bench?: RealBenchSpec;
  firstSample: number;
  sampleCount: number;
  /** Most SRAM for activations; left out: all that the board has. */
  sramBytes?: number;
  seed: number;
  stop: StopRules;
}

export interface StopRules {
  /** The run does not terminate when this many power cycles in a row bring no commit. */
  powerCyclesWithoutProgress: number;
  /** ... or when this much time of the bench's clock has passed. */
  maximumSeconds: number;
}

export const RUN_STATUSES = [
  'running',
  'finished',
  'not-terminating',
  'failed',
  'cancelled',
  'interrupted',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Electrical and logical state of the bench at one instant, for live charts and stored traces. */
export interface BenchSample {
  timeSeconds: number;
  capacitorVolts: number;
  /** Drawn from the capacitor. */
  loadAmps: number;
  powered: boolean;
  /** Share of the run's inferences and tasks committed so far, 0 .. 1. */
  progress: number;
}

export interface PowerCycle {
  index: number;
  onSeconds: number;
  /** Time of the power failure; null for the cycle in which the run ended. */
  offSeconds: number | null;
  /** Position (inference, task) that the board reported when it started. */
  inference: number;
  task: number;
}

export interface InferenceResult {
  inference: number;
  sample: number;
  label: number | null;
  /** Raw int8 output of the model. */
  output: Int8Array;
  predicted: number;
  /** Time of the bench's clock at which the result reached the host, from the start of the run. */
  finishedSeconds: number;
}

/** Measures of a run; names as on the command line's --json. Whole-run totals unless said otherwise. */
export interface RunMeasures {
  macs: number;
  parameters: number;
  sramBytes: number;
  nvmBytes: number;
  imageBytes: number;
  /** Tasks of the plan. */
  tasks: number;
  inferences: number;
  /** Mean over the run's inferences, charging included. */
  latencySeconds: number | null;
  /** Powered time of the board. */
  activeSeconds: number;
  totalSeconds: number;
  /** Taken from the capacitor (or the bench supply) by the board. */
  energyJoules: number;
  cycles: number;
  powerCycles: number;
  checkpoints: number;
  restores: number;
  tasksExecuted: number;
  tasksReexecuted: number;
  nvmBytesRead: number;
  nvmBytesWritten: number;
  /** Share of labelled samples whose predicted class is the label; null without labels or results. */
  accuracy: number | null;
}

/**
 * What a run was expected to measure before it began: the plan played through board costs, capacitor and harvest. Names
 * and meaning as in RunMeasures.
 */
export interface RunPrediction {
  latencySeconds: number | null;
  activeSeconds: number;
  totalSeconds: number;
  energyJoules: number;
  cycles: number;
  powerCycles: number;
  checkpoints: number;
  restores: number;
  tasksReexecuted: number;
  nvmBytesRead: number;
  nvmBytesWritten: number;
  /** Inferences that would finish. */
  inferences: number;
  /** False where the same task fails in one power cycle after the other, or the time is up. */
  terminates: boolean;
}

/** Hashes (SHA-256, hex) and versions that make a run repeatable. */
export interface Provenance {
  modelSha256: string;
  dataSha256: string;
  calibrationSha256: string | null;
  /** How a float model was quantized and what that costs; runs of earlier versions do not say. */
  quantization?: string;
  /** Of the harvest trace file, where there is one. */
  harvestSha256: string | null;
  imageSha256: string;
  firmwareSha256: string;
  boardProfile: unknown;
  supply: { manufacturer: string; model: string; serial: string; firmware: string };
  versions: Record<string, string>;
  campaignSha256: string | null;
}

/**
 * One channel of a stored trace: min and max of each bucket, columnar. times[i] is the first sample of bucket i, which
 * lasts until bucket i + 1 begins.
 */
export interface TraceChannel {
  channel: 'capacitorVolts' | 'loadAmps' | 'powered' | 'progress';
  unit: 'V' | 'A' | '' | '1';
  times: Float64Array;
  minima: Float32Array;
  maxima: Float32Array;
}

export interface LogEntry {
  timeSeconds: number;
  level: 'info' | 'warning' | 'error';
  message: string;
}

/** A file that a run depended on or made, kept once per content in the store. */
export interface Artifact {
  sha256: string;
  kind: 'model' | 'data' | 'calibration' | 'harvest' | 'image' | 'firmware' | 'campaign';
  name: string;
  bytes: Uint8Array;
}

export interface RunOutcome {
  status: Exclude<RunStatus, 'running' | 'interrupted'>;
  /** Why, when not `finished`: place, value, remedy. */
  reason: string | null;
  measures: RunMeasures;
  /** Null where nothing could be predicted: strategy adaptive on harvested power. */
  predicted: RunPrediction | null;
  provenance: Provenance;
  results: InferenceResult[];
  powerCycles: PowerCycle[];
  traces: TraceChannel[];
  log: LogEntry[];
  artifacts: Artifact[];
}

/** What a run tells while it goes on. */
export type RunEvent =
  | { kind: 'stage'; stage: 'compile' | 'flash' | 'run' | 'store'; fraction: number }
  | { kind: 'samples'; samples: BenchSample[] }
  | { kind: 'result'; result: InferenceResult }
  | { kind: 'log'; entry: LogEntry };
