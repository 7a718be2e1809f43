import { InputError } from '../../src-main/common/errors.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { lower } from '../../src-main/compiler/2-quantize/index.js';
import { inspectGraph } from '../../src-main/compiler/inspect.js';
import { validateGraph } from '../../src-main/compiler/validate.js';
import { mutation, type Mutation, type Original } from './mutations.js';

/** Nothing may take longer. */
export const LIMIT_MILLISECONDS = 1000;
/** Resident memory of the whole process may never be more. */
export const LIMIT_MEMORY_BYTES = 1 << 30;

const MEASURED_EVERY = 1000;

export interface FuzzTally {
  inputs: number;
  imported: number;
  /** Refused, by the code of the error. */
  refused: Record<string, number>;
  byKind: Record<string, number>;
  slowestMilliseconds: number;
  slowestSeed: number;
  peakMemoryBytes: number;
}

/**
 * Tries the inputs `first` .. `first + count - 1`: each either becomes a valid graph, before and after lowering, or is refused
 * with an InputError of one line that names the file.
 *
 * @throws Error naming the seed of the first input that does anything else, or takes too long or too much memory
 */
export function fuzz(
  originals: readonly Original[],
  first: number,
  count: number,
  onProgress?: (tally: FuzzTally) => void,
): FuzzTally {
  const tally: FuzzTally = {
    inputs: 0,
    imported: 0,
    refused: {},
    byKind: {},
    slowestMilliseconds: 0,
    slowestSeed: -1,
    peakMemoryBytes: 0,
  };
  for (let seed = first; seed < first + count; seed++) {
    const input = mutation(originals, seed);
    const begin = performance.now();
    const code = outcomeOf(input, seed);
    let elapsed = performance.now() - begin;
    if (elapsed > LIMIT_MILLISECONDS) {
      // Others use this machine too: only what is slow twice is slow.
      const again = performance.now();
      outcomeOf(input, seed);
      elapsed = performance.now() - again;
    }
    if (elapsed > LIMIT_MILLISECONDS) {
      throw new Error(`input ${seed} (${input.kind} of ${input.original}) took ${Math.round(elapsed)} ms`);
    }
    if (code === null) {
      tally.imported++;
    } else {
      tally.refused[code] = (tally.refused[code] ?? 0) + 1;
    }
    tally.byKind[input.kind] = (tally.byKind[input.kind] ?? 0) + 1;
    tally.inputs++;
    if (elapsed > tally.slowestMilliseconds) {
      tally.slowestMilliseconds = elapsed;
      tally.slowestSeed = seed;
    }
    if (tally.inputs % MEASURED_EVERY === 0) {
      tally.peakMemoryBytes = Math.max(tally.peakMemoryBytes, process.memoryUsage.rss());
      if (tally.peakMemoryBytes > LIMIT_MEMORY_BYTES) {
        throw new Error(`input ${seed}: the process takes ${tally.peakMemoryBytes} bytes`);
      }
      onProgress?.(tally);
    }
  }
  return tally;
}

/** The code of the error that refuses an input; null when it becomes a valid graph. */
function outcomeOf({ bytes, fileName, kind, original }: Mutation, seed: number): string | null {
  const where = `input ${seed} (${kind} of ${original})`;
  try {
    const graph = importModel(bytes, fileName);
    const lowered = lower(graph);
    validateGraph(lowered, fileName);
    inspectGraph(lowered);
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) {
      throw new Error(
        `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        {
          cause: error,
        },
      );
    }
    if (!error.place.startsWith(fileName) || /\p{Cc}/u.test(error.message)) {
      throw new Error(`${where}: an error that does not name the file in one line: ${error.message}`, {
        cause: error,
      });
    }
    return error.code;
  }
}
