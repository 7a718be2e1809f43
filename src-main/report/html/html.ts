/** The report as one HTML file that needs nothing else: no script, no font, no address is loaded. */
import type { Provenance } from '../../campaign/types.js';
import { formatQuantity } from '../../common/quantity.js';
import type { RunColumn, RunRow } from '../../store/types.js';
import { PRESENTATION } from '../columns.js';
import type { ComparedMeasure } from '../compare.js';
import { formatColumn, formatCount, formatDate, formatRatio, formatValue } from '../format.js';
import { buildReport, type Report, type ReportData, type ReportRun } from '../report.js';
import { barPlot, strategyColour } from './bar-plot.js';
import { html, Markup } from './markup.js';
import { repeatCommand, shellWord } from './repeat-command.js';
import { STYLE } from './style.js';
import { voltagePlot } from './voltage-plot.js';

/** The same bytes for the same data: no date but those of the runs, no order but theirs. */
export function renderHtml(data: ReportData): string {
  const report = buildReport(data);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="generator" content="Brownout Bench" />
        <title>${report.title}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        ${header(report)} ${comparisonSection(report)} ${runsSection(report)}
        ${reproducibilitySection(report)}
        <footer>
          Made by Brownout Bench. Seconds are the bench's clock; the dates are those of the runs.
        </footer>
      </body>
    </html> `.source;
}

function header(report: Report): Markup {
  const outcomes = report.outcomes.map(({ status, runs }) => `${runs} ${status}`).join(', ');
  const period = [report.from, report.to]
    .filter((date) => date !== null)
    .map(formatDate)
    .join(' to ');
  const count = report.rows.length === 1 ? '1 run' : `${report.rows.length} runs`;
  return html`<header>
    <h1>${report.title}</h1>
    <p class="soft">${count}: ${outcomes}${period === '' ? '' : ` · ${period}`}</p>
  </header>`;
}

function comparisonSection(report: Report): Markup {
  const { comparison } = report;
  const baseline = report.rows.findIndex((row) => row.id === comparison.baselineId);
  const several = report.rows.length > 1;
  return html`<section>
    <h2>${several ? 'What differs, and what came of it' : 'What came of it'}</h2>
    ${mainTable(report)}
    ${
      several && baseline >= 0
        ? html`<p class="soft">
            × relates to run ${comparison.baselineId ?? ''} (${report.labels[baseline]}); the best finished
            run of a column is green. Latency is the mean per inference, charging included; the other measures
            are totals of the run.
          </p>`
        : html`<p class="soft">
            Latency is the mean per inference, charging included; the other measures are totals of the run.
          </p>`
    }
    ${several ? html`<div class="charts">${report.bars.map(barPlot)}</div>` : null} ${constants(report)}
  </section>`;
}

function mainTable(report: Report): Markup {
  const columns = report.columns.map((column) => ({
    column,
    formatted: formatColumn(column, report.rows),
    measure: report.comparison.measures.find((measure) => measure.column === column) ?? null,
  }));
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${columns.map(
            ({ formatted }) => html`<th${numberClass(formatted.alignRight)}>${formatted.heading}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${report.rows.map(
          (row, index) =>
            html`<tr>
              ${columns.map(({ column, formatted, measure }) =>
                cell(column, formatted.cells[index], row, ratioOf(measure, row, index, report), {
                  number: formatted.alignRight,
                  best: measure?.best === index,
                }),
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Latency and energy are what strategies are compared by; ratios of every count would drown them. */
function ratioOf(measure: ComparedMeasure | null, row: RunRow, index: number, report: Report): string | null {
  const shown: RunColumn[] = ['latencySeconds', 'activeSeconds', 'energyJoules'];
  if (
    measure === null ||
    report.rows.length < 2 ||
    !shown.includes(measure.column) ||
    row.status !== 'finished'
  ) {
    return null;
  }
  const ratio = measure.ratios[index];
  return ratio === null ? null : formatRatio(ratio);
}

function cell(
  column: RunColumn,
  text: string,
  row: RunRow,
  ratio: string | null,
  look: { number: boolean; best: boolean },
): Markup {
  if (column === 'status') {
    return html`<td class="status ${row.status}">${text}</td>`;
  }
  if (column === 'strategy') {
    return html`<td>
      <span class="key" style="background: ${strategyColour(row.strategy)}"></span>${text}
    </td>`;
  }
  const classes = [look.number ? 'number' : '', look.best ? 'best' : '']
    .filter((name) => name !== '')
    .join(' ');
  return html`<td${classes === '' ? null : html` class="${classes}"`}>${text}${ratio === null ? null : html`<span class="ratio">${ratio}</span>`}</td>`;
}

function numberClass(number: boolean): Markup | null {
  return number ? html` class="number"` : null;
}

function constants({ comparison, rows }: Report): Markup | null {
  if (comparison.constant.length === 0) {
    return null;
  }
  const facts = comparison.constant.filter(({ value }) => value !== null);
  const summary = rows.length > 1 ? 'The same in all runs' : 'Configuration';
  return html`<details>
    <summary>${summary}: ${facts.map(({ column }) => PRESENTATION[column].label).join(', ')}</summary>
    <dl class="facts">
      ${facts.map(({ column, value }) => fact(PRESENTATION[column].label, formatValue(column, value)))}
    </dl>
  </details>`;
}

function fact(label: string, value: string): Markup {
  return html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`;
}

function runsSection(report: Report): Markup {
  return html`<section>
    <h2>${report.runs.length > 1 ? 'Run by run' : 'The run'}</h2>
    ${report.runs.map((run, index) => runArticle(run, report.labels[index]))}
  </section>`;
}

function runArticle(run: ReportRun, label: string): Markup {
  const { row, measures } = run;
  const title = label.startsWith(`run ${row.id}`) ? label.replace(/^run/, 'Run') : `Run ${row.id}: ${label}`;
  const plot = voltagePlot({
    label: `Capacitor voltage and progress of run ${row.id} over time`,
    traces: run.traces,
    powerCycles: run.powerCycles,
    turnOnVolts: row.turnOnVolts,
    brownOutVolts: row.brownOutVolts,
    totalSeconds: row.totalSeconds,
  });
  return html`<article>
    <h3>${title} <span class="${row.status}">${row.status}</span></h3>
    ${row.reason === null ? null : html`<p class="reason">${row.reason}</p>`}
    ${
      measures === null
        ? html`<p class="soft">The run has no measures.</p>`
        : html`<dl class="facts">
            ${(
              [
                'latencySeconds',
                'totalSeconds',
                'energyJoules',
                'accuracy',
                'powerCycles',
                'tasksExecuted',
                'cycles',
                'predictedLatencySeconds',
                'predictedEnergyJoules',
                'predictedPowerCycles',
              ] as const
            ).map((column) =>
              fact(PRESENTATION[column].label, formatValue(column, row[column])),
            )}${powerCycleFacts(run)}
          </dl>`
    }
    ${
      plot === null
        ? html`<p class="soft">No trace was stored for this run.</p>`
        : html`<figure>
            ${plot}
            <figcaption>
              Capacitor voltage; shaded while the board was powered. Every point of the line spans the lowest
              to the highest voltage of its time.
            </figcaption>
          </figure>`
    }
    ${openingFigure(run)} ${logOf(run)}
  </article>`;
}

function openingFigure({ row, powerCycles, opening }: ReportRun): Markup | null {
  if (opening === null) {
    return null;
  }
  const first = powerCycles.slice(0, opening.powerCycles);
  const plot = voltagePlot({
    label: `The first ${opening.powerCycles} power cycles of run ${row.id}`,
    traces: opening.traces,
    powerCycles: first,
    turnOnVolts: row.turnOnVolts,
    brownOutVolts: row.brownOutVolts,
    totalSeconds: first[first.length - 1]?.offSeconds ?? null,
  });
  const caption = `The first ${opening.powerCycles} of ${formatCount(powerCycles.length)} power cycles.`;
  return plot === null
    ? null
    : html`<figure>
        ${plot}
        <figcaption>${caption}</figcaption>
      </figure>`;
}

/** How long the board lived and how long it had to wait: what decides whether a task fits. */
function powerCycleFacts({ powerCycles }: ReportRun): Markup[] {
  const on = powerCycles.flatMap(({ onSeconds, offSeconds }) =>
    offSeconds === null ? [] : [offSeconds - onSeconds],
  );
  const off = powerCycles.flatMap(({ onSeconds }, index) => {
    const failed = powerCycles[index - 1]?.offSeconds;
    return typeof failed === 'number' ? [onSeconds - failed] : [];
  });
  return [['On, median', on] as const, ['Charging, median', off] as const].flatMap(([name, seconds]) =>
    seconds.length === 0 ? [] : [fact(name, formatQuantity(median(seconds), 's'))],
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function logOf({ log }: ReportRun): Markup | null {
  if (log.length === 0) {
    return null;
  }
  const loud = log.filter((entry) => entry.level !== 'info').length;
  const note = loud === 0 ? '' : `, ${loud} of them warnings or errors`;
  return html`<details>
    <summary>Log: ${log.length === 1 ? '1 entry' : `${formatCount(log.length)} entries`}${note}</summary>
    <pre>
${log
        .map(
          (entry) =>
            `${entry.timeSeconds.toFixed(6).padStart(12)} s  ${entry.level.padEnd(7)}  ${entry.message}`,
        )
        .join('\n')}</pre>
  </details>`;
}

function reproducibilitySection(report: Report): Markup {
  return html`<section>
    <h2>To do it again</h2>
    ${
      report.command.length === 0
        ? null
        : html`<p class="soft">This report:</p>
            <pre>${report.command.map(shellWord).join(' ')}</pre>`
    }
    ${commands(report)}
    <h3>Files and versions</h3>
    ${provenanceTable(report)} ${boardProfiles(report)}
  </section>`;
}

function commands(report: Report): Markup | null {
  const lines = report.runs.flatMap((run, index) => {
    const command = repeatCommand(run.config);
    return command === null ? [] : [`# run ${run.row.id}: ${report.labels[index]}\n${command}`];
  });
  return lines.length === 0
    ? null
    : html`<details open>
        <summary>One run each, on the virtual bench</summary>
        <pre>${lines.join('\n')}</pre>
      </details>`;
}

interface ProvenanceFact {
  name: string;
  value: (provenance: Provenance) => string | null;
}

/** Each value once, with the runs it holds for, so that a reader sees at a glance what was the same. */
function provenanceTable(report: Report): Markup {
  const versions = [
    ...new Set(report.runs.flatMap((run) => Object.keys(run.provenance?.versions ?? {}))),
  ].sort();
  const facts: ProvenanceFact[] = [
    { name: 'Model SHA-256', value: (provenance) => provenance.modelSha256 },
    { name: 'Data SHA-256', value: (provenance) => provenance.dataSha256 },
    { name: 'Calibration SHA-256', value: (provenance) => provenance.calibrationSha256 },
    { name: 'Quantization', value: (provenance) => provenance.quantization ?? null },
    { name: 'Harvest trace SHA-256', value: (provenance) => provenance.harvestSha256 },
    { name: 'Image SHA-256', value: (provenance) => provenance.imageSha256 },
    { name: 'Firmware SHA-256', value: (provenance) => provenance.firmwareSha256 },
    { name: 'Campaign SHA-256', value: (provenance) => provenance.campaignSha256 },
    {
      name: 'Supply',
      value: ({ supply }) =>
        `${supply.manufacturer} ${supply.model}, serial ${supply.serial}, firmware ${supply.firmware}`,
    },
    ...versions.map((version) => ({
      name: version,
      value: (provenance: Provenance) => provenance.versions[version] ?? null,
    })),
  ];
  const rows = facts.flatMap(({ name, value }) => {
    const runsByValue = new Map<string, number[]>();
    for (const { row, provenance } of report.runs) {
      const text = provenance === null ? null : value(provenance);
      if (text !== null) {
        runsByValue.set(text, [...(runsByValue.get(text) ?? []), row.id]);
      }
    }
    return [...runsByValue].map(([text, ids]) => ({ name, text, ids }));
  });
  const all = report.runs.length;
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>What</th>
          <th>Value</th>
          <th>Runs</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, text, ids }) =>
            html`<tr>
              <td>${name}</td>
              <td><code>${text}</code></td>
              <td>${ids.length === all ? 'all' : ids.join(', ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function boardProfiles(report: Report): Markup[] {
  const profiles = new Map<string, number[]>();
  for (const { row, provenance } of report.runs) {
    if (provenance !== null) {
      const text = JSON.stringify(provenance.boardProfile, null, 2);
      profiles.set(text, [...(profiles.get(text) ?? []), row.id]);
    }
  }
  return [...profiles].map(
    ([text, ids]) =>
      html`<details>
        <summary>
          Board profile of ${ids.length === report.runs.length ? 'all runs' : `runs ${ids.join(', ')}`}
        </summary>
        <pre>${text}</pre>
      </details>`,
  );
}
