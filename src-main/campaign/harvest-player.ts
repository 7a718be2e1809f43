/**
 * Plays a harvest through a supply: whenever bench time reaches the next change, the driver is told. It never sleeps by
 * itself; the run asks `nextChangeSeconds` how long it may wait for the board.
 */
import type { SupplyDriver } from '../supply/driver.js';
import type { Harvest } from '../supply/harvest.js';

export class HarvestPlayer {
  readonly #harvest: Harvest;
  readonly #supply: SupplyDriver;
  /** Bench time of the beginning of the current repetition of the harvest. */
  #originSeconds: number;
  #nextStep = 0;
  #volts = NaN;
  #amps = NaN;
  /** Set points sent so far. */
  commands = 0;
  /** Largest delay between the time a step was due and the time the supply had it. */
  worstLagSeconds = 0;

  constructor(harvest: Harvest, supply: SupplyDriver, startSeconds: number) {
    this.#harvest = harvest;
    this.#supply = supply;
    this.#originSeconds = startSeconds;
  }

  /** Bench time at which `play` has something to do; Infinity for a harvest that stays as it is. */
  get nextChangeSeconds(): number {
    if (this.#harvest.steps.length === 1 && this.#nextStep === 1) {
      return Infinity;
    }
    const { steps, durationSeconds } = this.#harvest;
    return this.#nextStep < steps.length
      ? this.#originSeconds + steps[this.#nextStep].startSeconds
      : this.#originSeconds + durationSeconds + steps[0].startSeconds;
  }

  /** Sends the set point that is due at `nowSeconds`, if any; steps that were overtaken meanwhile are left out. */
  async play(now: () => number): Promise<void> {
    const { steps, durationSeconds } = this.#harvest;
    let due: number | null = null;
    let dueSeconds = 0;
    while (this.nextChangeSeconds <= now()) {
      dueSeconds = this.nextChangeSeconds;
      if (this.#nextStep === steps.length) {
        this.#originSeconds += durationSeconds;
        this.#nextStep = 0;
      }
      due = this.#nextStep;
      this.#nextStep++;
    }
    if (due === null) {
      return;
    }
    const { volts, amps } = steps[due];
    if (volts === this.#volts && amps === this.#amps) {
      return;
    }
    await this.#supply.set(volts, amps);
    this.#volts = volts;
    this.#amps = amps;
    this.commands++;
    this.worstLagSeconds = Math.max(this.worstLagSeconds, now() - dueSeconds);
  }
}
