/** run, demo, runs, compare, report. */
import { dirname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { CampaignEvent } from '../../campaign/engine.js';
import { defaultDatabasePath } from '../../common/data-folder.js';
import { makeFolder } from '../../common/make-folder.js';
import { resourcePath } from '../../common/resources.js';
import { compareRuns } from '../../report/compare.js';
import { visible } from '../../report/format.js';
import { renderRunTable } from '../../report/table.js';
import { renderComparison } from '../../report/comparison-table.js';
import { listRuns, readRuns, reportRuns } from '../../service/archive.js';
import { runCampaignFile, type CampaignFileResult } from '../../service/campaign-file.js';
import { countOption, jsonOption } from './options.js';
import { cancellable, printJson, ProgressLine, terminalWidth } from './terminal.js';

export function addCampaignCommands(program: Command): void {
  program
    .command('run <campaign>')
    .description('run a campaign file; what an earlier call has finished is not run again')
    .requiredOption('--db <file>', 'database to store the runs in; made if it is not there')
    .option('--again', 'run every cell, also the finished ones')
    .addOption(
      new Option('--jobs <n>', 'runs at the same time (default: all cores)').argParser(
        countOption('--jobs', 1),
      ),
    )
    .addOption(jsonOption())
    .action(
      async (campaign: string, options: { db: string; again?: boolean; jobs?: number; json?: boolean }) => {
        const result = await runWithProgress(
          campaign,
          options.db,
          options.again ?? false,
          options.jobs ?? null,
        );
        if (options.json) {
          printJson({ campaignId: result.campaignId, skippedRuns: result.skippedRuns, runs: result.rows });
        } else {
          printCampaign(result, options.db);
        }
        setExitStatus(result);
      },
    );

  program
    .command('demo')
    .description('the whole way once: compile the bundled model, run the example campaign, store, report')
    .option(
      '--db <file>',
      'database to store the runs in',
      join(dirname(defaultDatabasePath()), 'demo.sqlite'),
    )
    .action(async ({ db }: { db: string }) => {
      await makeFolder(dirname(resolve(db)));
      const campaign = resourcePath('dist', 'examples', 'example-campaign.yaml');
      console.log(`Campaign ${campaign}`);
      console.log(
        'Virtual bench: a simulated Raspberry Pi Pico runs the real firmware from a simulated capacitor.\n',
      );
      const startedAt = performance.now();
      const result = await runWithProgress(campaign, db, true, null);
      printCampaign(result, db);
      const report = join(dirname(resolve(db)), `demo-campaign-${result.campaignId}.html`);
      await reportRuns(
        db,
        result.rows.map((row) => row.id),
        report,
        ['brownout', 'demo', '--db', db],
      );
      console.log(`Report    ${report}`);
      console.log(`Time      ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
      console.log(`\nMore:     brownout runs --db ${db}      npm start`);
      setExitStatus(result);
    });

  program
    .command('runs')
    .description('list stored runs')
    .requiredOption('--db <file>', 'database')
    .option('--where <filter>', 'for example "strategy=tile powerCycles>3"', '')
    .addOption(
      new Option('--limit <n>', 'most runs to show').default(100).argParser(countOption('--limit', 1)),
    )
    .addOption(jsonOption())
    .action(async (options: { db: string; where: string; limit: number; json?: boolean }) => {
      const { rows, total } = await listRuns(options.db, options.where, options.limit);
      if (options.json) {
        printJson({ total, runs: rows });
        return;
      }
      process.stdout.write(renderRunTable(rows, undefined, terminalWidth()));
      if (rows.length < total) {
        console.log(`${rows.length} of ${total} runs; --limit shows more`);
      }
    });

  program
    .command('compare <run...>')
    .description('what differs between stored runs, the first being the baseline')
    .requiredOption('--db <file>', 'database')
    .addOption(jsonOption())
    .action(async (ids: string[], options: { db: string; json?: boolean }) => {
      const rows = (await readRuns(options.db, ids.map(countOption('run', 1)))).map((run) => run.row);
      if (options.json) {
        printJson(compareRuns(rows));
      } else {
        process.stdout.write(renderComparison(rows, terminalWidth()));
      }
    });

  program
    .command('report <run...>')
    .description('write a report of stored runs: .html (self-contained), .csv or .json')
    .requiredOption('--db <file>', 'database')
    .requiredOption('--out <file>', 'file to write; its ending chooses the form')
    .addOption(jsonOption())
    .action(async (ids: string[], options: { db: string; out: string; json?: boolean }) => {
      const runs = ids.map(countOption('run', 1));
      await reportRuns(options.db, runs, options.out, ['brownout', ...process.argv.slice(2)]);
      if (options.json) {
        printJson({ out: options.out, runs });
      } else {
        console.log(`Report of ${runs.length} runs: ${resolve(options.out)}`);
      }
    });
}

function printCampaign(result: CampaignFileResult, databasePath: string): void {
  process.stdout.write(renderRunTable(result.rows, undefined, terminalWidth()));
  for (const { id, status, reason } of result.rows) {
    if (reason !== null) {
      console.log(`\nRun ${id} ${status}: ${visible(reason)}`);
    }
  }
  if (result.campaignId === null) {
    console.log(
      `\nAll ${result.totalRuns} runs of this campaign were already stored; --again runs them anew.`,
    );
  } else if (result.skippedRuns > 0) {
    console.log(`\n${result.skippedRuns} of ${result.totalRuns} runs were already stored and not run again.`);
  }
  const campaign = result.campaignId === null ? '' : ` (campaign ${result.campaignId})`;
  console.log(`\nRuns      ${resolve(databasePath)}${campaign}`);
}

/** A run that does not terminate is a finding, not a failure; a failed one makes the command fail. */
function setExitStatus(result: CampaignFileResult): void {
  if (result.rows.some((row) => row.status === 'failed')) {
    process.exitCode = 1;
  }
}

async function runWithProgress(
  campaignPath: string,
  databasePath: string,
  again: boolean,
  parallelRuns: number | null,
): Promise<CampaignFileResult> {
  const line = new ProgressLine();
  const view = new CampaignView(line);
  try {
    return await cancellable((signal) =>
      runCampaignFile(
        { campaignPath, databasePath, again, parallelRuns },
        {
          signal,
          onEvent: (event) => {
            view.take(event);
          },
        },
      ),
    );
  } finally {
    line.clear();
  }
}

/** Progress over all cells: finished ones count 1, running ones their share. */
class CampaignView {
  #total = 1;
  #done = 0;
  readonly #running = new Map<number, { label: string; fraction: number }>();

  constructor(private readonly line: ProgressLine) {}

  take(event: CampaignEvent): void {
    switch (event.kind) {
      case 'run-started':
        this.#total = event.total;
        this.#running.set(event.runId, { label: event.label, fraction: 0 });
        break;
      case 'run-event': {
        const run = this.#running.get(event.runId);
        if (run && event.event.kind === 'samples') {
          run.fraction = event.event.samples[event.event.samples.length - 1].progress;
        }
        break;
      }
      case 'run-finished':
        this.#running.delete(event.runId);
        this.#done++;
        break;
      case 'campaign-finished':
        return;
    }
    const running = [...this.#running.values()];
    const fraction = (this.#done + running.reduce((sum, run) => sum + run.fraction, 0)) / this.#total;
    this.line.show(
      fraction,
      `${this.#done} of ${this.#total} runs · ${running.map((run) => run.label).join(' | ')}`,
    );
  }
}
