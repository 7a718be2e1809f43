/**
 * The virtual bench: a simulated board, a capacitor with its switch, and a supply that speaks SCPI, on one simulated
 * clock. Time advances only while somebody waits on a port, so a run depends on nothing but its configuration and seed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BoardProfile } from '../../board/profile.js';
import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import { openSupply } from '../../supply/drivers/index.js';
import type { ShutdownOutcome, SupplyDriver, SupplyLimits } from '../../supply/driver.js';
import { supplyProfile, limitsForBoard } from '../../supply/profiles/index.js';
import { VirtualSupplyPort } from '../../supply/virtual/virtual-supply-port.js';
import type { BenchSample, PowerCycle, TraceChannel } from '../types.js';
import { TraceRecorder } from '../trace-recorder.js';
import type { Bench, BenchObservation, MeasuringScale } from './bench.js';
import { CoupledBoard } from './coupled-board.js';

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
  readonly #coupled: CoupledBoard;
  readonly #supplyPort: VirtualSupplyPort;
  /** Instant of startMeasuring; NaN before. */
  #originSeconds = NaN;
  #scale: MeasuringScale = { tasksPerInference: 1, inferences: 1 };
  #recorder = new TraceRecorder();
  #progress = 0;
  /** What had been used up when measuring began. */
  #before = { activeSeconds: 0, cycles: 0, boardJoules: 0 };
  #onWindows: Pick<PowerCycle, 'onSeconds' | 'offSeconds'>[] = [];
  #lastTurn = performance.now();

  constructor(options: VirtualBenchOptions) {
    const { profile } = options;
    this.#options = options;
    this.#coupled = new CoupledBoard({
      ...options,
      onStep: ({ loadAmps, powered }) => {
        this.#record(loadAmps, powered);
      },
      onPower: (on) => {
        this.#notePower(on);
      },
    });
    this.#supplyPort = new VirtualSupplyPort({
      clock: {
        now: () => this.now(),
        advance: (seconds) => {
          this.#advanceTo(this.now() + seconds);
        },
      },
      applySource: (source) => {
        this.#coupled.rail.setSource(source);
      },
      measure: () => ({
        volts: this.#coupled.rail.sourceTerminalVolts,
        amps: this.#coupled.rail.sourceCurrentAmps,
      }),
    });
    this.#coupled.board.onCommit = ({ inference, task }) => {
      const { tasksPerInference, inferences } = this.#scale;
      this.#progress = Math.min(1, (inference + task / tasksPerInference) / inferences);
    };
    this.boardPort = {
      name: `virtual ${profile.name}`,
      now: () => this.now(),
      write: (bytes) => {
        this.#coupled.board.receive(bytes);
        return Promise.resolve();
      },
      read: (timeoutSeconds) => this.#readBoard(timeoutSeconds),
      close: () => Promise.resolve(),
    };
    this.supply = openSupply(this.#supplyPort, supplyProfile(VIRTUAL_SUPPLY), virtualSupplyLimits(profile));
  }

  now(): number {
    return this.#coupled.nowSeconds;
  }

  startMeasuring(scale: MeasuringScale): void {
    this.#originSeconds = this.now();
    this.#scale = scale;
    this.#recorder = new TraceRecorder();
    this.#progress = 0;
    const { activeSeconds, cycles, boardJoules, rail } = this.#coupled;
    this.#before = { activeSeconds, cycles, boardJoules };
    this.#onWindows = rail.powered ? [{ onSeconds: 0, offSeconds: null }] : [];
  }

  observe(): BenchObservation {
    const { activeSeconds, cycles, boardJoules } = this.#coupled;
    return {
      activeSeconds: activeSeconds - this.#before.activeSeconds,
      energyJoules: boardJoules - this.#before.boardJoules,
      cycles: cycles - this.#before.cycles,
      powerCycles: this.#onWindows.length,
      powerCyclesSeen: true,
    };
  }

  /** Every commit is seen here, long before the board reports anything. */
  noteProgress(): void {
    return;
  }

  notes(): string[] {
    return [];
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
    // This supply can be asked: without its word, nothing is known.
    return outcome === 'confirmed' ? outcome : 'failed';
  }

  get #runSeconds(): number {
    return this.now() - this.#originSeconds;
  }

  get #measuring(): boolean {
    return !Number.isNaN(this.#originSeconds);
  }

  async #readBoard(timeoutSeconds: number): Promise<Uint8Array> {
    const deadline = this.now() + timeoutSeconds;
    while (!this.#coupled.hasReceived && this.now() < deadline) {
      this.#advance(deadline);
      await this.#letMessagesThrough();
    }
    return this.#coupled.takeReceived();
  }

  #advanceTo(targetSeconds: number): void {
    while (this.now() < targetSeconds) {
      this.#advance(targetSeconds);
    }
  }

  /** One step of board and rail together, at most to `limitSeconds`, then whatever the supply has to do by then. */
  #advance(limitSeconds: number): void {
    const limit = Math.min(limitSeconds, Math.max(this.now(), this.#supplyPort.nextEventSeconds));
    // While the board is off, in pieces no longer than a bucket of the trace: the charging curve is recorded without holes.
    this.#coupled.advance(limit, this.#recorder.bucketSeconds);
    this.#supplyPort.settle();
  }

  #notePower(on: boolean): void {
    if (!on) {
      const window = this.#onWindows.at(-1);
      if (window) {
        window.offSeconds = this.#runSeconds;
      }
    } else if (this.#measuring) {
      this.#onWindows.push({ onSeconds: this.#runSeconds, offSeconds: null });
    }
  }

  #record(loadAmps: number, powered: boolean): void {
    if (!this.#measuring) {
      return;
    }
    const sample: BenchSample = {
      timeSeconds: this.#runSeconds,
      capacitorVolts: this.#coupled.rail.capacitorVolts,
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
