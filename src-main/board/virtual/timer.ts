import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { CycleClock, ScheduledAlarm } from './cycle-clock.js';

/** TIMER registers, RP2040 datasheet section 4.6.5. */
const TIMEHR = 0x08;
const TIMELR = 0x0c;
const ALARM0 = 0x10;
const ALARM3 = 0x1c;
const ARMED = 0x20;
const TIMERAWH = 0x24;
const TIMERAWL = 0x28;
const INTR = 0x34;
const INTE = 0x38;
const INTS = 0x40;
const ALARMS = 4;
const WRAP_MICROS = 2 ** 32;

/**
 * The microsecond counter and its alarms. As on the chip, an alarm fires in the moment in which the counter becomes equal to
 * it, so one that is set to now or earlier comes 72 minutes late; rp2040js' fires up to a microsecond before.
 */
export class Timer extends BasePeripheral {
  private readonly alarms: ScheduledAlarm[];
  private readonly targets = new Uint32Array(ALARMS);
  private armed = 0;
  private raw = 0;
  private enabled = 0;
  private latchedHigh = 0;

  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly ticksPerMicro: number,
  ) {
    super(rp2040, 'TIMER');
    this.alarms = Array.from({ length: ALARMS }, (_, index) => clock.createTickAlarm(() => this.fire(index)));
  }

  override readUint32(offset: number): number {
    switch (offset) {
      case TIMELR:
        this.latchedHigh = Math.floor(this.micros / WRAP_MICROS);
        return this.micros >>> 0;
      case TIMEHR:
        return this.latchedHigh;
      case TIMERAWH:
        return Math.floor(this.micros / WRAP_MICROS);
      case TIMERAWL:
        return this.micros >>> 0;
      case ARMED:
        return this.armed;
      case INTR:
        return this.raw;
      case INTE:
        return this.enabled;
      case INTS:
        return this.raw & this.enabled;
      default:
        return offset >= ALARM0 && offset <= ALARM3
          ? this.targets[(offset - ALARM0) >>> 2]
          : super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    switch (offset) {
      case ARMED:
        this.disarm(this.rawWriteValue);
        break;
      case INTR:
        this.raw &= ~this.rawWriteValue;
        this.updateInterrupts();
        break;
      case INTE:
        this.enabled = value & ((1 << ALARMS) - 1);
        this.updateInterrupts();
        break;
      default:
        if (offset >= ALARM0 && offset <= ALARM3) {
          this.arm((offset - ALARM0) >>> 2, value >>> 0);
        } else {
          super.writeUint32(offset, value);
        }
    }
  }

  private get micros(): number {
    return Math.floor(this.clock.ticks / this.ticksPerMicro);
  }

  private arm(index: number, target: number): void {
    const { micros } = this;
    const distance = (target - (micros >>> 0)) >>> 0 || WRAP_MICROS;
    this.targets[index] = target;
    this.armed |= 1 << index;
    this.alarms[index].scheduleAt((micros + distance) * this.ticksPerMicro);
  }

  private disarm(mask: number): void {
    this.armed &= ~mask;
    this.alarms.forEach((alarm, index) => {
      if (mask & (1 << index)) {
        alarm.cancel();
      }
    });
  }

  private fire(index: number): void {
    this.armed &= ~(1 << index);
    this.raw |= 1 << index;
    this.updateInterrupts();
  }

  /** TIMER_IRQ_0 to 3 are interrupts 0 to 3. */
  private updateInterrupts(): void {
    for (let index = 0; index < ALARMS; index++) {
      this.rp2040.setInterrupt(index, (this.raw & this.enabled & (1 << index)) !== 0);
    }
  }
}
