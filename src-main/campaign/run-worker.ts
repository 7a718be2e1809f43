/** Entry of the worker thread in which a run is executed, so that neither window nor terminal ever waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { BenchError, RunError } from '../common/errors.js';
import { virtualSupplyLimits } from './bench/virtual-bench.js';
import { assertPowerPossible } from './check-power.js';
import { prepareRun, type PreparedRun } from './prepare.js';
import { executeRun } from './run.js';
import type { FromRunWorker, RunWorkerData, ToRunWorker } from './run-in-worker.js';

const port = parentPort;
if (port === null) {
  throw new Error('run-worker.js is started by run-in-worker.ts only');
}
const send = (message: FromRunWorker) => {
  port.postMessage(message);
};
const cancel = new AbortController();
port.on('message', (message: ToRunWorker) => {
  if (message.kind === 'cancel') {
    cancel.abort();
  }
});
const data = workerData as RunWorkerData;
try {
  if (data.task === 'check') {
    const seen = new Map<string, Pick<PreparedRun, 'profile' | 'harvest'>>();
    for (const config of data.configs) {
      if (cancel.signal.aborted) {
        throw new RunError({
          code: 'cancelled',
          place: 'campaign',
          message: 'cancelled while its inputs were checked; nothing was run',
          remedy: 'Start it again',
        });
      }
      // Thresholds and capacitors do not change what is read and compiled.
      const { modelPath, dataPath, calibrationPath, strategy, kernels, power } = config;
      const files = JSON.stringify([modelPath, dataPath, calibrationPath, strategy, kernels, power]);
      const { profile, harvest } = seen.get(files) ?? (await prepareRun(config));
      seen.set(files, { profile, harvest });
      assertPowerPossible(config, profile, harvest, virtualSupplyLimits(profile));
    }
    send({ kind: 'checked' });
  } else {
    const outcome = await executeRun(data.config, {
      signal: cancel.signal,
      campaignSha256: data.campaignSha256,
      onEvent: (event) => {
        send({ kind: 'event', event });
      },
    });
    send({ kind: 'outcome', outcome });
  }
} catch (error) {
  const known =
    error instanceof BenchError
      ? error
      : new RunError({
          code: 'internal',
          place: 'run',
          message: error instanceof Error ? (error.stack ?? error.message) : String(error),
          remedy: 'This is a fault of Brownout Bench; report it with this text',
        });
  send({ kind: 'error', error: known.toJSON() });
} finally {
  port.close();
}
