import type { HarvestStep } from '../harvest.js';

/** One line of a recorded trace. */
export interface TraceSample {
  seconds: number;
  volts: number;
  amps: number;
}

/** A time between two samples that is longer than this many usual ones is a hole in the record, not a slow sample. */
const HOLE_IN_INTERVALS = 4;

export interface SampledHarvest {
  steps: HarvestStep[];
  durationSeconds: number;
  notes: string[];
}

/**
 * Steps from samples that were taken at nearly equal intervals. Each sample holds until the next. Where the time column
 * jumps, forward by more than four usual (median) intervals or backward, nothing is known about the time between, so it
 * is cut out: the sample before the jump holds for one usual interval and the one after it follows at once. Counting the
 * hole as no harvest would put power failures into a run that nobody ever recorded.
 *
 * @param samples at least two
 */
export function stepsFromSamples(samples: readonly TraceSample[]): SampledHarvest {
  const intervals = samples.slice(1).map((sample, index) => sample.seconds - samples[index].seconds);
  const usual = median(intervals.filter((interval) => interval > 0));
  const steps: HarvestStep[] = [];
  let time = 0;
  let cutSeconds = 0;
  let forward = 0;
  let backward = 0;
  samples.forEach(({ volts, amps }, index) => {
    pushStep(steps, { startSeconds: time, volts, amps });
    const interval = index < intervals.length ? intervals[index] : usual;
    if (interval <= 0) {
      backward++;
      time += usual;
    } else if (interval > HOLE_IN_INTERVALS * usual) {
      forward++;
      cutSeconds += interval - usual;
      time += usual;
    } else {
      time += interval;
    }
  });
  const notes: string[] = [];
  if (forward > 0) {
    notes.push(
      `The time column jumps forward ${times(forward)}, by ${cutSeconds.toPrecision(6)} s in all; this time was cut out.`,
    );
  }
  if (backward > 0) {
    notes.push(`The time column jumps backward ${times(backward)}; the record was joined there.`);
  }
  return { steps, durationSeconds: time, notes };
}

/** Adds a step unless it only repeats the one before. */
export function pushStep(steps: HarvestStep[], step: HarvestStep): void {
  const last = steps.at(-1);
  if (last?.volts !== step.volts || last.amps !== step.amps) {
    steps.push(step);
  }
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? 1 : sorted[sorted.length >> 1];
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
