/** One thread of `npm run test:exhaustive`: does one job after the other, as they are posted. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { doJob, type Job, type JobContext, type Tally } from './jobs.js';

export interface WorkerSettings {
  /** Files with the cores that have a planted fault, by fault; empty without a compiler. */
  faultyCores: Record<string, string>;
  only: JobContext['only'];
}

export type WorkerReport =
  | { kind: 'progress'; id: string; share: number }
  | { kind: 'done'; id: string; tally: Tally; seconds: number }
  | { kind: 'failed'; id: string; message: string };

const MILLISECONDS_BETWEEN_REPORTS = 1_000;

const port = parentPort;
if (port === null) {
  throw new Error('worker.js is started by exhaustive.js');
}
const { faultyCores, only } = workerData as WorkerSettings;
const report = (message: WorkerReport): void => port.postMessage(message);

port.on('message', (job: Job) => {
  const begin = performance.now();
  let reported = begin;
  try {
    const tally = doJob(job, {
      only,
      faultyCore: (fault) =>
        fault in faultyCores ? new WebAssembly.Module(readFileSync(faultyCores[fault])) : null,
      onProgress: (share) => {
        const now = performance.now();
        if (now - reported > MILLISECONDS_BETWEEN_REPORTS) {
          reported = now;
          report({ kind: 'progress', id: job.id, share });
        }
      },
    });
    report({ kind: 'done', id: job.id, tally, seconds: (performance.now() - begin) / 1000 });
  } catch (error) {
    report({ kind: 'failed', id: job.id, message: error instanceof Error ? error.message : String(error) });
  }
});
