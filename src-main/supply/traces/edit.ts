import { InputError } from '../../common/errors.js';
import type { Harvest, HarvestStep } from '../harvest.js';
import { stepIndexAt } from './playback.js';
import { pushStep } from './samples.js';

/**
 * The part of a harvest from one time to another, as a harvest of its own.
 *
 * @throws InputError when that is not a part of it
 */
export function trimHarvest(harvest: Harvest, fromSeconds: number, toSeconds: number): Harvest {
  const { durationSeconds } = harvest;
  if (!(fromSeconds >= 0 && toSeconds > fromSeconds && toSeconds <= durationSeconds)) {
    throw new InputError({
      code: 'bad-harvest',
      place: harvest.name,
      message: `it cannot be cut to ${fromSeconds} s .. ${toSeconds} s: it lasts ${durationSeconds} s`,
      remedy: `Give a part of 0 .. ${durationSeconds} s`,
    });
  }
  const first = stepIndexAt(harvest, fromSeconds);
  const steps: HarvestStep[] = [{ ...harvest.steps[first], startSeconds: 0 }];
  for (const step of harvest.steps.slice(first + 1)) {
    if (step.startSeconds >= toSeconds) {
      break;
    }
    if (step.startSeconds > fromSeconds) {
      pushStep(steps, { ...step, startSeconds: step.startSeconds - fromSeconds });
    }
  }
  const notes = [...(harvest.notes ?? []), `Cut to ${fromSeconds} s .. ${toSeconds} s of it.`];
  return { ...harvest, steps, durationSeconds: toSeconds - fromSeconds, notes };
}

/**
 * A harvest played so many times in a row, as one harvest; every harvest repeats anyway, so that this is for files.
 *
 * @throws InputError when the result would have too many steps
 */
export function repeatHarvest(harvest: Harvest, count: number, maximumSteps: number): Harvest {
  if (harvest.steps.length * count > maximumSteps) {
    throw new InputError({
      code: 'bad-harvest',
      place: harvest.name,
      message: `${count} times its ${harvest.steps.length} steps are more than ${maximumSteps}`,
      remedy: 'Repeat it less often: a harvest starts again from its beginning anyway',
    });
  }
  const steps: HarvestStep[] = [];
  for (let time = 0; time < count; time++) {
    for (const step of harvest.steps) {
      pushStep(steps, { ...step, startSeconds: time * harvest.durationSeconds + step.startSeconds });
    }
  }
  return { ...harvest, steps, durationSeconds: count * harvest.durationSeconds };
}

/** @param factor on the current: a larger cell, a nearer transmitter */
export function scaleHarvest(harvest: Harvest, factor: number): Harvest {
  if (factor === 1) {
    return harvest;
  }
  return {
    ...harvest,
    steps: harvest.steps.map((step) => ({ ...step, amps: step.amps * factor })),
    notes: [...(harvest.notes ?? []), `The current was multiplied by ${factor}.`],
  };
}
