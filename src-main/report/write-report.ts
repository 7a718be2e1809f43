/** Reports into files: the extension says which kind. */
import { extname } from 'node:path';
import type { TraceChannel } from '../campaign/types.js';
import { InputError } from '../common/errors.js';
import { writeWhole } from '../common/write-whole.js';
import type { RunDetail, TraceWindow } from '../store/types.js';
import { renderCsv } from './csv.js';
import { renderHtml } from './html/html.js';
import { renderJson } from './json.js';
import type { ReportData, ReportRun } from './report.js';

const FORMATS: Readonly<Record<string, (data: ReportData) => string>> = {
  '.html': renderHtml,
  '.csv': (data) => renderCsv(data.runs),
  '.json': renderJson,
};

/** Points per trace in a report: more than a plot has pixels. */
const REPORT_TRACE_POINTS = 1200;
/** From so many power cycles on, a plot of the whole run shows a band rather than cycles. */
const CROWDED_POWER_CYCLES = 60;
const OPENING_POWER_CYCLES = 10;

/** What a report needs of a store. */
export interface RunSource {
  getRun(id: number): Promise<RunDetail>;
  getTrace(
    runId: number,
    channel: TraceChannel['channel'],
    window?: TraceWindow,
  ): Promise<TraceChannel | null>;
}

/**
 * Reads runs with their traces, in the order asked for; a run asked for twice comes once.
 *
 * @throws InputError `no-such-run`
 */
export async function readReportRuns(source: RunSource, runIds: readonly number[]): Promise<ReportRun[]> {
  const runs: ReportRun[] = [];
  for (const id of new Set(runIds)) {
    const detail = await source.getRun(id);
    const traces = await Promise.all(
      detail.channels.map((channel) => source.getTrace(id, channel, { maxPoints: REPORT_TRACE_POINTS })),
    );
    const opening = await readOpening(source, detail);
    runs.push({ ...detail, traces: traces.filter((trace) => trace !== null), opening });
  }
  return runs;
}

async function readOpening(
  source: RunSource,
  { row, powerCycles, channels }: RunDetail,
): Promise<ReportRun['opening']> {
  const end = powerCycles[OPENING_POWER_CYCLES - 1]?.offSeconds;
  if (powerCycles.length < CROWDED_POWER_CYCLES || typeof end !== 'number') {
    return null;
  }
  const traces = await Promise.all(
    channels.map((channel) => source.getTrace(row.id, channel, { to: end, maxPoints: REPORT_TRACE_POINTS })),
  );
  return { powerCycles: OPENING_POWER_CYCLES, traces: traces.filter((trace) => trace !== null) };
}

/**
 * Writes a report, whole or not at all.
 *
 * @param path its extension chooses the format: .html, .csv or .json
 * @throws InputError `unknown-report-format`, `no-runs`, `cannot-write`
 */
export async function writeReport(path: string, data: ReportData): Promise<void> {
  const render = reportFormat(path);
  if (data.runs.length === 0) {
    throw new InputError({
      code: 'no-runs',
      place: path,
      message: 'there are no runs to report',
      remedy: 'Name at least one run; list them with: brownout runs',
    });
  }
  await writeWhole(path, render(data));
}

/** Checks the extension before any work is done for it. @throws InputError `unknown-report-format` */
export function assertReportFormat(path: string): void {
  reportFormat(path);
}

function reportFormat(path: string): (data: ReportData) => string {
  const extension = extname(path).toLowerCase();
  if (Object.hasOwn(FORMATS, extension)) {
    return FORMATS[extension];
  }
  throw new InputError({
    code: 'unknown-report-format',
    place: path,
    message: extension === '' ? 'the file name has no extension' : `"${extension}" is no kind of report`,
    remedy: `Give a file name ending in ${Object.keys(FORMATS).join(', ')}`,
  });
}
