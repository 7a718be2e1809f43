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
  checkSteps('rf-bursts', (4 * durationSeconds) / (meanOnSeconds + meanOffSeconds));
  const random = generator(seed);
  const steps: HarvestStep[] = [];
  let time = 0;
  while (time < durationSeconds && steps.length < MAXIMUM_STEPS) {
    pushStep(steps, { startSeconds: time, volts, amps: amps * (0.5 + 0.5 * random()) });
    const off = time + exponential(random, meanOnSeconds);
    if (off > time && off < durationSeconds) {
      pushStep(steps, { startSeconds: off, volts: 0, amps: 0 });
    }
    time = Math.max(off + exponential(random, meanOffSeconds), time + durationSeconds * 1e-12);
  }
  return { name: `rf-bursts ${volts} V ${amps} A seed ${seed}`, steps, durationSeconds };
}

export interface RandomHarvestOptions extends SourceValues {
  durationSeconds: number;
  seed: number;
}

/** Weather changes from second to second; finer steps would only make the file longer. */
const CLOUD_STEP_SECONDS = 0.1;
/** Light that a passing cloud lets through, and how long clouds and gaps last on average: a day of scattered cumulus. */
const CLOUD_TRANSMISSION = 0.15;
const MEAN_CLOUD_SECONDS = 8;
const MEAN_SUN_SECONDS = 12;
/** How fast the edge of a cloud passes: time constant of the light. */
const CLOUD_EDGE_SECONDS = 0.8;

/** Sun through clouds: `amps` in full sun, following clouds that come at random with soft edges. */
export function cloudsHarvest(options: RandomHarvestOptions): Harvest {
  const { volts, amps, durationSeconds, seed } = options;
  check('clouds', { volts, amps }, { durationSeconds });
  checkSteps('clouds', durationSeconds / CLOUD_STEP_SECONDS);
  const random = generator(seed);
  const steps: HarvestStep[] = [];
  let light = 1;
  let cloudy = false;
  let change = exponential(random, MEAN_SUN_SECONDS);
  const count = Math.ceil(durationSeconds / CLOUD_STEP_SECONDS - 1e-9);
  for (let index = 0; index < count; index++) {
    const startSeconds = index * CLOUD_STEP_SECONDS;
    while (startSeconds >= change) {
      cloudy = !cloudy;
      change += exponential(random, cloudy ? MEAN_CLOUD_SECONDS : MEAN_SUN_SECONDS);
    }
    const target = cloudy ? CLOUD_TRANSMISSION : 1;
    light += (target - light) * (1 - Math.exp(-CLOUD_STEP_SECONDS / CLOUD_EDGE_SECONDS));
    pushStep(steps, { startSeconds, volts, amps: amps * Number(light.toPrecision(4)) });
  }
  return { name: `clouds ${volts} V ${amps} A seed ${seed}`, steps, durationSeconds };
}

/** A person who walks, about two steps a second, and stops now and then. */
const STEP_SECONDS = 0.5;
const STEP_JITTER = 0.15;
const MEAN_WALK_SECONDS = 6;
const MEAN_REST_SECONDS = 4;
/** A heel strike: the current falls off in this many pieces over this time. */
const STRIKE_SECONDS = 0.06;
const STRIKE_PIECES = 6;

/** A kinetic harvester on a walking person: decaying bursts of up to `amps` with each step, pauses between the walks. */
export function kineticHarvest(options: RandomHarvestOptions): Harvest {
  const { volts, amps, durationSeconds, seed } = options;
  check('kinetic', { volts, amps }, { durationSeconds });
  checkSteps('kinetic', (durationSeconds / STEP_SECONDS) * (STRIKE_PIECES + 1));
  const random = generator(seed);
  const steps: HarvestStep[] = [{ startSeconds: 0, volts: 0, amps: 0 }];
  let time = random() * STEP_SECONDS;
  let walkEnds = time + exponential(random, MEAN_WALK_SECONDS);
  while (time < durationSeconds) {
    const strength = 0.6 + 0.4 * random();
    for (let piece = 0; piece <= STRIKE_PIECES; piece++) {
      const startSeconds = time + (piece * STRIKE_SECONDS) / STRIKE_PIECES;
      if (startSeconds < durationSeconds) {
        const last = piece === STRIKE_PIECES;
        const share = strength * Math.exp((-3 * piece) / STRIKE_PIECES);
        pushStep(steps, { startSeconds, volts: last ? 0 : volts, amps: last ? 0 : amps * share });
      }
    }
    time += STEP_SECONDS * (1 + STEP_JITTER * (2 * random() - 1));
    if (time > walkEnds) {
      time += exponential(random, MEAN_REST_SECONDS);
      walkEnds = time + exponential(random, MEAN_WALK_SECONDS);
    }
  }
  return { name: `kinetic ${volts} V ${amps} A seed ${seed}`, steps, durationSeconds };
}

/** Of a passing reader, for the shape that campaigns know by one name: bursts of a quarter second, one and a half apart. */
const RF_MEAN_ON_SECONDS = 0.25;
const RF_MEAN_OFF_SECONDS = 1.25;

/** The kinds of harvest that are made from nothing but a seed, by name. */
export const GENERATORS = {
  clouds: cloudsHarvest,
  'rf-bursts': (options: RandomHarvestOptions) =>
    rfBurstsHarvest({ ...options, meanOnSeconds: RF_MEAN_ON_SECONDS, meanOffSeconds: RF_MEAN_OFF_SECONDS }),
  kinetic: kineticHarvest,
} as const;

function exponential(random: () => number, mean: number): number {
  return -mean * Math.log(1 - random());
}

function checkSteps(kind: string, steps: number): void {
  if (steps > MAXIMUM_STEPS) {
    throw refuse(
      kind,
      `it would have ${Math.ceil(steps)} steps`,
      'Shorten it: a harvest starts again from its beginning',
    );
  }
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
