/** Work dealt to threads, item by item. */
import { parentPort, Worker, workerData as ownData } from 'node:worker_threads';
import { BenchError, InputError, RunError, type BenchErrorDetails } from './errors.js';

interface ToThread {
  index: number;
  item: unknown;
}

type FromThread =
  | { kind: 'result'; index: number; result: unknown }
  | { kind: 'error'; error: BenchErrorDetails & { exitStatus: 1 | 2 } };

export interface ThreadPoolOptions<Result> {
  threads: number;
  /** What it is that works, for errors. */
  place: string;
  onResult?: (result: Result, index: number) => void;
  signal?: AbortSignal;
}

/**
 * Gives every item to a thread that is free, started from a script that calls `serveItems`.
 *
 * @param workerData what every thread gets at its start
 * @returns results in the order of the items
 * @throws InputError or RunError that a thread met, or of a thread that died; the signal's reason when aborted. No thread is
 *   left behind
 */
export async function mapInThreads<Result>(
  script: URL,
  workerData: unknown,
  items: readonly unknown[],
  { threads, place, onResult, signal }: ThreadPoolOptions<Result>,
): Promise<Result[]> {
  signal?.throwIfAborted();
  const results: Result[] = [];
  const queue = items.entries();
  // One that fails ends the others: nobody would wait for them.
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const lanes = await Promise.allSettled(
    Array.from({ length: Math.min(threads, items.length) }, () =>
      runThread(script, workerData, { queue, place, stop }, (index, result) => {
        results[index] = result as Result;
        onResult?.(result as Result, index);
      }).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal?.throwIfAborted();
  if (lanes.some(({ status }) => status === 'rejected')) {
    throw failed.signal.reason;
  }
  return results;
}

/** One thread that takes items until there are none, or `stop` is aborted. */
async function runThread(
  script: URL,
  workerData: unknown,
  { queue, place, stop }: { queue: Iterator<[number, unknown]>; place: string; stop: AbortSignal },
  take: (index: number, result: unknown) => void,
): Promise<void> {
  const worker = new Worker(script, { workerData });
  let onAbort: (() => void) | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const entry = queue.next();
        if (entry.done === true) {
          resolve();
        } else {
          const [index, item] = entry.value;
          worker.postMessage({ index, item } satisfies ToThread);
        }
      };
      onAbort = () => {
        reject(stop.reason as Error);
      };
      stop.addEventListener('abort', onAbort);
      worker.on('message', (message: FromThread) => {
        if (stop.aborted) {
          return;
        }
        if (message.kind === 'error') {
          const { error } = message;
          reject(error.exitStatus === 2 ? new InputError(error) : new RunError(error));
          return;
        }
        take(message.index, message.result);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(
          new RunError({
            code: 'worker-died',
            place,
            message: 'a thread ended before its work did',
            remedy: 'Start it again; if it happens twice, report it',
          }),
        );
      });
      if (stop.aborted) {
        onAbort();
      } else {
        next();
      }
    });
  } finally {
    if (onAbort !== null) {
      stop.removeEventListener('abort', onAbort);
    }
    await worker.terminate();
  }
}

/**
 * The other side: answers every item with what `handle` makes of it, one after the other.
 *
 * @param prepare makes what `handle` needs from the thread's data, once
 */
export async function serveItems<Prepared>(
  place: string,
  prepare: (data: unknown) => Prepared | Promise<Prepared>,
  handle: (prepared: Prepared, item: unknown) => unknown,
): Promise<void> {
  const port = parentPort;
  if (port === null) {
    throw new Error(`${place}: started outside of a thread`);
  }
  const fail = (error: unknown): void => {
    const known =
      error instanceof BenchError
        ? error
        : new RunError({
            code: 'internal',
            place,
            message: error instanceof Error ? (error.stack ?? error.message) : String(error),
            remedy: 'This is a fault of Brownout Bench; report it with this text',
          });
    port.postMessage({ kind: 'error', error: known.toJSON() } satisfies FromThread);
  };
  try {
    const prepared = await prepare(ownData);
    port.on('message', ({ index, item }: ToThread) => {
      Promise.resolve()
        .then(() => handle(prepared, item))
        .then((result) => {
          port.postMessage({ kind: 'result', index, result } satisfies FromThread);
        }, fail)
        .catch(fail);
    });
  } catch (error) {
    fail(error);
  }
}
