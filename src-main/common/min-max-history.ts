/** Columns of several channels over the same times: per bucket the least and the greatest value that fell into it. */
export interface MinMaxColumns {
  /** Time of the first value of each bucket, seconds, ascending. */
  times: number[];
  /** Per channel, per bucket. */
  minima: number[][];
  maxima: number[][];
}

/** What turns an older copy of a history into the present one: cut it to `fromIndex` buckets, then append `columns`. */
export interface HistoryChange {
  fromIndex: number;
  columns: MinMaxColumns;
}

/**
 * A bounded record of signals of any length: buckets at least `widthSeconds` apart until they are used up; then the
 * width grows and neighbours merge. A spike of one sample is so still seen after hours, while memory and drawing time
 * never exceed `capacity` buckets.
 */
export class MinMaxHistory {
  readonly #channels: number;
  readonly #capacity: number;
  readonly #firstWidthSeconds: number;
  #widthSeconds: number;
  #columns: MinMaxColumns;
  /** Buckets before this index are as they were at the last `takeChange`. */
  #unchanged = 0;

  /**
   * @param channels values that belong to every instant
   * @param capacity the most buckets ever held, at least 4
   * @param widthSeconds of a bucket before any merging; 0 gives every instant one of its own
   */
  constructor(channels: number, capacity: number, widthSeconds = 0) {
    this.#firstWidthSeconds = widthSeconds;
    this.#widthSeconds = widthSeconds;
    this.#channels = channels;
    this.#capacity = Math.max(4, capacity);
    this.#columns = emptyColumns(channels);
  }

  /** Present width of a bucket: how far two instants may be apart and still share one. */
  get widthSeconds(): number {
    return this.#widthSeconds;
  }

  /** The buckets so far: a view for reading, which changes with the next append. */
  get columns(): MinMaxColumns {
    return this.#columns;
  }

  /** Adds one instant. Times that run backwards fall into the last bucket. */
  append(timeSeconds: number, values: readonly number[]): void {
    if (this.#columns.times.length >= this.#capacity) {
      this.#fold();
    }
    this.#put(timeSeconds, values, values);
  }

  clear(): void {
    this.#columns = emptyColumns(this.#channels);
    this.#widthSeconds = this.#firstWidthSeconds;
    this.#unchanged = 0;
  }

  /** What has changed since the last call; null when nothing has. */
  takeChange(): HistoryChange | null {
    const { times, minima, maxima } = this.#columns;
    const fromIndex = this.#unchanged;
    if (fromIndex === times.length) {
      return null;
    }
    // The last bucket may still grow, which `#put` then notes.
    this.#unchanged = times.length;
    return {
      fromIndex,
      columns: {
        times: times.slice(fromIndex),
        minima: minima.map((values) => values.slice(fromIndex)),
        maxima: maxima.map((values) => values.slice(fromIndex)),
      },
    };
  }

  #put(timeSeconds: number, minimum: readonly number[], maximum: readonly number[]): void {
    const { times, minima, maxima } = this.#columns;
    const last = times.length - 1;
    const lastTime = times.at(-1);
    const merges =
      lastTime !== undefined && (timeSeconds < lastTime + this.#widthSeconds || timeSeconds <= lastTime);
    const index = merges ? last : times.length;
    if (!merges) {
      times.push(timeSeconds);
    }
    for (const [channel, values] of minima.entries()) {
      values[index] = Math.min(values[index] ?? Infinity, minimum[channel] ?? NaN);
    }
    for (const [channel, values] of maxima.entries()) {
      values[index] = Math.max(values[index] ?? -Infinity, maximum[channel] ?? NaN);
    }
    this.#unchanged = Math.min(this.#unchanged, index);
  }

  /** Widens the buckets until at most half of the capacity is in use. */
  #fold(): void {
    const old = this.#columns;
    const span = (old.times.at(-1) ?? 0) - (old.times[0] ?? 0);
    // Merged buckets start at least one width apart, so `span / width` bounds their number.
    this.#widthSeconds = Math.max(2 * this.#widthSeconds, span / (this.#capacity / 2 - 1));
    this.#columns = emptyColumns(this.#channels);
    for (const [index, time] of old.times.entries()) {
      this.#put(
        time,
        old.minima.map((values) => values[index] ?? NaN),
        old.maxima.map((values) => values[index] ?? NaN),
      );
    }
    this.#unchanged = 0;
  }
}

function emptyColumns(channels: number): MinMaxColumns {
  return {
    times: [],
    minima: Array.from({ length: channels }, () => []),
    maxima: Array.from({ length: channels }, () => []),
  };
}
