import { InputError } from '../../common/errors.js';
import type { Harvest, HarvestStep } from '../harvest.js';
import { pushStep } from './samples.js';

export interface Downsampled {
  harvest: Harvest;
  /** What merging changed; both zero when every step was long enough already. */
  error: {
    /** Energy of the result against the original, as a share; zero but for rounding. */
    energyShare: number;
    /** Root mean square of the difference in power over time, as a share of the mean power. */
    powerShare: number;
  };
}

/**
 * Merges steps that are shorter than the supply can follow. A merged step carries the charge (integral of the current)
 * and the energy (integral of voltage times current) of what it replaces: its current is the mean over time, its voltage
 * the mean weighted by charge. A step that is long enough stays; one that follows a short stretch gives it as much of its
 * beginning as that needs to be long enough.
 *
 * @throws InputError when not even one such step fits into the harvest
 */
export function downsample(harvest: Harvest, minimumStepSeconds: number): Downsampled {
  if (!(minimumStepSeconds >= 0 && minimumStepSeconds < Infinity)) {
    throw refuse(
      harvest,
      `the shortest step is given as ${minimumStepSeconds} s`,
      'Give a time of at least 0 s',
    );
  }
  if (harvest.steps.length > 1 && harvest.durationSeconds < minimumStepSeconds) {
    throw refuse(
      harvest,
      `the harvest lasts ${harvest.durationSeconds} s, less than the ${minimumStepSeconds} s that the supply needs for one step`,
      'Use a longer harvest or a faster supply',
    );
  }
  const groups = new Groups(minimumStepSeconds);
  for (let index = 0; index < harvest.steps.length; index++) {
    const step = harvest.steps[index];
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    groups.add(step, end);
  }
  groups.finish();
  const merged = groups.merged;
  const before = energy(harvest);
  const steps: HarvestStep[] = [];
  for (const step of merged) pushStep(steps, step);
  const result: Harvest = { ...harvest, steps };
  const after = energy(result);
  const energyShare = before === 0 ? 0 : Math.abs(after - before) / before;
  const meanWatts = before / harvest.durationSeconds;
  const powerShare =
    meanWatts === 0
      ? 0
      : Math.sqrt(Math.max(0, groups.squaredDifference) / harvest.durationSeconds) / meanWatts;
  if (powerShare > 0) {
    result.notes = [
      ...(harvest.notes ?? []),
      `Steps shorter than ${minimumStepSeconds} s were merged: same energy, momentary power off by ` +
        `${(powerShare * 100).toPrecision(2)} % of the mean (RMS).`,
    ];
  }
  return { harvest: result, error: { energyShare, powerShare } };
}

interface Piece {
  startSeconds: number;
  endSeconds: number;
  volts: number;
  amps: number;
}

/** Collects pieces until they are long enough together. */
class Groups {
  readonly merged: HarvestStep[] = [];
  /** Integral over time of (power before - power after)^2. */
  squaredDifference = 0;
  readonly #minimumSeconds: number;
  #pieces: Piece[] = [];
  /** The last group emitted, kept so that a rest at the end can join it. */
  #lastPieces: Piece[] = [];
  #lastDifference = 0;

  constructor(minimumSeconds: number) {
    // A nanosecond's share less: the differences of decimal times are rarely exact.
    this.#minimumSeconds = minimumSeconds * (1 - 1e-9);
  }

  add(step: HarvestStep, endSeconds: number): void {
    let startSeconds = step.startSeconds;
    if (this.#pieces.length > 0) {
      const needed = this.#pieces[0].startSeconds + this.#minimumSeconds;
      const share = Math.min(endSeconds, needed);
      this.#pieces.push({ ...step, startSeconds, endSeconds: share });
      startSeconds = share;
      if (share < needed) return;
      this.#emit();
    }
    if (endSeconds > startSeconds) {
      this.#pieces.push({ ...step, startSeconds, endSeconds });
      if (endSeconds - startSeconds >= this.#minimumSeconds) this.#emit();
    }
  }

  /** What is left is too short: it joins the group before it. */
  finish(): void {
    if (this.#pieces.length === 0) return;
    if (this.#lastPieces.length > 0) {
      this.merged.pop();
      this.squaredDifference -= this.#lastDifference;
      this.#pieces = [...this.#lastPieces, ...this.#pieces];
    }
    this.#emit();
  }

  #emit(): void {
    const pieces = this.#pieces;
    const seconds = pieces[pieces.length - 1].endSeconds - pieces[0].startSeconds;
    let { volts, amps } = pieces[0];
    let difference = 0;
    if (pieces.length > 1) {
      let coulombs = 0;
      let joules = 0;
      for (const piece of pieces) {
        const charge = piece.amps * (piece.endSeconds - piece.startSeconds);
        coulombs += charge;
        joules += charge * piece.volts;
      }
      amps = coulombs / seconds;
      volts = coulombs === 0 ? 0 : joules / coulombs;
      for (const piece of pieces) {
        difference +=
          (piece.volts * piece.amps - volts * amps) ** 2 * (piece.endSeconds - piece.startSeconds);
      }
    }
    this.merged.push({ startSeconds: pieces[0].startSeconds, volts, amps });
    this.squaredDifference += difference;
    this.#lastDifference = difference;
    this.#lastPieces = pieces;
    this.#pieces = [];
  }
}

/** Integral of voltage times current over one repetition, joules. */
function energy(harvest: Harvest): number {
  return harvest.steps.reduce((sum, step, index) => {
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    return sum + step.volts * step.amps * (end - step.startSeconds);
  }, 0);
}

function refuse(harvest: Harvest, message: string, remedy: string): InputError {
  return new InputError({ code: 'bad-harvest', place: harvest.name, message, remedy });
}
