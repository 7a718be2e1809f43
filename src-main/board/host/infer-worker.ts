/** Entry of a thread of infer-parallel.ts: groups of samples in, their outputs out. */
import { parentPort, workerData } from 'node:worker_threads';
import { BenchError, RunError } from '../../common/errors.js';
import { inferOnHost } from './host-board.js';
import type { FromHostWorker, HostGroup } from './infer-parallel.js';

const port = parentPort;
if (port === null) {
  throw new Error('infer-worker.js is started by infer-parallel.ts only');
}
const image = workerData as Uint8Array;
port.on('message', ({ first, samples }: HostGroup) => {
  const answer = (message: FromHostWorker): void => {
    port.postMessage(message);
  };
  try {
    answer({ kind: 'outputs', first, outputs: inferOnHost(image, samples) });
  } catch (error) {
    const known =
      error instanceof BenchError
        ? error
        : new RunError({
            code: 'internal',
            place: 'host evaluation',
            message: error instanceof Error ? (error.stack ?? error.message) : String(error),
            remedy: 'This is a fault of Brownout Bench; report it with this text',
          });
    answer({ kind: 'error', error: known.toJSON() });
  }
});
