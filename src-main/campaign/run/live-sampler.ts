/** Thins the bench's samples out to what a live chart can use; the stored trace has them all. */
import type { BenchSample } from '../types.js';

/** A sample is sent when this much wall time has passed since the last, or the voltage has moved this far. */
const SAMPLE_MILLISECONDS = 2;
const SAMPLE_VOLTS = 0.04;
/** ... and at most this often, many at a time. */
const BATCH_MILLISECONDS = 25;

export class LiveSampler {
  readonly #send: (samples: BenchSample[]) => void;
  #batch: BenchSample[] = [];
  #sentMilliseconds = -Infinity;
  #takenMilliseconds = -Infinity;
  #last: BenchSample | null = null;

  constructor(send: (samples: BenchSample[]) => void) {
    this.#send = send;
  }

  /** Takes the next sample of the bench. */
  take(sample: BenchSample): void {
    const now = performance.now();
    const last = this.#last;
    const unchanged =
      last !== null &&
      sample.powered === last.powered &&
      Math.abs(sample.capacitorVolts - last.capacitorVolts) < SAMPLE_VOLTS;
    if (unchanged && now - this.#takenMilliseconds < SAMPLE_MILLISECONDS) {
      return;
    }
    this.#takenMilliseconds = now;
    this.#last = sample;
    this.#batch.push(sample);
    if (now - this.#sentMilliseconds >= BATCH_MILLISECONDS) {
      this.flush();
    }
  }

  /** Sends what waits: a chart must not end before its run does. */
  flush(): void {
    if (this.#batch.length > 0) {
      this.#sentMilliseconds = performance.now();
      this.#send(this.#batch);
      this.#batch = [];
    }
  }
}
