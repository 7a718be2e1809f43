/** When a source changes, and to what, as a supply plays a harvest: it needs time for each of its two settings. */
import type { SupplyLimits } from '../../supply/driver.js';
import { checkedSetPoint, type SetPoint } from '../../supply/drivers/set-point.js';
import type { Harvest } from '../../supply/harvest.js';
import { downsample } from '../../supply/traces/downsample.js';

export class HarvestSchedule {
  readonly #steps: (SetPoint & { startSeconds: number })[];
  readonly #durationSeconds: number;
  readonly #commandSeconds: number;
  #repetition = 0;
  #next = 0;
  #settings: SetPoint;
  #pending: { atSeconds: number; point: SetPoint }[] = [];

  /**
   * @param before what the supply is set to until the harvest begins, at second 0
   * @param commandSeconds that the supply takes for one setting
   */
  constructor(harvest: Harvest, limits: SupplyLimits, before: SetPoint, commandSeconds: number) {
    const { steps, durationSeconds } = downsample(harvest, limits.minimumStepSeconds).harvest;
    this.#steps = steps.map(({ startSeconds, volts, amps }) => ({
      startSeconds,
      ...checkedSetPoint(volts, amps, limits, harvest.name),
    }));
    this.#durationSeconds = durationSeconds;
    this.#commandSeconds = commandSeconds;
    this.#settings = before;
    this.#fill();
  }

  /** Time of the next change; Infinity for a harvest that stays as it is. */
  get nextSeconds(): number {
    return this.#pending.length > 0 ? this.#pending[0].atSeconds : Infinity;
  }

  /** Settings from `nextSeconds` on. */
  take(): SetPoint {
    const change = this.#pending.shift();
    if (change === undefined) {
      return this.#settings;
    }
    if (this.#pending.length === 0) {
      this.#fill();
    }
    return change.point;
  }

  /** Looks ahead to the next step that differs; both of its settings change one after the other, what goes down first. */
  #fill(): void {
    for (let looked = 0; looked <= this.#steps.length; looked++) {
      if (this.#next === this.#steps.length) {
        if (this.#steps.length === 1) {
          return;
        }
        this.#next = 0;
        this.#repetition++;
      }
      const { startSeconds, volts, amps } = this.#steps[this.#next++];
      const from = this.#settings;
      if (volts === from.volts && amps === from.amps) {
        continue;
      }
      const at = this.#repetition * this.#durationSeconds + startSeconds;
      const first = amps < from.amps ? { volts: from.volts, amps } : { volts, amps: from.amps };
      this.#pending.push(
        { atSeconds: at + this.#commandSeconds, point: first },
        { atSeconds: at + 2 * this.#commandSeconds, point: { volts, amps } },
      );
      this.#settings = { volts, amps };
      return;
    }
  }
}
