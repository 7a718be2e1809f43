/** Evaluation on all cores: samples are dealt to worker threads in small groups; outputs are those of inferOnHost, in order. */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InputError, RunError, type BenchErrorDetails } from '../../common/errors.js';
import { inferOnHost } from './host-board.js';

/** What a thread is given to do; `first` is the index of the group's first sample. */
export interface HostGroup {
  first: number;
  samples: readonly Int8Array[];
}

export type FromHostWorker =
  | { kind: 'outputs'; first: number; outputs: Int8Array[] }
  | { kind: 'error'; error: BenchErrorDetails & { exitStatus: 1 | 2 } };

export interface HostInferenceOptions {
  /** Threads; default: one per core that this process may use. */
  cores?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Samples between two looks at progress and cancellation, at most. */
const LARGEST_GROUP = 64;
/** Groups per thread, so that a slow core does not keep the others waiting at the end. */
const GROUPS_PER_THREAD = 8;
/** A thread takes some tens of milliseconds to start: with fewer samples than this for each, it is not worth it. */
const FEWEST_SAMPLES = 8;

/**
 * @param samples one quantized input each, as long as the image's input
 * @returns the int8 outputs, in order
 * @throws InputError as inferOnHost; RunError when a thread dies; the signal's reason when aborted
 */
export async function inferOnAllCores(
  image: Uint8Array,
  samples: readonly Int8Array[],
  { cores = availableParallelism(), onProgress, signal }: HostInferenceOptions = {},
): Promise<Int8Array[]> {
  const threads = Math.min(cores, Math.floor(samples.length / FEWEST_SAMPLES));
  const size = Math.min(
    LARGEST_GROUP,
    Math.ceil(samples.length / (Math.max(threads, 1) * GROUPS_PER_THREAD)),
  );
  const groups = Array.from({ length: Math.ceil(samples.length / size) }, (_, g): HostGroup => {
    const first = g * size;
    return { first, samples: samples.slice(first, first + size) };
  }).values();
  const outputs: Int8Array[] = [];
  let done = 0;
  const take = ({ first, outputs: some }: { first: number; outputs: readonly Int8Array[] }): void => {
    some.forEach((output, i) => {
      outputs[first + i] = output;
    });
    done += some.length;
    onProgress?.(done, samples.length);
  };
  if (threads <= 1) {
    for (const group of groups) {
      signal?.throwIfAborted();
      take({ first: group.first, outputs: inferOnHost(image, group.samples) });
      // Lets Ctrl+C through.
      await nextTurn();
    }
    return outputs;
  }
  signal?.throwIfAborted();
  // One that fails ends the others: nobody would wait for them.
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const results = await Promise.allSettled(
    Array.from({ length: threads }, () =>
      runThread(image, groups, take, stop).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal?.throwIfAborted();
  if (results.some(({ status }) => status === 'rejected')) {
    throw failed.signal.reason;
  }
  return outputs;
}

/** One thread that works through groups until there are none, or `stop` is aborted. */
async function runThread(
  image: Uint8Array,
  groups: Iterator<HostGroup>,
  take: (done: { first: number; outputs: readonly Int8Array[] }) => void,
  stop: AbortSignal,
): Promise<void> {
  const worker = new Worker(new URL('./infer-worker.js', import.meta.url), { workerData: image });
  let onAbort: (() => void) | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const group = groups.next();
        if (group.done === true) {
          resolve();
        } else {
          worker.postMessage(group.value);
        }
      };
      onAbort = () => {
        reject(stop.reason as Error);
      };
      stop.addEventListener('abort', onAbort);
      worker.on('message', (message: FromHostWorker) => {
        if (message.kind === 'error') {
          const { error } = message;
          reject(error.exitStatus === 2 ? new InputError(error) : new RunError(error));
          return;
        }
        take(message);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(
          new RunError({
            code: 'worker-died',
            place: 'host evaluation',
            message: 'a thread ended before its work did',
            remedy: 'Start it again; if it happens twice, report it',
          }),
        );
      });
      next();
    });
  } finally {
    if (onAbort !== null) {
      stop.removeEventListener('abort', onAbort);
    }
    await worker.terminate();
  }
}
