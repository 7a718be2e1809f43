/** Records the bench's signals for a whole run in bounded memory, so that no peak is lost, only its exact instant. */
import { MinMaxHistory } from '../common/min-max-history.js';
import type { BenchSample, TraceChannel } from './types.js';

const CHANNELS = [
  { channel: 'capacitorVolts', unit: 'V' },
  { channel: 'loadAmps', unit: 'A' },
  { channel: 'powered', unit: '' },
  { channel: 'progress', unit: '1' },
] as const;

/** Buckets kept per channel, before and after merging between half of it and all of it. */
const BUCKET_CAPACITY = 8192;
/** Fine enough for the shortest slice in which board and rail are brought together. */
const FIRST_BUCKET_SECONDS = 20e-6;

export class TraceRecorder {
  readonly #history = new MinMaxHistory(CHANNELS.length, BUCKET_CAPACITY, FIRST_BUCKET_SECONDS);

  /** Current span of one bucket: how long a quiet stretch may be advanced at once without leaving a hole in the trace. */
  get bucketSeconds(): number {
    return this.#history.widthSeconds;
  }

  /** Adds one sample; times must not decrease. */
  add({ timeSeconds, capacitorVolts, loadAmps, powered, progress }: BenchSample): void {
    this.#history.append(timeSeconds, [capacitorVolts, loadAmps, powered ? 1 : 0, progress]);
  }

  /** All channels so far, over the same times. */
  finish(): TraceChannel[] {
    const { times, minima, maxima } = this.#history.columns;
    const columnarTimes = Float64Array.from(times);
    return CHANNELS.map(({ channel, unit }, index) => ({
      channel,
      unit,
      times: columnarTimes,
      minima: Float32Array.from(minima[index]),
      maxima: Float32Array.from(maxima[index]),
    }));
  }
}
