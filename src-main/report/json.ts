/** The report's data as JSON: everything the store has of the runs, names as on the command line's --json. */
import { buildReport, type ReportData } from './report.js';

/** Version of the shape below; raised when a name goes or changes its meaning. */
const FORMAT_VERSION = 1;

/** Indented, ending in a line feed. Typed arrays become plain ones; numbers that are not finite become null. */
export function renderJson(data: ReportData): string {
  const report = buildReport(data);
  const document = {
    format: 'brownout-bench report',
    formatVersion: FORMAT_VERSION,
    title: report.title,
    command: report.command,
    comparison: report.comparison,
    runs: report.runs.map((run, index) => ({
      label: report.labels[index],
      ...run.row,
      config: run.config,
      predicted: run.predicted,
      provenance: run.provenance,
      results: run.results.map((result) => ({ ...result, output: Array.from(result.output) })),
      powerCycleList: run.powerCycles,
      log: run.log,
      traces: run.traces.map((trace) => ({
        ...trace,
        times: Array.from(trace.times),
        minima: Array.from(trace.minima),
        maxima: Array.from(trace.maxima),
      })),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
