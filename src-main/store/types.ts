/** Rows of the store as the rest of the bench sees them. SQL and column names stay inside store/. */

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
