import type { LiveSamples, MinMaxColumns } from '../src-main/service/manifest.js';

const CHANNELS = 4;

/** The window's copy of the live history. The bench bounds and folds it; here it is only cut and continued. */
export class LiveSignal {
  runId: number | null = null;
  #columns: MinMaxColumns = empty();

  get columns(): MinMaxColumns {
    return this.#columns;
  }

  get lastSeconds(): number {
    return this.#columns.times.at(-1) ?? 0;
  }

  clear(runId: number | null): void {
    this.runId = runId;
    this.#columns = empty();
  }

  apply({ runId, fromIndex, columns }: LiveSamples): void {
    if (runId !== this.runId) {
      this.clear(runId);
    }
    replaceTail(this.#columns.times, fromIndex, columns.times);
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      replaceTail(this.#columns.minima[channel], fromIndex, columns.minima[channel]);
      replaceTail(this.#columns.maxima[channel], fromIndex, columns.maxima[channel]);
    }
  }
}

function replaceTail(
  target: number[] | undefined,
  fromIndex: number,
  values: readonly number[] | undefined,
): void {
  if (target && values) {
    target.length = Math.min(target.length, fromIndex);
    for (const value of values) {
      target.push(value);
    }
  }
}

function empty(): MinMaxColumns {
  const lists = (): number[][] => Array.from({ length: CHANNELS }, () => []);
  return { times: [], minima: lists(), maxima: lists() };
}
