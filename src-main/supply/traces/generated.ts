import { InputError } from '../../common/errors.js';
import type { Harvest, HarvestStep } from '../harvest.js';
import { pushStep } from './samples.js';

export interface SourceValues {
  volts: number;
  amps: number;
}

/** Bound on the steps of a generated harvest. */
const MAXIMUM_STEPS = 5_000_000;

/** One step for ever. */
export function constantHarvest({ volts, amps }: SourceValues): Harvest {
  check('constant', { volts, amps });
  return {
    name: `constant ${volts} V ${amps} A`,
    steps: [{ startSeconds: 0, volts, amps }],
    durationSeconds: 1,
  };
}

/** On for `dutyShare` of each period, then nothing. */
export function squareHarvest(options: SourceValues & { periodSeconds: number; dutyShare: number }): Harvest {
  const { volts, amps, periodSeconds, dutyShare } = options;
  check('square', { volts, amps, dutyShare }, { periodSeconds });
  if (dutyShare > 1) {
    throw refuse('square', `dutyShare is ${dutyShare}`, 'Give a share between 0 and 1');
  }
  const steps: HarvestStep[] = [];
  if (dutyShare > 0) steps.push({ startSeconds: 0, volts, amps });
  if (dutyShare < 1) steps.push({ startSeconds: dutyShare * periodSeconds, volts: 0, amps: 0 });
  return {
    name: `square ${volts} V ${amps} A ${periodSeconds} s ${dutyShare}`,
    steps,
    durationSeconds: periodSeconds,
  };
}

export interface RfBurstsOptions extends SourceValues {
  /** Mean lengths; both are exponentially distributed, as for a reader that passes by at random. */
  meanOnSeconds: number;
  meanOffSeconds: number;
  durationSeconds: number;
  seed: number;
}

/**
 * Bursts at random: on and off times exponentially distributed, the current of each burst between half and all of `amps`
 * (distance and orientation differ). The same seed gives the same harvest on every machine.
 */
export function rfBurstsHarvest(options: RfBurstsOptions): Harvest {
  const { volts, amps, meanOnSeconds, meanOffSeconds, durationSeconds, seed } = options;
  check('rf-bursts', { volts, amps }, { meanOnSeconds, meanOffSeconds, durationSeconds });
  if (durationSeconds / (meanOnSeconds + meanOffSeconds) > MAXIMUM_STEPS / 4) {
    throw refuse(
      'rf-bursts',
      `${durationSeconds} s hold too many bursts`,
      'Shorten the harvest or lengthen the bursts',
    );
  }
  const random = generator(seed);
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  const steps: HarvestStep[] = [];
  let time = 0;
  while (time < durationSeconds && steps.length < MAXIMUM_STEPS) {
    pushStep(steps, { startSeconds: time, volts, amps: amps * (0.5 + 0.5 * random()) });
    const off = time + exponential(meanOnSeconds);
    if (off > time && off < durationSeconds) {
      pushStep(steps, { startSeconds: off, volts: 0, amps: 0 });
    }
    time = Math.max(off + exponential(meanOffSeconds), time + durationSeconds * 1e-12);
  }
  return { name: `rf-bursts ${volts} V ${amps} A seed ${seed}`, steps, durationSeconds };
}

/** Uniform in [0, 1), 32 bits at a time: the mixing function of splitmix32 over a counter. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}

function check(
  kind: string,
  notNegative: Record<string, number>,
  positive: Record<string, number> = {},
): void {
  for (const [name, value] of Object.entries(notNegative)) {
    if (!(value >= 0 && value < Infinity))
      throw refuse(kind, `${name} is ${value}`, 'Give a finite number of at least zero');
  }
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0 && value < Infinity))
      throw refuse(kind, `${name} is ${value}`, 'Give a finite number greater than zero');
  }
}

function refuse(kind: string, message: string, remedy: string): InputError {
  return new InputError({ code: 'bad-harvest', place: `${kind} harvest`, message, remedy });
}
