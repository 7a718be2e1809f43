/** Evaluation on all cores: samples are dealt to worker threads in small groups; outputs are those of inferOnHost, in order. */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mapInThreads } from '../../common/thread-pool.js';
import { inferOnHost } from './host-board.js';

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
  const groups = Array.from({ length: Math.ceil(samples.length / size) }, (_, g) =>
    samples.slice(g * size, (g + 1) * size),
  );
  let done = 0;
  const count = (outputs: readonly Int8Array[]): void => {
    done += outputs.length;
    onProgress?.(done, samples.length);
  };
  if (threads > 1) {
    const script = new URL('./infer-worker.js', import.meta.url);
    const outputs = await mapInThreads<Int8Array[]>(script, image, groups, {
      threads,
      place: 'host evaluation',
      onResult: count,
      ...(signal === undefined ? {} : { signal }),
    });
    return outputs.flat();
  }
  const outputs: Int8Array[] = [];
  for (const group of groups) {
    signal?.throwIfAborted();
    const some = inferOnHost(image, group);
    outputs.push(...some);
    count(some);
    // Lets Ctrl+C through.
    await nextTurn();
  }
  return outputs;
}
