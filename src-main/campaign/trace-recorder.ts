/**
 * Records the bench's signals for a whole run in bounded memory: a fixed number of buckets, each holding the minimum and
 * the maximum of its time span. When the run outgrows them, neighbouring buckets are merged and the span doubles, so no
 * peak is ever lost, only its exact instant (to one bucket).
 */
import type { BenchSample, TraceChannel } from './types.js';

const CHANNELS = [
  { channel: 'capacitorVolts', unit: 'V' },
  { channel: 'loadAmps', unit: 'A' },
  { channel: 'powered', unit: '' },
  { channel: 'progress', unit: '1' },
] as const;

/** Buckets kept per channel, before and after merging between half of it and all of it. */
const BUCKET_CAPACITY = 8192;

export class TraceRecorder {
  #bucketSeconds: number;
  #used = 0;
  readonly #minima = CHANNELS.map(() => new Float32Array(BUCKET_CAPACITY).fill(Infinity));
  readonly #maxima = CHANNELS.map(() => new Float32Array(BUCKET_CAPACITY).fill(-Infinity));
  #startSeconds: number;

  /** @param startSeconds time of the first bucket; @param bucketSeconds span of a bucket before any merging */
  constructor(startSeconds = 0, bucketSeconds = 20e-6) {
    this.#startSeconds = startSeconds;
    this.#bucketSeconds = bucketSeconds;
  }

  /** Current span of one bucket: how long a quiet stretch may be advanced at once without leaving a hole in the trace. */
  get bucketSeconds(): number {
    return this.#bucketSeconds;
  }

  /** Adds one sample; times must not decrease. */
  add(sample: BenchSample): void {
    let bucket = Math.floor((sample.timeSeconds - this.#startSeconds) / this.#bucketSeconds);
    while (bucket >= BUCKET_CAPACITY) {
      this.#mergeNeighbours();
      bucket = Math.floor((sample.timeSeconds - this.#startSeconds) / this.#bucketSeconds);
    }
    this.#put(0, bucket, sample.capacitorVolts);
    this.#put(1, bucket, sample.loadAmps);
    this.#put(2, bucket, sample.powered ? 1 : 0);
    this.#put(3, bucket, sample.progress);
    this.#used = Math.max(this.#used, bucket + 1);
  }

  /** All channels; empty buckets are left out, so times are increasing but not necessarily equally spaced. */
  finish(): TraceChannel[] {
    const filled: number[] = [];
    for (let bucket = 0; bucket < this.#used; bucket++) {
      if (this.#minima[0][bucket] !== Infinity) {
        filled.push(bucket);
      }
    }
    const times = Float64Array.from(filled, (bucket) => this.#startSeconds + bucket * this.#bucketSeconds);
    return CHANNELS.map(({ channel, unit }, index) => ({
      channel,
      unit,
      times,
      minima: Float32Array.from(filled, (bucket) => this.#minima[index][bucket]),
      maxima: Float32Array.from(filled, (bucket) => this.#maxima[index][bucket]),
    }));
  }

  #put(channel: number, bucket: number, value: number): void {
    const minima = this.#minima[channel];
    const maxima = this.#maxima[channel];
    if (value < minima[bucket]) {
      minima[bucket] = value;
    }
    if (value > maxima[bucket]) {
      maxima[bucket] = value;
    }
  }

  #mergeNeighbours(): void {
    for (const values of this.#minima) {
      for (let bucket = 0; bucket < BUCKET_CAPACITY / 2; bucket++) {
        values[bucket] = Math.min(values[2 * bucket], values[2 * bucket + 1]);
      }
      values.fill(Infinity, BUCKET_CAPACITY / 2);
    }
    for (const values of this.#maxima) {
      for (let bucket = 0; bucket < BUCKET_CAPACITY / 2; bucket++) {
        values[bucket] = Math.max(values[2 * bucket], values[2 * bucket + 1]);
      }
      values.fill(-Infinity, BUCKET_CAPACITY / 2);
    }
    this.#used = Math.ceil(this.#used / 2);
    this.#bucketSeconds *= 2;
  }
}
