/**
 * Everything that may pass between a window and the bench, whichever host carries it: each call with the schema of its
 * arguments and the type of its result, each event with the type of its payload. Both sides are typed from here; the
 * window imports the types only. All values survive JSON.
 */
import { z } from 'zod';
import type { DoctorCheck } from './doctor.js';
import type {
  BenchSample,
  InferenceResult,
  LogEntry,
  PowerCycle,
  Provenance,
  RunConfig,
  RunEvent,
  RunMeasures,
  RunStatus,
  TraceChannel,
} from '../campaign/types.js';
import { RUN_COLUMNS } from '../store/columns.js';
import type { RunColumn, RunDetail as StoredRun, RunFilter, RunQuery, RunRow } from '../store/types.js';
import type { HistoryChange, MinMaxColumns } from '../common/min-max-history.js';

export type {
  HistoryChange,
  BenchSample,
  LogEntry,
  MinMaxColumns,
  PowerCycle,
  Provenance,
  RunColumn,
  RunConfig,
  RunFilter,
  RunMeasures,
  RunQuery,
  RunRow,
  RunStatus,
};

/** What went wrong, where, and what to do: the only form in which an error reaches a window. */
export interface PlainError {
  code: string;
  place: string;
  message: string;
  remedy: string;
}

export interface AppInfo {
  name: string;
  version: string;
  host: 'electron' | 'browser';
  /** Data base of runs in use. */
  databasePath: string;
  platform: string;
  versions: Record<string, string>;
}

export type { DoctorCheck };

export interface CampaignText {
  yaml: string;
  /** Name shown in errors: a file name. */
  place: string;
  /** Folder that relative paths of the campaign start from. */
  folder: string;
}

export interface CampaignSummary {
  name: string;
  /** One label per run, in order. */
  runs: string[];
}

export interface CampaignProgress {
  /** Null until the store has given it a number. */
  campaignId: number | null;
  name: string;
  status: 'running' | 'cancelling' | 'finished' | 'cancelled' | 'failed';
  plannedRuns: number;
  /** Runs that ended, whatever their status. */
  endedRuns: number;
  /** Why the campaign as a whole failed. */
  error: PlainError | null;
}

export type RunStage = Extract<RunEvent, { kind: 'stage' }>['stage'];

/** Where one run of the current campaign stands. */
export interface RunProgress {
  runId: number;
  cell: string;
  label: string;
  /** Position in the campaign, from 0. */
  index: number;
  status: RunStatus;
  reason: string | null;
  stage: RunStage | null;
  /** Share of the stage that is done, 0 .. 1. */
  stageFraction: number;
  /** Of the bench's clock. */
  timeSeconds: number;
  capacitorVolts: number | null;
  loadAmps: number | null;
  powered: boolean;
  /** Share of the run that is committed, 0 .. 1. */
  progress: number;
  powerCycles: number;
  inferencesDone: number;
  inferencesPlanned: number;
  /** Results so far that carry a label, and those of them that were right. */
  labelled: number;
  correct: number;
  turnOnVolts: number | null;
  brownOutVolts: number | null;
  /** Once the run has ended. */
  measures: RunMeasures | null;
}

/** The channels of a run, live and stored, in the order of the columns of live samples. */
export const LIVE_CHANNELS = [
  'capacitorVolts',
  'loadAmps',
  'powered',
  'progress',
] as const satisfies readonly TraceChannel['channel'][];

/**
 * Growth of the live history of one run: the window cuts its copy to `fromIndex` buckets and appends `columns`. Channels
 * as in LIVE_CHANNELS, `powered` as 0 or 1.
 */
export interface LiveSamples extends HistoryChange {
  runId: number;
}

export interface ResultView {
  inference: number;
  sample: number;
  label: number | null;
  predicted: number;
  finishedSeconds: number;
  /** Raw int8 output of the model. */
  output: number[];
}

export interface LogView {
  runId: number | null;
  entry: LogEntry;
}

/** The campaign on the bench now, or the last one of this session. */
export interface CurrentCampaign {
  campaign: CampaignProgress;
  runs: RunProgress[];
  /** Of the latest runs, those on the bench among them: their whole history, and at most 200 results, the latest last. */
  live: (LiveSamples & { results: ResultView[] })[];
  /** Of this campaign, the latest last, at most 200. */
  log: LogView[];
}

export interface RunList {
  rows: RunRow[];
  /** Rows in the store that match the filters, beyond `limit` too. */
  total: number;
}

/** A stored run; its traces are asked for one by one. */
export interface RunDetail extends Omit<StoredRun, 'results'> {
  results: ResultView[];
}

export type TraceName = (typeof LIVE_CHANNELS)[number];

/** A stored channel between two times, in at most the points asked for. */
export interface TraceView {
  channel: TraceName;
  unit: string;
  times: number[];
  minima: number[];
  maxima: number[];
}

export interface ReportView {
  fileName: string;
  html: string;
}

const columnNames = Object.keys(RUN_COLUMNS) as [RunColumn, ...RunColumn[]];

const nothing = z.strictObject({});
const id = z.int().positive();
const seconds = z.number().nonnegative();
const campaignText = z.strictObject({
  yaml: z.string().max(1_000_000),
  place: z.string().min(1).max(1_000),
  folder: z.string().min(1).max(4_000),
});
const runQuery = z.strictObject({
  /** As on the command line: `strategy=tile latencySeconds<2`. */
  where: z.string().max(2_000),
  sortBy: z.enum(columnNames),
  descending: z.boolean(),
  limit: z.int().min(1).max(1_000),
  offset: z.int().min(0),
});

/** A call of the manifest. `Result` exists for the type checker only. */
export interface Call<Schema extends z.ZodType, Result> {
  readonly arguments: Schema;
  readonly result?: Result;
}

function call<Result>() {
  return <Schema extends z.ZodType>(schema: Schema): Call<Schema, Result> => ({ arguments: schema });
}

/** Every call that a window can make. */
export const CALLS = {
  'app.info': call<AppInfo>()(nothing),
  'doctor.check': call<DoctorCheck[]>()(nothing),
  'campaigns.example': call<CampaignText>()(nothing),
  'campaigns.validate': call<CampaignSummary>()(campaignText),
  /** Starts a campaign; refused with `campaign-running` while another one is on the bench. */
  'campaigns.start': call<CampaignProgress>()(campaignText),
  /** Asks the running campaign to stop; the run on the bench is stored as cancelled. */
  'campaigns.cancel': call<CampaignProgress | null>()(nothing),
  'campaigns.current': call<CurrentCampaign | null>()(nothing),
  'runs.list': call<RunList>()(runQuery),
  'runs.get': call<RunDetail>()(z.strictObject({ id })),
  'runs.trace': call<TraceView>()(
    z.strictObject({
      id,
      channel: z.enum(LIVE_CHANNELS),
      fromSeconds: seconds.nullable(),
      toSeconds: seconds.nullable(),
      maxPoints: z.int().min(16).max(20_000),
    }),
  ),
  'report.html': call<ReportView>()(z.strictObject({ ids: z.array(id).min(1).max(200) })),
} as const;

export type CallName = keyof typeof CALLS;
export type CallArguments<Name extends CallName> = z.input<(typeof CALLS)[Name]['arguments']>;
export type CallResult<Name extends CallName> =
  (typeof CALLS)[Name] extends Call<z.ZodType, infer Result> ? Result : never;

/** Every event that a window can hear. */
export interface EventPayloads {
  'campaign.progress': CampaignProgress;
  /** At most 30 a second. */
  'run.progress': RunProgress;
  /** At most 30 a second, each of a bounded number of buckets. */
  'run.samples': LiveSamples;
  'run.result': { runId: number; result: ResultView };
  'run.finished': RunProgress;
  log: LogView;
}
export type EventName = keyof EventPayloads;
export type EventMessage = {
  [Name in EventName]: { event: Name; payload: EventPayloads[Name] };
}[EventName];

/** The answer to a call. Errors are values: an exception would lose its fields on the way through a host. */
export type Reply = { ok: true; result: unknown } | { ok: false; error: PlainError };

/** What a host offers to the window. */
export interface WindowBridge {
  call(name: CallName, args: unknown): Promise<Reply>;
  /** Returns the function that ends the subscription. */
  onEvent(listener: (message: EventMessage) => void): () => void;
}

export function resultView(result: InferenceResult): ResultView {
  return {
    inference: result.inference,
    sample: result.sample,
    label: result.label,
    predicted: result.predicted,
    finishedSeconds: result.finishedSeconds,
    output: Array.from(result.output),
  };
}
