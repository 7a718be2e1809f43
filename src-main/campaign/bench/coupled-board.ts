/**
 * A simulated board behind a capacitor and its switch, on one simulated clock: how the board's charge and the capacitor's
 * voltage act on each other. Who owns it says what flows into the capacitor, and how far time goes.
 */
import type { BoardProfile } from '../../board/profile.js';
import type { VirtualBoard } from '../../board/virtual-board.js';
import { createVirtualPico } from '../../board/virtual/virtual-pico.js';
import { Rail } from '../../supply/rail/rail.js';

/**
 * Board and rail are brought together before the capacitor can have moved by more than this under the board's active
 * current, which bounds how late a brown-out is noticed.
 */
export const COUPLING_VOLTS = 2e-3;

/** Longest slice on the board's own decoupling. */
export const HOLD_UP_SLICE_CYCLES = 10_000;

export interface CoupledBoardOptions {
  profile: BoardProfile;
  firmware: Uint8Array;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  /** Of what SRAM holds at power-on. */
  seed: number;
  /** Told after every step. */
  onStep: (step: { loadAmps: number; powered: boolean }) => void;
  /** Told when the switch closes, and when the board has stopped after it opened. */
  onPower: (on: boolean) => void;
}

export class CoupledBoard {
  readonly board: VirtualBoard;
  readonly rail: Rail;
  /** Powered time of the board and the cycles of it, since construction. */
  activeSeconds = 0;
  cycles = 0;
  readonly #options: CoupledBoardOptions;
  readonly #couplingCycles: number;
  #nowSeconds = 0;
  #received: Uint8Array[] = [];
  /** What the board may still draw of its own decoupling while the switch is open. */
  #holdUpCoulombs = 0;

  constructor(options: CoupledBoardOptions) {
    const { profile } = options;
    const power = profile.power;
    this.#options = options;
    this.board = createVirtualPico({ firmware: options.firmware, profile, seed: options.seed });
    const activeAmps =
      (power.activeAmps.value * power.railVolts.value) /
      power.converterEfficiency.value /
      options.brownOutVolts;
    const couplingSeconds = (options.capacitanceFarads * COUPLING_VOLTS) / activeAmps;
    this.#couplingCycles = Math.max(1, Math.round(couplingSeconds * this.board.clockHertz));
    this.rail = new Rail({
      capacitanceFarads: options.capacitanceFarads,
      turnOnVolts: options.turnOnVolts,
      brownOutVolts: options.brownOutVolts,
      railVolts: power.railVolts.value,
      converterEfficiency: power.converterEfficiency.value,
      offAmps: power.offAmps.value,
      decouplingFarads: power.decouplingFarads.value,
    });
  }

  get nowSeconds(): number {
    return this.#nowSeconds;
  }

  /** All that the capacitor has given to the board: what it drew, and its decoupling charged at every turn-on. */
  get boardJoules(): number {
    const { loadJoules, inrushJoules } = this.rail.energy;
    return loadJoules + inrushJoules;
  }

  /** Bytes that the board has sent since this was last asked; empty when there are none. */
  takeReceived(): Uint8Array {
    const chunks = this.#received;
    this.#received = [];
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  get hasReceived(): boolean {
    return this.#received.length > 0;
  }

  /**
   * One step of board and rail together, to `limitSeconds` at most.
   *
   * @param offStepSeconds longest step while the board is off
   */
  advance(limitSeconds: number, offStepSeconds: number): void {
    if (this.rail.powered) {
      this.#advancePowered(limitSeconds);
    } else if (this.#holdUpCoulombs > 0) {
      this.#advanceHoldUp(limitSeconds);
    } else {
      this.#advanceUnpowered(limitSeconds, offStepSeconds);
    }
  }

  #advancePowered(limitSeconds: number): void {
    const { clockHertz } = this.board;
    const cyclesLeft = Math.max(1, Math.ceil((limitSeconds - this.#nowSeconds) * clockHertz));
    this.board.setCapacitorVolts(this.rail.capacitorVolts);
    const slice = this.board.run(Math.min(cyclesLeft, this.#couplingCycles));
    const seconds = slice.cycles / clockHertz;
    const joulesBefore = this.rail.energy.loadJoules;
    const state = this.rail.advancePowered(seconds, slice.railCoulombs);
    this.#took(seconds, slice);
    const volts = this.rail.capacitorVolts;
    const loadAmps = (this.rail.energy.loadJoules - joulesBefore) / seconds / volts;
    this.#options.onStep({ loadAmps, powered: true });
    if (state === 'failed') {
      const { decouplingFarads, railVolts, dropOutVolts } = this.#options.profile.power;
      this.#holdUpCoulombs = decouplingFarads.value * (railVolts.value - dropOutVolts.value);
      if (this.#holdUpCoulombs <= 0) {
        this.#powerOff();
      }
    }
  }

  /**
   * The switch has opened, but the program stops only when the decoupling behind it, charged at turn-on, has fallen from the
   * regulated voltage to drop-out: Q = C (Vrail - Vdropout). That charge was taken from the capacitor as inrush, so it is
   * not booked again; what is left below drop-out is lost. Should the capacitor be charged again meanwhile, the board never
   * notices. Uncalibrated, like the capacitance and the drop-out voltage that it follows from.
   */
  #advanceHoldUp(limitSeconds: number): void {
    const { clockHertz } = this.board;
    const cyclesLeft = Math.max(1, Math.ceil((limitSeconds - this.#nowSeconds) * clockHertz));
    const slice = this.board.run(Math.min(cyclesLeft, HOLD_UP_SLICE_CYCLES));
    const seconds = slice.cycles / clockHertz;
    this.#holdUpCoulombs -= slice.railCoulombs;
    let left = seconds;
    while (left > 0 && !this.rail.powered) {
      const { elapsedSeconds, turnedOn } = this.rail.advanceUnpowered(left);
      left = turnedOn ? left - elapsedSeconds : 0;
    }
    if (this.rail.powered) {
      this.rail.advancePowered(left, 0);
    }
    this.#took(seconds, slice);
    this.#options.onStep({ loadAmps: 0, powered: true });
    if (this.rail.powered) {
      this.#holdUpCoulombs = 0;
    } else if (this.#holdUpCoulombs <= 0) {
      this.#holdUpCoulombs = 0;
      this.#powerOff();
    }
  }

  #advanceUnpowered(limitSeconds: number, offStepSeconds: number): void {
    const span = Math.min(limitSeconds - this.#nowSeconds, offStepSeconds);
    const { elapsedSeconds, turnedOn } = this.rail.advanceUnpowered(span);
    this.#nowSeconds = turnedOn
      ? this.#nowSeconds + elapsedSeconds
      : Math.min(limitSeconds, this.#nowSeconds + span);
    this.#options.onStep({ loadAmps: 0, powered: turnedOn });
    if (turnedOn) {
      this.board.powerOn();
      this.#options.onPower(true);
    }
  }

  #took(seconds: number, { cycles, transmitted }: { cycles: number; transmitted: Uint8Array }): void {
    this.#nowSeconds += seconds;
    this.activeSeconds += seconds;
    this.cycles += cycles;
    if (transmitted.length > 0) {
      this.#received.push(transmitted);
    }
  }

  #powerOff(): void {
    this.board.powerOff();
    this.#options.onPower(false);
    this.#options.onStep({ loadAmps: 0, powered: false });
  }
}
