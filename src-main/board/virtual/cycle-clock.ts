import type { RP2040 } from 'rp2040js';

type Clock = RP2040['clock'];
type Alarm = ReturnType<Clock['createAlarm']>;

/**
 * Simulated time in ticks of the board's nominal clock (8 ns at 125 MHz), as rp2040js' peripherals and ours see it. The
 * CPU may run slower than nominal while the chip starts (ring oscillator, crystal): one CPU cycle is `ticksPerCycle` ticks.
 *
 * The executor advances `elapsedCycles` in its own loop and stops at `limitCycles`; whoever schedules an earlier alarm
 * lowers that limit.
 */
export class CycleClock implements Clock {
  /** Ticks at which elapsedCycles was 0. */
  private originTicks = 0;
  private ticksPerCycle = 1;
  private readonly pending: ScheduledAlarm[] = [];
  /** CPU cycles since the origin. */
  elapsedCycles = 0;
  /** The executor returns when it gets here. */
  limitCycles = 0;
  private limitTicks = 0;
  /** CPU cycles executed before the origin. */
  private executedBefore = 0;

  constructor(private readonly tickHertz: number) {}

  get ticks(): number {
    return this.originTicks + this.elapsedCycles * this.ticksPerCycle;
  }

  /** CPU cycles executed since power-on, wait states included, sleep and start-up not. */
  get executedCycles(): number {
    return this.executedBefore + this.elapsedCycles;
  }

  get nanos(): number {
    return (this.ticks * 1e9) / this.tickHertz;
  }

  /** Ticks of the next alarm, or Infinity. */
  get nextAlarmTicks(): number {
    return this.pending.length > 0 ? this.pending[0].ticks : Infinity;
  }

  /** Power-on: time zero, nothing scheduled. */
  reset(cpuHertz: number): void {
    this.pending.length = 0;
    this.originTicks = 0;
    this.elapsedCycles = 0;
    this.executedBefore = 0;
    this.limitCycles = 0;
    this.limitTicks = 0;
    this.ticksPerCycle = this.tickHertz / cpuHertz;
  }

  /** The CPU's clock changes now, in the middle of the executor's loop: its count goes on, time stays continuous. */
  setCpuHertz(cpuHertz: number): void {
    const now = this.ticks;
    this.ticksPerCycle = this.tickHertz / cpuHertz;
    this.originTicks = now - this.elapsedCycles * this.ticksPerCycle;
    this.limitCycles = 0;
  }

  /** Moves the origin to now, so that cycle counts stay small integers. */
  private rebase(): void {
    this.originTicks = this.ticks;
    this.executedBefore += this.elapsedCycles;
    this.elapsedCycles = 0;
  }

  /** Time passes without the CPU. */
  skipTo(ticks: number): void {
    this.originTicks = ticks;
    this.executedBefore += this.elapsedCycles;
    this.elapsedCycles = 0;
  }

  /** Lets the executor run until `ticks` or the next alarm, whichever is first. */
  setLimit(ticks: number): void {
    this.rebase();
    this.limitTicks = ticks;
    this.updateLimit();
  }

  /** Calls what is due, in the order of time. */
  fireDue(): void {
    const now = this.ticks;
    while (this.pending.length > 0 && this.pending[0].ticks <= now) {
      const alarm = this.pending.shift();
      alarm?.fire();
    }
  }

  createAlarm(callback: () => void): Alarm {
    return new ScheduledAlarm(this, callback);
  }

  /** An alarm in ticks rather than nanoseconds, for our own peripherals. */
  createTickAlarm(callback: () => void): ScheduledAlarm {
    return new ScheduledAlarm(this, callback);
  }

  insert(alarm: ScheduledAlarm): void {
    let index = this.pending.length;
    while (index > 0 && this.pending[index - 1].ticks > alarm.ticks) {
      index--;
    }
    this.pending.splice(index, 0, alarm);
    this.updateLimit();
  }

  remove(alarm: ScheduledAlarm): void {
    const index = this.pending.indexOf(alarm);
    if (index >= 0) {
      this.pending.splice(index, 1);
    }
  }

  nanosToTicks(nanos: number): number {
    return (nanos * this.tickHertz) / 1e9;
  }

  private updateLimit(): void {
    const ticks = Math.min(this.limitTicks, this.nextAlarmTicks);
    this.limitCycles = Math.ceil((ticks - this.originTicks) / this.ticksPerCycle);
  }
}

export class ScheduledAlarm implements Alarm {
  ticks = 0;

  constructor(
    private readonly clock: CycleClock,
    private readonly callback: () => void,
  ) {}

  /** As rp2040js' peripherals call it. */
  schedule(deltaNanos: number): void {
    this.scheduleAt(this.clock.ticks + this.clock.nanosToTicks(deltaNanos));
  }

  scheduleAt(ticks: number): void {
    this.clock.remove(this);
    this.ticks = ticks;
    this.clock.insert(this);
  }

  cancel(): void {
    this.clock.remove(this);
  }

  fire(): void {
    this.callback();
  }
}
