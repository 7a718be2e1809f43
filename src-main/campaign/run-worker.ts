/** Entry of the thread or process in which a run is executed, so that neither window nor terminal ever waits for it. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { BenchError, RunError } from '../common/errors.js';
import { prepareRun, type PreparedRun } from './prepare.js';
import { assertBenchFits, executeRun } from './run.js';
import type { FromRunWorker, RunWorkerData, ToRunWorker } from './run-in-worker.js';

interface Parent {
  data: RunWorkerData;
  send(message: FromRunWorker): void;
  onMessage(listener: (message: ToRunWorker) => void): void;
  /** Told when the parent has gone, so that nobody waits for the run any more. */
  onGone(listener: () => void): void;
  close(): Promise<void>;
}

async function findParent(): Promise<Parent> {
  const port = parentPort;
  if (port !== null) {
    return {
      data: workerData as RunWorkerData,
      send: (message) => {
        port.postMessage(message);
      },
      onMessage: (listener) => {
        port.on('message', listener);
      },
      // A thread does not outlive its process.
      onGone: () => undefined,
      close: () => {
        port.close();
        return Promise.resolve();
      },
    };
  }
  if (process.send === undefined) {
    throw new Error('run-worker.js is started by run-host.ts only');
  }
  // Ctrl+C in a terminal reaches the whole group: the parent decides what it means, and says so.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
  const [data] = (await once(process, 'message')) as [RunWorkerData];
  let sent: Promise<void> = Promise.resolve();
  return {
    data,
    send: (message) => {
      sent = new Promise((resolve) => {
        process.send?.(message, undefined, undefined, () => {
          resolve();
        });
      });
    },
    onMessage: (listener) => {
      process.on('message', listener);
    },
    onGone: (listener) => {
      process.on('disconnect', listener);
    },
    close: async () => {
      // An outcome is large, and lost if the channel is closed while it is being sent.
      await sent;
      // Not by itself: the pipe to a watchdog whose supply could not be switched off would keep this process alive, and the
      // watchdog waiting for its end.
      process.exit();
    },
  };
}

const parent = await findParent();
const { data } = parent;
const cancel = new AbortController();
parent.onMessage((message) => {
  if (message.kind === 'cancel') {
    cancel.abort();
  }
});
parent.onGone(() => {
  cancel.abort();
});
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
      assertBenchFits(config, { profile, harvest });
    }
    parent.send({ kind: 'checked' });
  } else {
    const outcome = await executeRun(data.config, {
      signal: cancel.signal,
      campaignSha256: data.campaignSha256,
      onEvent: (event) => {
        parent.send({ kind: 'event', event });
      },
    });
    parent.send({ kind: 'outcome', outcome });
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
  parent.send({ kind: 'error', error: known.toJSON() });
} finally {
  await parent.close();
}
