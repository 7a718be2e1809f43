/** Runs a cell in a thread (or, on real instruments, a process) of its own: events while it goes on, its outcome at the end, cancel by signal. */
import { InputError, RunError, type BenchErrorDetails } from '../common/errors.js';
import { startProcess, startThread } from './run-host.js';
import type { RunHooks } from './run.js';
import type { RunConfig, RunEvent, RunOutcome } from './types.js';

/** What the thread is to do: run one cell, or only prepare several to see whether their inputs are right. */
export type RunWorkerData =
  { task: 'run'; config: RunConfig; campaignSha256: string | null } | { task: 'check'; configs: RunConfig[] };

export type ToRunWorker = { kind: 'cancel' };

export type FromRunWorker =
  | { kind: 'event'; event: RunEvent }
  | { kind: 'outcome'; outcome: RunOutcome }
  | { kind: 'checked' }
  | { kind: 'error'; error: BenchErrorDetails & { exitStatus: 1 | 2 } };

/**
 * As executeRun, in another thread.
 * @throws InputError as executeRun does; RunError when the thread dies
 */
export async function runInWorker(config: RunConfig, hooks: RunHooks): Promise<RunOutcome> {
  const { campaignSha256, signal } = hooks;
  const message = await work({ task: 'run', config, campaignSha256 }, signal, hooks.onEvent);
  if (message.kind !== 'outcome') {
    throw new Error(`a run ended with '${message.kind}'`);
  }
  return message.outcome;
}

/**
 * Prepares every configuration as a run would, and forgets the result.
 * @throws InputError for the first that cannot be prepared
 */
export async function checkInWorker(configs: RunConfig[], signal: AbortSignal): Promise<void> {
  await work({ task: 'check', configs }, signal, () => undefined);
}

/** Starts thread or process, passes events on, resolves with its last message. */
async function work(
  workerData: RunWorkerData,
  signal: AbortSignal,
  onEvent: RunHooks['onEvent'],
): Promise<FromRunWorker> {
  const real = workerData.task === 'run' && workerData.config.bench !== undefined;
  const host = real ? startProcess(workerData) : startThread(workerData);
  const cancel = () => {
    host.send({ kind: 'cancel' });
  };
  signal.addEventListener('abort', cancel);
  if (signal.aborted) {
    cancel();
  }
  try {
    return await new Promise<FromRunWorker>((resolve, reject) => {
      host.onMessage((message) => {
        if (message.kind === 'event') {
          onEvent(message.event);
        } else if (message.kind === 'error') {
          reject(
            message.error.exitStatus === 2 ? new InputError(message.error) : new RunError(message.error),
          );
        } else {
          resolve(message);
        }
      });
      host.onEnd((cause) => {
        reject(
          cause ??
            new RunError({
              code: 'worker-died',
              place: 'run',
              message: 'the thread or process of the run ended before the run did',
              remedy: 'Start the run again; if it happens twice, report it',
            }),
        );
      });
    });
  } finally {
    signal.removeEventListener('abort', cancel);
    await host.stop();
  }
}
