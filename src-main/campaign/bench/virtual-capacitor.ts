/**
 * A capacitor that exists only in the host: the harvest charges it, what the supply measures at the board discharges it, and
 * the real supply plays its voltage to the board, or is off. For boards without a capacitor and switch of their own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type {
  ShutdownOutcome,
  SupplyDriver,
  SupplyIdentity,
  SupplyLimits,
  SupplyReading,
} from '../../supply/driver.js';
import { Rail, type RailConfig } from '../../supply/rail/rail.js';

export interface VirtualCapacitorOptions {
  /** The real instrument, connected straight to the board. */
  supply: SupplyDriver;
  rail: RailConfig;
  /** Current limit at the board. */
  boardAmps: number;
  /** Bench time in seconds, wall clock. */
  now: () => number;
  onStep: (step: {
    seconds: number;
    volts: number;
    loadAmps: number;
    boardJoules: number;
    powered: boolean;
  }) => void;
  /** Told after the instrument has confirmed the switch. */
  onPower: (on: boolean) => void;
}

/** The supply follows the capacitor when it has moved by so much: finer steps would only make the loop slower. */
const FOLLOW_VOLTS = 0.02;
/** While the board is off, nothing has to be measured; the loop looks at the harvest this often. */
const OFF_PERIOD_MILLISECONDS = 1;
/** Between two readings the capacitor may move by at most this share of the window, or switching comes too late. */
const WINDOW_SHARE = 0.1;

/**
 * Whether a supply reads fast enough to be the switch of this capacitor.
 *
 * @throws InputError with the capacitance that it could do
 */
export function assertFastEnough(
  supply: { name: string; readingsPerSecond: number },
  capacitor: { capacitanceFarads: number; turnOnVolts: number; brownOutVolts: number },
  loadAmps: number,
): void {
  const windowVolts = capacitor.turnOnVolts - capacitor.brownOutVolts;
  const movedVolts = loadAmps / supply.readingsPerSecond / capacitor.capacitanceFarads;
  if (movedVolts > WINDOW_SHARE * windowVolts) {
    const needed = loadAmps / supply.readingsPerSecond / (WINDOW_SHARE * windowVolts);
    throw new InputError({
      code: 'supply-too-slow',
      place: 'bench.mode',
      message:
        `${supply.name} gives ${supply.readingsPerSecond} readings a second; between two of them a virtual capacitor of ` +
        `${formatQuantity(capacitor.capacitanceFarads, 'F')} would move by ${formatQuantity(movedVolts, 'V')} of its window of ${formatQuantity(windowVolts, 'V')}`,
      remedy: `Take at least ${formatQuantity(needed, 'F')}, a faster supply, or mode source with a real capacitor`,
    });
  }
}

/**
 * As a supply driver, it sets the harvest instead of the instrument's output. The loop runs from the first `output(true)` until
 * `shutdown`; what goes wrong in it is told by the next command.
 */
export class VirtualCapacitor implements SupplyDriver {
  readonly limits: SupplyLimits;
  /** Time between two readings, as they came: mean and worst. */
  readonly readings = { count: 0, totalSeconds: 0, worstSeconds: 0 };
  readonly #options: VirtualCapacitorOptions;
  readonly #rail: Rail;
  #harvesting = false;
  #source = { volts: 0, amps: 0 };
  #loop: Promise<void> | null = null;
  #failure: Error | null = null;
  #ending = false;
  #followedVolts = 0;

  constructor(options: VirtualCapacitorOptions) {
    this.#options = options;
    // The harvest is no command to the instrument: it may change as often as the loop turns.
    this.limits = { ...options.supply.limits, minimumStepSeconds: OFF_PERIOD_MILLISECONDS / 1000 };
    this.#rail = new Rail(options.rail);
  }

  get powered(): boolean {
    return this.#rail.powered;
  }

  identify(): Promise<SupplyIdentity> {
    return this.#options.supply.identify();
  }

  set(volts: number, amps: number): Promise<void> {
    this.#throwFailure();
    this.#source = { volts, amps };
    this.#apply();
    return Promise.resolve();
  }

  output(on: boolean): Promise<void> {
    this.#throwFailure();
    this.#harvesting = on;
    this.#apply();
    this.#loop ??= this.#run().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    return Promise.resolve();
  }

  measure(): Promise<SupplyReading> {
    this.#throwFailure();
    return Promise.resolve({ volts: this.#rail.sourceTerminalVolts, amps: this.#rail.sourceCurrentAmps });
  }

  async shutdown(): Promise<ShutdownOutcome> {
    this.#ending = true;
    // First the output, then whatever the loop was about to say.
    const outcome = await this.#options.supply.shutdown();
    await this.#loop;
    return outcome;
  }

  #apply(): void {
    this.#rail.setSource(this.#harvesting ? this.#source : { volts: 0, amps: 0 });
  }

  #throwFailure(): void {
    if (this.#failure) {
      throw this.#failure;
    }
  }

  async #run(): Promise<void> {
    const { now } = this.#options;
    let last = now();
    while (!this.#ending) {
      if (!this.#rail.powered) {
        await sleep(OFF_PERIOD_MILLISECONDS);
        const passed = now() - last;
        last += passed;
        await this.#charge(passed);
        continue;
      }
      const reading = await this.#options.supply.measure();
      const passed = now() - last;
      last += passed;
      this.readings.count += 1;
      this.readings.totalSeconds += passed;
      this.readings.worstSeconds = Math.max(this.readings.worstSeconds, passed);
      await this.#discharge(passed, reading);
    }
  }

  async #charge(passedSeconds: number): Promise<void> {
    const { turnedOn } = this.#rail.advanceUnpowered(passedSeconds);
    if (turnedOn && !this.#stopping()) {
      await this.#follow();
      await this.#options.supply.output(true);
      this.#options.onPower(true);
    }
    this.#tell(passedSeconds, 0, 0);
  }

  async #discharge(passedSeconds: number, { volts, amps }: SupplyReading): Promise<void> {
    const joules = Math.max(0, volts * amps * passedSeconds);
    const { railVolts, converterEfficiency } = this.#options.rail;
    // The rail counts charge behind the board's converter; the supply measures before it.
    const state = this.#rail.advancePowered(passedSeconds, (joules * converterEfficiency) / railVolts);
    if (state === 'failed') {
      await this.#options.supply.output(false);
      this.#options.onPower(false);
    } else if (
      Math.abs(this.#rail.capacitorVolts - this.#followedVolts) >= FOLLOW_VOLTS &&
      !this.#stopping()
    ) {
      await this.#follow();
    }
    this.#tell(passedSeconds, amps, joules);
  }

  /** The board sees the capacitor's voltage, so that a firmware that senses it sees what a real one would show. */
  async #follow(): Promise<void> {
    const volts = Math.min(this.limits.maximumVolts, this.#rail.capacitorVolts);
    await this.#options.supply.set(volts, Math.min(this.limits.maximumAmps, this.#options.boardAmps));
    this.#followedVolts = this.#rail.capacitorVolts;
  }

  #stopping(): boolean {
    return this.#ending;
  }

  #tell(seconds: number, loadAmps: number, boardJoules: number): void {
    const { capacitorVolts, powered } = this.#rail;
    this.#options.onStep({ seconds, volts: capacitorVolts, loadAmps, boardJoules, powered });
  }
}
