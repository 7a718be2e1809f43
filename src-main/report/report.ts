/** From stored runs to the contents of a report: everything decided here, nothing drawn. */
import type { TraceChannel } from '../campaign/types.js';
import type { RunColumn, RunDetail, RunRow } from '../store/types.js';
import { PRESENTATION } from './columns.js';
import { compareRuns, distinguishingColumns, type Comparison } from './compare.js';
import { formatValue } from './format.js';

/** A run with its traces, as few points as a plot needs. */
export interface ReportRun extends RunDetail {
  traces: TraceChannel[];
  /** The first power cycles once more, where there are too many to be told apart in a plot of the whole run. */
  opening: { powerCycles: number; traces: TraceChannel[] } | null;
}

export interface ReportData {
  /** By default the name of the campaign, where all runs are of one. */
  title?: string;
  /** The command line that made this report, words apart; empty where a window made it. */
  command: string[];
  /** In the order to show them. */
  runs: ReportRun[];
  /** Run that ratios refer to; by default the first that finished. */
  baselineId?: number;
}

export interface Report {
  title: string;
  /** First start and last end of the runs, ISO 8601; null where unknown. */
  from: string | null;
  to: string | null;
  /** How many runs ended how, most frequent first. */
  outcomes: { status: string; runs: number }[];
  comparison: Comparison;
  /** Columns of the main table: what differs, then what came out. */
  columns: RunColumn[];
  rows: RunRow[];
  /** Short name of each run, unique. */
  labels: string[];
  bars: BarChart[];
  runs: ReportRun[];
  command: string[];
}

export interface BarChart {
  column: RunColumn;
  bars: Bar[];
}

/** Runs of one configuration: repeats are drawn as one bar with their range. */
export interface Bar {
  label: string;
  strategy: string;
  runIds: number[];
  /** Null where no run of the configuration finished. */
  mean: number | null;
  minimum: number | null;
  maximum: number | null;
  /** What to say in place of a bar. */
  note: string | null;
}

/** Shown of every run. */
const MAIN_MEASURES: readonly RunColumn[] = [
  'status',
  'latencySeconds',
  'activeSeconds',
  'energyJoules',
  'accuracy',
  'powerCycles',
];

/** Shown where they differ; else among what is the same in all runs. */
const OTHER_MEASURES: readonly RunColumn[] = [
  'checkpoints',
  'restores',
  'tasksReexecuted',
  'nvmBytesWritten',
];

/** Pure: the same data gives the same report, on every machine and at any time. */
export function buildReport(data: ReportData): Report {
  const rows = data.runs.map((run) => run.row);
  const comparison = compareRuns(rows, data.baselineId);
  const differing = distinguishingColumns(comparison);
  return {
    title: data.title ?? titleOf(rows),
    from: extreme(
      rows.map((row) => row.createdAt),
      'first',
    ),
    to: extreme(
      rows.flatMap((row) => (row.finishedAt === null ? [] : [row.finishedAt])),
      'last',
    ),
    outcomes: countOutcomes(rows),
    comparison,
    columns: [
      'id',
      ...(differing.length === 0 ? (['strategy'] as const) : differing),
      ...MAIN_MEASURES,
      ...OTHER_MEASURES.filter(
        (column) => rows.length === 1 || rows.some((row) => row[column] !== rows[0][column]),
      ),
    ],
    rows,
    labels: labelRuns(rows, differing),
    bars: (['latencySeconds', 'energyJoules'] as const).map((column) => ({
      column,
      bars: barsOf(column, rows, differing),
    })),
    runs: data.runs,
    command: data.command,
  };
}

function titleOf(rows: readonly RunRow[]): string {
  const names = new Set(rows.map((row) => row.campaignName));
  const [name] = names;
  if (names.size === 1 && name) {
    return name;
  }
  return rows.length === 1 ? `Run ${rows[0].id}` : `${rows.length} runs`;
}

function extreme(dates: readonly string[], which: 'first' | 'last'): string | null {
  // ISO 8601 in UTC sorts as text.
  return [...dates].sort().at(which === 'first' ? 0 : -1) ?? null;
}

function countOutcomes(rows: readonly RunRow[]): { status: string; runs: number }[] {
  const counts = new Map<string, number>();
  for (const { status } of rows) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [...counts]
    .map(([status, runs]) => ({ status, runs }))
    .sort((a, b) => b.runs - a.runs || (a.status < b.status ? -1 : 1));
}

function labelRuns(rows: readonly RunRow[], differing: readonly RunColumn[]): string[] {
  const labels = rows.map((row) => labelOf(row, differing));
  return labels.map((label, index) =>
    label === '' || labels.indexOf(label) !== labels.lastIndexOf(label)
      ? `run ${rows[index].id}${label === '' ? '' : ` · ${label}`}`
      : label,
  );
}

function labelOf(row: RunRow, columns: readonly RunColumn[]): string {
  return columns
    .map((column) => {
      const value = formatValue(column, row[column]);
      // Bare numbers and thresholds mean nothing without their name.
      const named = PRESENTATION[column].values.kind === 'count' || column.endsWith('Volts');
      return named ? `${PRESENTATION[column].label.toLowerCase()} ${value}` : value;
    })
    .join(' · ');
}

function barsOf(column: RunColumn, rows: readonly RunRow[], differing: readonly RunColumn[]): Bar[] {
  const configuration = differing.filter((each) => each !== 'repeat' && each !== 'seed');
  const groups = new Map<string, RunRow[]>();
  for (const row of rows) {
    const label = configuration.length === 0 ? row.strategy : labelOf(row, configuration);
    groups.set(label, [...(groups.get(label) ?? []), row]);
  }
  return [...groups].map(([label, group]) => {
    const values = group
      .filter((row) => row.status === 'finished')
      .map((row) => row[column])
      .filter((value) => typeof value === 'number');
    const statuses = [...new Set(group.filter((row) => row.status !== 'finished').map((row) => row.status))];
    return {
      label,
      strategy: group[0].strategy,
      runIds: group.map((row) => row.id),
      mean: values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
      minimum: values.length === 0 ? null : Math.min(...values),
      maximum: values.length === 0 ? null : Math.max(...values),
      note: statuses.length === 0 ? null : statuses.join(', '),
    };
  });
}
