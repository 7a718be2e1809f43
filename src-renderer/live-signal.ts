import type { HistoryChange, LiveSamples, MinMaxColumns } from '../src-main/service/manifest.js';

const CHANNELS = 4;
/** The bench keeps as many; older runs are drawn from the store. */
const KEPT_RUNS = 16;

/** The window's copy of one live history. The bench bounds and folds it; here it is only cut and continued. */
export class LiveSignal {
  readonly columns: MinMaxColumns = {
    times: [],
    minima: Array.from({ length: CHANNELS }, () => []),
    maxima: Array.from({ length: CHANNELS }, () => []),
  };

  get lastSeconds(): number {
    return this.columns.times.at(-1) ?? 0;
  }

  apply({ fromIndex, columns }: HistoryChange): void {
    replaceTail(this.columns.times, fromIndex, columns.times);
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      replaceTail(this.columns.minima[channel], fromIndex, columns.minima[channel]);
      replaceTail(this.columns.maxima[channel], fromIndex, columns.maxima[channel]);
    }
  }
}

/** The live signals of the latest runs. */
export class LiveSignals {
  readonly #signals = new Map<number, LiveSignal>();
  readonly #none = new LiveSignal();

  /** Empty when nothing of the run is known (any more). */
  of(runId: number | undefined): LiveSignal {
    return (runId === undefined ? undefined : this.#signals.get(runId)) ?? this.#none;
  }

  clear(): void {
    this.#signals.clear();
  }

  apply(samples: LiveSamples): void {
    const signal = this.#signals.get(samples.runId) ?? new LiveSignal();
    signal.apply(samples);
    // To the end: those that have not changed for the longest time are given up first.
    this.#signals.delete(samples.runId);
    this.#signals.set(samples.runId, signal);
    for (const old of [...this.#signals.keys()].slice(0, -KEPT_RUNS)) {
      this.#signals.delete(old);
    }
  }
}

function replaceTail(target: number[], fromIndex: number, values: readonly number[]): void {
  target.length = Math.min(target.length, fromIndex);
  for (const value of values) {
    target.push(value);
  }
}
