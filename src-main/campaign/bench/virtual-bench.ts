/**
 * The virtual bench: a simulated board, a capacitor with its switch, and a supply that speaks SCPI, on one simulated
 * clock. Time advances only while somebody waits on a port, so a run depends on nothing but its configuration and seed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BoardProfile } from '../../board/profile.js';
import type { VirtualBoard } from '../../board/virtual-board.js';
import { createVirtualPico } from '../../board/virtual/virtual-pico.js';
import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import { openSupply } from '../../supply/drivers/index.js';
import type { ShutdownOutcome, SupplyDriver, SupplyLimits } from '../../supply/driver.js';
import { supplyProfile, limitsForBoard } from '../../supply/profiles/index.js';
import { Rail } from '../../supply/rail/rail.js';
import { VirtualSupplyPort } from '../../supply/virtual/virtual-supply-port.js';
import type { BenchSample, PowerCycle, TraceChannel } from '../types.js';
import { TraceRecorder } from '../trace-recorder.js';
import type { Bench, BenchObservation, MeasuringScale } from './bench.js';

/**
 * Board and rail are brought together before the capacitor can have moved by more than this under the board's active
 * current, which bounds how late a brown-out is noticed.
 */
export const COUPLING_VOLTS = 2e-3;

/** Longest slice on the board's own decoupling. */
export const HOLD_UP_SLICE_CYCLES = 10_000;

/** How long the simulation may hold the thread before it lets messages (cancel) through. */
const TURN_MILLISECONDS = 25;

export interface VirtualBenchOptions {
  profile: BoardProfile;
  firmware: Uint8Array;
  capacitanceFarads: number;
  turnOnVolts: number;
  brownOutVolts: number;
  seed: number;
  /** Cancels: waiting on a port then rejects. */
  signal: AbortSignal;
  /** Receives every recorded sample; used for live charts. */
  onSample: (sample: BenchSample) => void;
}

/** Profile of the supply of a virtual bench. */
export const VIRTUAL_SUPPLY = 'virtual-scpi';

/** What the supply of a virtual bench may be set to with this board behind it. */
export function virtualSupplyLimits({ power }: BoardProfile): SupplyLimits {
  return limitsForBoard(supplyProfile(VIRTUAL_SUPPLY).limits, {
    maximumVolts: power.maximumVolts.value,
    maximumAmps: power.maximumAmps.value,
  });
}

export class VirtualBench implements Bench {
  readonly boardPort: Port;
  readonly supply: SupplyDriver;
  readonly #options: VirtualBenchOptions;
  readonly #board: VirtualBoard;
  readonly #rail: Rail;
  readonly #supplyPort: VirtualSupplyPort;
  readonly #couplingCycles: number;
  #nowSeconds = 0;
  /** Instant of startMeasuring; NaN before. */
  #originSeconds = NaN;
  #scale: MeasuringScale = { tasksPerInference: 1, inferences: 1 };
  #recorder = new TraceRecorder();
  #progress = 0;
  #activeSeconds = 0;
  #cycles = 0;
  #energyOffsetJoules = 0;
  #onWindows: Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[] = [];
  #received: Uint8Array[] = [];
  #lastTurn = performance.now();
  /** What the board may still draw of its own decoupling while the switch is open. */
  #holdUpCoulombs = 0;

  constructor(options: VirtualBenchOptions) {
    const { profile } = options;
    const power = profile.power;
    this.#options = options;
    this.#board = createVirtualPico({ firmware: options.firmware, profile, seed: options.seed });
    const activeAmps =
      (power.activeAmps.value * power.railVolts.value) /
      power.converterEfficiency.value /
      options.brownOutVolts;
    const couplingSeconds = (options.capacitanceFarads * COUPLING_VOLTS) / activeAmps;
    this.#couplingCycles = Math.max(1, Math.round(couplingSeconds * this.#board.clockHertz));
    this.#rail = new Rail({
      capacitanceFarads: options.capacitanceFarads,
      turnOnVolts: options.turnOnVolts,
      brownOutVolts: options.brownOutVolts,
      railVolts: power.railVolts.value,
      converterEfficiency: power.converterEfficiency.value,
      offAmps: power.offAmps.value,
      decouplingFarads: power.decouplingFarads.value,
    });
    this.#supplyPort = new VirtualSupplyPort({
      clock: {
        now: () => this.#nowSeconds,
        advance: (seconds) => {
          this.#advanceTo(this.#nowSeconds + seconds);
        },
      },
      applySource: (source) => {
        this.#rail.setSource(source);
      },
      measure: () => ({ volts: this.#rail.sourceTerminalVolts, amps: this.#rail.sourceCurrentAmps }),
    });
    this.#board.onCommit = ({ inference, task }) => {
      const { tasksPerInference, inferences } = this.#scale;
      this.#progress = Math.min(1, (inference + task / tasksPerInference) / inferences);
    };
    this.boardPort = {
      name: `virtual ${profile.name}`,
      now: () => this.#nowSeconds,
      write: (bytes) => {
        this.#board.receive(bytes);
        return Promise.resolve();
      },
      read: (timeoutSeconds) => this.#readBoard(timeoutSeconds),
      close: () => Promise.resolve(),
    };
    this.supply = openSupply(this.#supplyPort, supplyProfile(VIRTUAL_SUPPLY), virtualSupplyLimits(profile));
  }

  now(): number {
    return this.#nowSeconds;
  }

  startMeasuring(scale: MeasuringScale): void {
    this.#originSeconds = this.#nowSeconds;
    this.#scale = scale;
    this.#recorder = new TraceRecorder();
    this.#progress = 0;
    this.#activeSeconds = 0;
    this.#cycles = 0;
    this.#energyOffsetJoules = this.#boardJoules;
    this.#onWindows = this.#rail.powered ? [{ onSeconds: 0, offSeconds: null }] : [];
  }

  observe(): BenchObservation {
    return {
      activeSeconds: this.#activeSeconds,
      energyJoules: this.#boardJoules - this.#energyOffsetJoules,
      cycles: this.#cycles,
      powerCycles: this.#onWindows.length,
    };
  }

  onWindows(): Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[] {
    return this.#onWindows;
  }

  traces(): TraceChannel[] {
    return this.#recorder.finish();
  }

  async close(): Promise<ShutdownOutcome> {
    const outcome = await this.supply.shutdown();
    await this.#supplyPort.close();
    return outcome;
  }

  /** All that the capacitor has given to the board: what it drew, and its decoupling charged at every turn-on. */
  get #boardJoules(): number {
    const { loadJoules, inrushJoules } = this.#rail.energy;
    return loadJoules + inrushJoules;
  }

  get #runSeconds(): number {
    return this.#nowSeconds - this.#originSeconds;
  }

  get #measuring(): boolean {
    return !Number.isNaN(this.#originSeconds);
  }

  async #readBoard(timeoutSeconds: number): Promise<Uint8Array> {
    const deadline = this.#nowSeconds + timeoutSeconds;
    while (this.#received.length === 0 && this.#nowSeconds < deadline) {
      this.#advance(deadline);
      await this.#letMessagesThrough();
    }
    const chunks = this.#received;
    this.#received = [];
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  #advanceTo(targetSeconds: number): void {
    while (this.#nowSeconds < targetSeconds) {
      this.#advance(targetSeconds);
    }
  }

  /** One step of board and rail together, at most to `limitSeconds`, then whatever the supply has to do by then. */
  #advance(limitSeconds: number): void {
    const limit = Math.min(limitSeconds, Math.max(this.#nowSeconds, this.#supplyPort.nextEventSeconds));
    if (this.#rail.powered) {
      this.#advancePowered(limit);
    } else if (this.#holdUpCoulombs > 0) {
      this.#advanceHoldUp(limit);
    } else {
      this.#advanceUnpowered(limit);
    }
    this.#supplyPort.settle();
  }

  #advancePowered(limitSeconds: number): void {
    const { clockHertz } = this.#board;
    const cyclesLeft = Math.max(1, Math.ceil((limitSeconds - this.#nowSeconds) * clockHertz));
    this.#board.setCapacitorVolts(this.#rail.capacitorVolts);
    const slice = this.#board.run(Math.min(cyclesLeft, this.#couplingCycles));
    const seconds = slice.cycles / clockHertz;
    const joulesBefore = this.#rail.energy.loadJoules;
    const state = this.#rail.advancePowered(seconds, slice.railCoulombs);
    this.#nowSeconds += seconds;
    this.#activeSeconds += seconds;
    this.#cycles += slice.cycles;
    if (slice.transmitted.length > 0) {
      this.#received.push(slice.transmitted);
    }
    const volts = this.#rail.capacitorVolts;
    this.#record((this.#rail.energy.loadJoules - joulesBefore) / seconds / volts, true);
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
    const { clockHertz } = this.#board;
    const cyclesLeft = Math.max(1, Math.ceil((limitSeconds - this.#nowSeconds) * clockHertz));
    const slice = this.#board.run(Math.min(cyclesLeft, HOLD_UP_SLICE_CYCLES));
    const seconds = slice.cycles / clockHertz;
    this.#holdUpCoulombs -= slice.railCoulombs;
    this.#activeSeconds += seconds;
    this.#cycles += slice.cycles;
    if (slice.transmitted.length > 0) {
      this.#received.push(slice.transmitted);
    }
    let left = seconds;
    while (left > 0 && !this.#rail.powered) {
      const { elapsedSeconds, turnedOn } = this.#rail.advanceUnpowered(left);
      left = turnedOn ? left - elapsedSeconds : 0;
    }
    if (this.#rail.powered) {
      this.#rail.advancePowered(left, 0);
    }
    this.#nowSeconds += seconds;
    this.#record(0, true);
    if (this.#rail.powered) {
      this.#holdUpCoulombs = 0;
    } else if (this.#holdUpCoulombs <= 0) {
      this.#holdUpCoulombs = 0;
      this.#powerOff();
    }
  }

  #powerOff(): void {
    this.#board.powerOff();
    const window = this.#onWindows.at(-1);
    if (window) {
      window.offSeconds = this.#runSeconds;
    }
    this.#record(0, false);
  }

  #advanceUnpowered(limitSeconds: number): void {
    // In pieces no longer than a bucket of the trace, so that the charging curve is recorded without holes.
    const span = Math.min(limitSeconds - this.#nowSeconds, this.#recorder.bucketSeconds);
    const { elapsedSeconds, turnedOn } = this.#rail.advanceUnpowered(span);
    this.#nowSeconds = turnedOn
      ? this.#nowSeconds + elapsedSeconds
      : Math.min(limitSeconds, this.#nowSeconds + span);
    this.#record(0, turnedOn);
    if (turnedOn) {
      this.#board.powerOn();
      if (this.#measuring) {
        this.#onWindows.push({ onSeconds: this.#runSeconds, offSeconds: null });
      }
    }
  }

  #record(loadAmps: number, powered: boolean): void {
    if (!this.#measuring) {
      return;
    }
    const sample: BenchSample = {
      timeSeconds: this.#runSeconds,
      capacitorVolts: this.#rail.capacitorVolts,
      loadAmps,
      powered,
      progress: this.#progress,
    };
    this.#recorder.add(sample);
    this.#options.onSample(sample);
  }

  async #letMessagesThrough(): Promise<void> {
    if (performance.now() - this.#lastTurn > TURN_MILLISECONDS) {
      await nextTurn();
      this.#lastTurn = performance.now();
    }
    if (this.#options.signal.aborted) {
      throw new RunError({
        code: 'cancelled',
        place: 'virtual bench',
        message: 'the run was cancelled',
        remedy: 'Start it again, or resume its campaign',
      });
    }
  }
}
