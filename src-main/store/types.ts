/** Rows of the store as the rest of the bench sees them. SQL and column names stay inside store/. */
import type {
  Artifact,
  InferenceResult,
  LogEntry,
  PowerCycle,
  Provenance,
  RunConfig,
  RunMeasures,
  RunPrediction,
  TraceChannel,
} from '../campaign/types.js';

export interface CampaignRow {
  id: number;
  name: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The campaign file as it was run. */
  source: string;
  sourceSha256: string;
  status: 'running' | 'finished' | 'cancelled' | 'interrupted';
  plannedRuns: number;
}

/** One line of the runs list. Measures are null while a run has not produced them. */
export interface RunRow {
  id: number;
  campaignId: number | null;
  campaignName: string | null;
  /** Identity of the cell within its campaign; a resumed campaign skips cells that are done. */
  cell: string;
  status: string;
  reason: string | null;
  createdAt: string;
  finishedAt: string | null;
  model: string;
  strategy: string;
  kernels: string;
  board: string;
  power: string;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  repeat: number;
  seed: number;
  samples: number;
  latencySeconds: number | null;
  activeSeconds: number | null;
  totalSeconds: number | null;
  energyJoules: number | null;
  accuracy: number | null;
  powerCycles: number | null;
  checkpoints: number | null;
  restores: number | null;
  tasksExecuted: number | null;
  tasksReexecuted: number | null;
  nvmBytesRead: number | null;
  nvmBytesWritten: number | null;
  cycles: number | null;
  sramBytes: number | null;
  nvmBytes: number | null;
  imageBytes: number | null;
  tasks: number | null;
  macs: number | null;
  parameters: number | null;
  inferences: number | null;
  /** What was expected before the run began. */
  predictedLatencySeconds: number | null;
  predictedEnergyJoules: number | null;
  predictedPowerCycles: number | null;
  predictedCycles: number | null;
}

/** Columns of RunRow that a list may be filtered or sorted by. */
export type RunColumn = keyof RunRow;

export interface RunFilter {
  column: RunColumn;
  operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'contains';
  value: string | number;
}

export interface RunQuery {
  filters: RunFilter[];
  sortBy: RunColumn;
  descending: boolean;
  limit: number;
  offset: number;
}

/** A campaign with the count of its runs so far. */
export interface CampaignSummary extends CampaignRow {
  finishedAt: string | null;
  runs: number;
  /** Runs that a resumed campaign need not repeat. */
  doneRuns: number;
}

/** Everything the store has of one run, but for its traces. */
export interface RunDetail {
  row: RunRow;
  config: RunConfig;
  /** Null while the run has not ended. */
  measures: RunMeasures | null;
  /** Null where nothing was predicted, and until the run has ended. */
  predicted: RunPrediction | null;
  provenance: Provenance | null;
  results: InferenceResult[];
  powerCycles: PowerCycle[];
  log: LogEntry[];
  /** Channels that getTrace can be asked for. */
  channels: TraceChannel['channel'][];
}

export interface TraceWindow {
  /** Seconds of the bench's clock; by default the whole run. */
  from?: number;
  to?: number;
  /** Neighbouring buckets are merged (least minimum, greatest maximum) until no more than this many are left. */
  maxPoints?: number;
}

/** An artifact as it comes out of the store. */
export interface StoredArtifact extends Artifact {
  /** When the store first saw it; ISO 8601, UTC. */
  createdAt: string;
}
