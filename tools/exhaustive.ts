/**
 * `npm run test:exhaustive`: cuts the power of host board and virtual Pico at every place the plan of jobs names, on all
 * cores, and says how often, how long it took, and whether anything of it ever showed. Exit status 1 if it did.
 *
 * `npm run test:exhaustive -- fuzz` damages models instead: tools/fuzz.ts.
 *
 *     --only TEXT        jobs whose id contains it, e.g. host:digits:tile
 *     --seed N           of all random choices (default 1)
 *     --sample N         about an Nth of everything, for a quick look
 *     --cut W:B          with --only host:...: this cut alone, at byte B of NVM write W
 *     --then W:B         and a second one, at a write counted from the restart
 */
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { STRATEGIES } from '../src-main/compiler/plan.js';
import type { Cut } from './exhaustive/host-cuts.js';
import { listJobs, type Job, type JobKind, type Tally } from './exhaustive/jobs.js';
import { availableModels, MODEL_NAMES } from './exhaustive/models.js';
import type { WorkerReport, WorkerSettings } from './exhaustive/worker.js';
import { fuzzCommand } from './fuzz.js';
import { buildHostCore, hasHostCompiler, PLANTED_FAULTS, type PlantedFault } from './firmware/host.js';

const SECONDS_BETWEEN_NEWS = 30;
const KINDS: Record<JobKind, string> = {
  host: 'Host board, cuts at NVM writes',
  line: 'Host board, cuts with a line that loses, doubles and delays',
  pico: 'Virtual Pico, cuts at random cycles',
  fault: 'Planted faults',
};

interface Outcome {
  job: Job;
  tally: Tally;
  seconds: number;
}

interface Failure {
  job: Job;
  message: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      seed: { type: 'string', default: '1' },
      sample: { type: 'string', default: '1' },
      cut: { type: 'string' },
      then: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const jobs = listJobs({ seed, sample: Number(values.sample) }).filter(({ id }) => id.includes(values.only));
  if (jobs.length === 0) {
    console.error(`test:exhaustive: no job's id contains "${values.only}"`);
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'planted-faults-'));
  const begin = performance.now();
  try {
    const missing = MODEL_NAMES.filter((name) => !availableModels().includes(name));
    const threads = Math.min(availableParallelism(), jobs.length);
    console.log(
      `${jobs.length} jobs in ${threads} threads, seed ${seed}; strategies ${STRATEGIES.join(', ')}; models ${availableModels().join(', ')}`,
    );
    if (missing.length > 0) {
      console.log(`Left out, no folder "shared" beside the checkout: ${missing.join(', ')}`);
    }
    const faultsAsked = jobs.some(({ kind }) => kind === 'fault');
    const faultyCores = faultsAsked ? await buildFaultyCores(folder) : {};
    const settings: WorkerSettings = {
      faultyCores,
      only: values.cut
        ? { cut: parseCut(values.cut), second: values.then ? parseCut(values.then) : null }
        : null,
    };
    const { outcomes, failures } = await runAll(jobs, threads, settings);
    printSummary(outcomes);
    const minutes = (performance.now() - begin) / 60_000;
    for (const { job, message } of failures) {
      console.log(`FAILED ${job.id}: ${message}`);
      console.log(`  again: ${commandFor(job, message, seed)}`);
    }
    console.log(
      failures.length === 0
        ? `\nNo wrong bit, no lost result, no doubled result. ${minutes.toFixed(1)} minutes.`
        : `\n${failures.length} of ${jobs.length} jobs FAILED. ${minutes.toFixed(1)} minutes.`,
    );
    if (faultsAsked && Object.keys(faultyCores).length === 0) {
      console.log(
        'The planted faults were NOT tried: clang and lld are needed to build them (apt-get install clang lld).',
      );
    }
    process.exitCode = failures.length === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function buildFaultyCores(folder: string): Promise<Record<string, string>> {
  const cores: Record<string, string> = {};
  if (await hasHostCompiler()) {
    for (const fault of Object.keys(PLANTED_FAULTS) as PlantedFault[]) {
      const target = join(folder, String(PLANTED_FAULTS[fault]));
      await mkdir(target);
      await buildHostCore(target, fault);
      cores[fault] = join(target, 'core.wasm');
    }
  }
  return cores;
}

function runAll(
  jobs: readonly Job[],
  threads: number,
  settings: WorkerSettings,
): Promise<{ outcomes: Outcome[]; failures: Failure[] }> {
  const waiting = [...jobs];
  const outcomes: Outcome[] = [];
  const failures: Failure[] = [];
  const shares = new Map<string, number>();
  const news = setInterval(() => {
    const running = [...shares].map(([id, share]) => `${id} ${Math.floor(100 * share)} %`);
    console.log(`... ${outcomes.length + failures.length} of ${jobs.length} done; ${running.join(', ')}`);
  }, 1000 * SECONDS_BETWEEN_NEWS);
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./exhaustive/worker.js', import.meta.url), { workerData: settings });
      let current: Job | undefined;
      const next = (): void => {
        current = waiting.shift();
        if (current === undefined) {
          void worker.terminate().then(() => resolve());
        } else {
          shares.set(current.id, 0);
          worker.postMessage(current);
        }
      };
      worker.on('error', reject);
      worker.on('message', (report: WorkerReport) => {
        if (report.kind === 'progress') {
          shares.set(report.id, report.share);
          return;
        }
        shares.delete(report.id);
        if (current !== undefined && report.kind === 'done') {
          outcomes.push({ job: current, tally: report.tally, seconds: report.seconds });
          console.log(lineOf(current.id, report.tally, report.seconds));
        } else if (current !== undefined && report.kind === 'failed') {
          failures.push({ job: current, message: report.message });
          console.log(`${current.id.padEnd(32)} FAILED: ${report.message}`);
        }
        next();
      });
      next();
    });
  return Promise.all(Array.from({ length: threads }, thread))
    .then(() => ({ outcomes, failures }))
    .finally(() => clearInterval(news));
}

function lineOf(id: string, tally: Tally, seconds: number): string {
  const parts = Object.entries(tally)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${(count ?? 0).toLocaleString('en')} ${name}`);
  return `${id.padEnd(32)} ${parts.join(', ')}; ${seconds.toFixed(1)} s`;
}

function printSummary(outcomes: readonly Outcome[]): void {
  for (const [kind, title] of Object.entries(KINDS)) {
    const own = outcomes.filter(({ job }) => job.kind === kind);
    if (own.length === 0) {
      continue;
    }
    const total: Record<string, number> = {};
    for (const { tally } of own) {
      for (const [name, count] of Object.entries(tally)) {
        total[name] = (total[name] ?? 0) + (count ?? 0);
      }
    }
    const seconds = own.reduce((sum, outcome) => sum + outcome.seconds, 0);
    console.log(`\n${title} (${own.length} jobs)`);
    console.log(lineOf('', total, seconds).trim());
    if (kind === 'fault') {
      for (const fault of Object.keys(PLANTED_FAULTS)) {
        const cuts = own
          .filter(({ job }) => job.fault === fault)
          .map(({ job, tally }) => `${job.strategy} ${tally['cuts until caught'] ?? '-'}`);
        console.log(`  ${fault}: caught after so many cuts: ${cuts.join(', ')}`);
      }
    }
  }
}

/** One line that does the failed thing again. */
function commandFor(job: Job, message: string, seed: number): string {
  const cut = /^cut (\d+:\d+)(?: then (\d+:\d+))?:/.exec(message);
  const where = job.kind === 'host' && cut ? ` --cut ${cut[1]}${cut[2] ? ` --then ${cut[2]}` : ''}` : '';
  return `npm run test:exhaustive -- --seed ${seed} --only "${job.id}"${where}`;
}

function parseCut(text: string): Cut {
  const [write, bytes] = text.split(':').map(Number);
  if (!Number.isInteger(write) || !Number.isInteger(bytes)) {
    throw new Error(`"${text}" is no cut; 12:5 is byte 5 of write 12`);
  }
  return { write, bytes };
}

if (process.argv[2] === 'fuzz') {
  fuzzCommand(process.argv.slice(3));
} else {
  await main();
}
