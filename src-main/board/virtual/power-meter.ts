import type { BoardProfile } from '../profile.js';
import type { PowerState } from '../virtual-board.js';

/**
 * Integrates what the chip draws from the regulated rail. Between the current with all clocks gated, which everything on the
 * board draws, and that of the nominal clock, current is proportional to the frequency and to the share of the clocks that
 * run: switching charge, Q = C V f. The figures that this is drawn through are the profile's.
 */
export class PowerMeter {
  private readonly ticks: Record<PowerState, number> = { startup: 0, active: 0, waiting: 0, resting: 0 };
  private coulombTicks = 0;
  private since = 0;
  private state: PowerState = 'startup';
  private amps = 0;

  constructor(
    private readonly power: BoardProfile['power'],
    private readonly nominalHertz: number,
  ) {}

  /**
   * @param now in ticks
   * @param hertz of the system clock
   * @param share of the clocks that run, 0 .. 1
   */
  enter(state: PowerState, now: number, hertz: number, share = 1): void {
    this.advance(now);
    const { startupAmps, activeAmps, sleepAmps, gatedAmps } = this.power;
    const full = state === 'active' ? activeAmps.value : sleepAmps.value;
    this.state = state;
    this.amps =
      state === 'startup'
        ? startupAmps.value
        : gatedAmps.value + (full - gatedAmps.value) * (hertz / this.nominalHertz) * share;
  }

  advance(now: number): void {
    this.ticks[this.state] += now - this.since;
    this.coulombTicks += (now - this.since) * this.amps;
    this.since = now;
  }

  /** Charge in A x ticks since the last call. */
  takeCoulombTicks(): number {
    const taken = this.coulombTicks;
    this.coulombTicks = 0;
    return taken;
  }

  /** Ticks spent in each state since power-on. */
  get stateTicks(): Readonly<Record<PowerState, number>> {
    return this.ticks;
  }
}
