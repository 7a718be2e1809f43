/**
 * A board's power while it does what a plan says: the same rail as the virtual bench's, but moved from event to event
 * instead of from microsecond to microsecond.
 */
import type { BoardProfile } from '../../board/profile.js';
import { Rail } from '../../supply/rail/rail.js';
import type { HarvestSchedule } from './harvest-schedule.js';

/** What the virtual bench does in slices, so that its failures come a little late. */
export interface BenchSlices {
  /** Rail and board meet before the capacitor can have moved by this much, */
  couplingVolts: number;
  /** and after the switch has opened every so many cycles. */
  holdUpCycles: number;
}

export interface NodeOptions {
  profile: BoardProfile;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  initialVolts: number;
  /** Null: steady power, with the switch closed for good. */
  schedule: HarvestSchedule | null;
  slices: BenchSlices;
  /** Give up after this much time. */
  maximumSeconds: number;
}

/** Steps this coarse are exact to a few parts in 10^6 of a power cycle. */
const SHARE_PER_STEP = 0.02;
/** Share of the time in which the rail cannot fail that is taken at once. */
const SAFE_SHARE = 0.98;

export class PoweredNode {
  nowSeconds = 0;
  activeSeconds = 0;
  powerCycles = 1;
  /** The time is up, or the source will never turn the board on again. */
  isOver = false;
  readonly #options: NodeOptions;
  readonly #rail: Rail;
  readonly #couplingSeconds: number;
  readonly #maximumAmps: number;
  /** Charge that the decoupling has left while the switch is open; 0 = the switch is closed, or the board is off. */
  #holdUpCoulombs = 0;
  #holdUpSeconds = 0;
  #steadyJoules = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { profile, capacitanceFarads, turnOnVolts, brownOutVolts, initialVolts, slices } = options;
    const { power } = profile;
    this.#rail = new Rail({
      capacitanceFarads,
      turnOnVolts,
      brownOutVolts,
      initialVolts,
      railVolts: power.railVolts.value,
      converterEfficiency: power.converterEfficiency.value,
      offAmps: power.offAmps.value,
      decouplingFarads: power.decouplingFarads.value,
      shareOfEnergyPerStep: SHARE_PER_STEP,
    });
    this.#rail.resumePowered();
    const lowestAmps =
      (power.activeAmps.value * power.railVolts.value) / power.converterEfficiency.value / brownOutVolts;
    this.#couplingSeconds = (capacitanceFarads * slices.couplingVolts) / lowestAmps;
    this.#maximumAmps = power.activeAmps.value + power.nvmAmps.value;
  }

  get capacitorVolts(): number {
    return this.#rail.capacitorVolts;
  }

  /** Taken from the capacitor by the board, its decoupling included. */
  get energyJoules(): number {
    const { loadJoules, inrushJoules } = this.#rail.energy;
    return this.#steadyJoules + loadJoules + inrushJoules;
  }

  /** What the bench's source feeds before the harvest begins. */
  setSource(source: { volts: number; amps: number }): void {
    this.#rail.setSource(source);
  }

  /**
   * The board draws `coulombs` in `seconds`, evenly.
   *
   * @returns false when the power has failed meanwhile; the board is then starting again, at its turn-on, unless `isOver`
   */
  run(seconds: number, coulombs: number): boolean {
    if (this.#options.schedule === null) {
      const { railVolts, converterEfficiency } = this.#options.profile.power;
      this.nowSeconds += seconds;
      this.activeSeconds += seconds;
      this.#steadyJoules += (coulombs * railVolts.value) / converterEfficiency.value;
      return true;
    }
    const amps = seconds > 0 ? coulombs / seconds : 0;
    let left = seconds;
    while (left > 0) {
      const slice = this.#holdUpCoulombs > 0 ? this.#holdUp(left, amps) : this.#powered(left, amps);
      if (slice === null) {
        this.#wait();
        return false;
      }
      left -= slice;
    }
    return true;
  }

  /** @returns the time that passed */
  #powered(left: number, amps: number): number {
    const safe = SAFE_SHARE * this.#rail.safeSeconds(this.#maximumAmps);
    const slice = Math.min(left, this.#untilChange(), Math.max(this.#couplingSeconds, safe));
    const state = this.#rail.advancePowered(slice, slice * amps);
    this.#pass(slice);
    this.activeSeconds += slice;
    if (state === 'failed') {
      const { decouplingFarads, railVolts, dropOutVolts } = this.#options.profile.power;
      this.#holdUpCoulombs = Math.max(
        Number.MIN_VALUE,
        decouplingFarads.value * (railVolts.value - dropOutVolts.value),
      );
      this.#holdUpSeconds = 0;
    }
    return slice;
  }

  /** On what the decoupling holds. @returns the time that passed; null when the board has stopped at its end */
  #holdUp(left: number, amps: number): number | null {
    const sliceSeconds = this.#options.slices.holdUpCycles / this.#options.profile.clockHertz;
    const enough = amps > 0 ? this.#holdUpCoulombs / amps : Infinity;
    // It stops at the end of the slice in which the charge runs out.
    const stop =
      sliceSeconds * Math.ceil((this.#holdUpSeconds + enough) / sliceSeconds) - this.#holdUpSeconds;
    const slice = Math.min(left, stop, this.#untilChange());
    this.activeSeconds += slice;
    this.#holdUpSeconds += slice;
    const stops = slice >= stop;
    // A charge of zero would say that the switch is closed; a remainder of the last slice is left.
    this.#holdUpCoulombs = Math.max(Number.MIN_VALUE, this.#holdUpCoulombs - slice * amps);
    const { turnedOn } = this.#rail.advanceUnpowered(slice);
    this.#pass(slice);
    if (turnedOn) {
      // The board never notices.
      this.#holdUpCoulombs = 0;
      return slice;
    }
    return stops ? null : slice;
  }

  /** Off until the next turn-on. */
  #wait(): void {
    this.#holdUpCoulombs = 0;
    for (;;) {
      const limit = Math.min(this.#untilChange(), this.#options.maximumSeconds - this.nowSeconds);
      const { elapsedSeconds, turnedOn, neverTurnsOn } = this.#rail.advanceUnpowered(
        Math.max(0, Math.min(limit, this.#options.maximumSeconds)),
      );
      this.#pass(turnedOn ? elapsedSeconds : limit);
      if (turnedOn) {
        this.powerCycles++;
        return;
      }
      const isLast = this.#options.schedule?.nextSeconds === Infinity;
      if (this.nowSeconds >= this.#options.maximumSeconds || (neverTurnsOn && isLast)) {
        this.isOver = true;
        return;
      }
    }
  }

  #untilChange(): number {
    return Math.max(0, (this.#options.schedule?.nextSeconds ?? Infinity) - this.nowSeconds);
  }

  #pass(seconds: number): void {
    this.nowSeconds += seconds;
    const { schedule } = this.#options;
    while (schedule !== null && schedule.nextSeconds <= this.nowSeconds + 1e-12) {
      this.#rail.setSource(schedule.take());
    }
    if (this.nowSeconds >= this.#options.maximumSeconds) {
      this.isOver = true;
    }
  }
}
