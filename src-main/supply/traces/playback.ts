import type { Harvest, HarvestStep } from '../harvest.js';
import type { RailSource } from '../rail/rail.js';

/** The source at time `seconds` (any, the harvest repeats), by binary search. */
export function harvestAt(harvest: Harvest, seconds: number): RailSource {
  const { volts, amps } = harvest.steps[stepIndexAt(harvest, seconds)];
  return { volts, amps };
}

/** Index of the step that holds at `seconds`. */
export function stepIndexAt(harvest: Harvest, seconds: number): number {
  const { steps, durationSeconds } = harvest;
  const time = seconds - Math.floor(seconds / durationSeconds) * durationSeconds;
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle].startSeconds <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The source at `fromSeconds`, then every change after it, for ever: the harvest repeats. A step equal to the one before
 * it is no change; a harvest that never changes ends after its first.
 */
export function* sourceChanges(harvest: Harvest, fromSeconds = 0): Generator<HarvestStep, void, undefined> {
  const { steps, durationSeconds } = harvest;
  let index = stepIndexAt(harvest, fromSeconds);
  let repeat = Math.floor(fromSeconds / durationSeconds);
  let { volts, amps } = steps[index];
  yield { startSeconds: fromSeconds, volts, amps };
  let unchanged = 0;
  while (unchanged < steps.length) {
    index++;
    if (index === steps.length) {
      index = 0;
      repeat++;
    }
    const next = steps[index];
    if (next.volts === volts && next.amps === amps) {
      unchanged++;
      continue;
    }
    unchanged = 0;
    ({ volts, amps } = next);
    yield { startSeconds: repeat * durationSeconds + next.startSeconds, volts, amps };
  }
}
