/** What the parts of a run share: what was prepared, the bench, and what the run has gathered so far. */
import type { BoardLink } from '../../board/link/board-link.js';
import type { BoardRecord } from '../../board/record.js';
import type { SupplyIdentity } from '../../supply/driver.js';
import type { Bench } from '../bench/bench.js';
import type { PreparedRun } from '../prepare.js';
import type { InferenceResult, LogEntry, RunEvent, RunOutcome } from '../types.js';

export interface RunHooks {
  signal: AbortSignal;
  onEvent: (event: RunEvent) => void;
  campaignSha256: string | null;
}

/** Grows while the run goes on, and becomes the outcome however it ends. */
export interface RunProgress {
  results: InferenceResult[];
  /** Bench time of startMeasuring; run times count from here. Infinity before it. */
  originSeconds: number;
  /** Position the board reported at its n-th power cycle; holes where it died before it could. */
  starts: ({ inference: number; task: number } | undefined)[];
  /** The latest that the board sent of this run. */
  record: BoardRecord | null;
  /** Starts of the board in a row that found nothing new committed. */
  startsWithoutProgress: number;
  log: LogEntry[];
  supply: SupplyIdentity;
  status: RunOutcome['status'];
  reason: string | null;
}

export interface RunContext {
  prepared: PreparedRun;
  bench: Bench;
  link: BoardLink;
  progress: RunProgress;
  hooks: RunHooks;
}

/** Of a run that has not begun: it has failed unless something better happens. */
export function emptyProgress(): RunProgress {
  return {
    results: [],
    originSeconds: Infinity,
    starts: [{ inference: 0, task: 0 }],
    record: null,
    startsWithoutProgress: 0,
    log: [],
    supply: { manufacturer: '', model: '', serial: '', firmware: '' },
    status: 'failed',
    reason: null,
  };
}

/** Adds a line to the log of the run and tells whoever watches. */
export function log(
  { bench, progress, hooks }: Pick<RunContext, 'bench' | 'progress' | 'hooks'>,
  level: LogEntry['level'],
  message: string,
): void {
  // Setting up happens before the run's clock starts.
  const timeSeconds = Math.max(0, bench.now() - progress.originSeconds);
  const entry: LogEntry = { timeSeconds, level, message };
  progress.log.push(entry);
  hooks.onEvent({ kind: 'log', entry });
}
