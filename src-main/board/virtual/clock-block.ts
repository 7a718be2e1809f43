import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { CycleClock } from './cycle-clock.js';

/** What rp2040js leaves out of clocks and PLL: gates while the core sleeps, the ADC's clock, and the time to lock. */

/** CLOCKS registers, RP2040 datasheet section 2.15.7. */
const CLK_ADC_CTRL = 0x60;
const CLK_ADC_DIV = 0x64;
const WAKE_EN0 = 0xa0;
const SLEEP_EN1 = 0xac;
const ADC_ENABLE = 1 << 11;
/** Clocks with a gate: 32 in the first register of each pair, 15 in the second. */
const GATES = [0xffffffff, 0x7fff] as const;
const GATE_COUNT = 47;
/** Bits of SLEEP_EN1. */
const GATE_TIMER = 1 << 5;
const GATE_UART0 = (1 << 6) | (1 << 7);

export class ClockBlock extends BasePeripheral {
  /** WAKE_EN0, WAKE_EN1, SLEEP_EN0, SLEEP_EN1. */
  private readonly gates: [number, number, number, number] = [...GATES, ...GATES];
  private adcControl = 0;
  private adcDivider = 0x100;

  constructor(rp2040: RP2040) {
    super(rp2040, 'CLOCKS');
  }

  /** Share of the chip's clocks that run while the core sleeps with SLEEPDEEP set. */
  get sleepShare(): number {
    return (bits(this.gates[2]) + bits(this.gates[3])) / GATE_COUNT;
  }

  get timerSleeps(): boolean {
    return (this.gates[3] & GATE_TIMER) === 0;
  }

  get uartSleeps(): boolean {
    return (this.gates[3] & GATE_UART0) !== GATE_UART0;
  }

  override readUint32(offset: number): number {
    if (offset >= WAKE_EN0 && offset <= SLEEP_EN1) {
      return this.gates[(offset - WAKE_EN0) >>> 2];
    }
    if (offset === CLK_ADC_DIV) {
      return this.adcDivider;
    }
    return this.rp2040.clocks.readUint32(offset);
  }

  override writeUint32(offset: number, value: number): void {
    if (offset >= WAKE_EN0 && offset <= SLEEP_EN1) {
      const index = (offset - WAKE_EN0) >>> 2;
      this.gates[index] = (value & GATES[index & 1]) >>> 0;
      return;
    }
    this.rp2040.clocks.writeUint32(offset, value);
    if (offset === CLK_ADC_CTRL || offset === CLK_ADC_DIV) {
      this.setAdcClock(offset, value);
    }
  }

  /** A conversion takes 96 cycles of clk_adc: section 4.9.2. */
  private setAdcClock(offset: number, value: number): void {
    if (offset === CLK_ADC_CTRL) {
      this.adcControl = value;
    } else {
      this.adcDivider = value;
    }
    const { rp2040 } = this;
    const sources = [rp2040.pllUsb.frequency, rp2040.pllSys.frequency, rp2040.roscFreq, rp2040.xoscFreq];
    const hertz = (sources[(this.adcControl >>> 5) & 7] ?? 0) / Math.max(1, this.adcDivider >>> 8);
    if (this.adcControl & ADC_ENABLE && hertz > 0) {
      // Only its type says that it never changes.
      Object.assign(rp2040.adc, { sampleTime: 96e6 / hertz });
    }
  }
}

/** PLL registers, section 2.18.4. */
const PLL_CS = 0x00;
const PLL_PWR = 0x04;
const PWR_CORE_AND_VCO_DOWN = (1 << 0) | (1 << 5);
const CS_LOCK = 1 << 31;

/** The system PLL, which needs a while to lock after it is switched on. */
export class SystemPll extends BasePeripheral {
  private lockedAt = Infinity;

  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly lockTicks: number,
  ) {
    super(rp2040, 'PLL_SYS');
  }

  override readUint32(offset: number): number {
    const value = this.rp2040.pllSys.readUint32(offset);
    return offset === PLL_CS && this.clock.ticks < this.lockedAt ? (value & ~CS_LOCK) >>> 0 : value;
  }

  override writeUint32(offset: number, value: number): void {
    this.rp2040.pllSys.writeUint32(offset, value);
    if (offset === PLL_PWR) {
      const on = (value & PWR_CORE_AND_VCO_DOWN) === 0;
      this.lockedAt = on ? Math.min(this.lockedAt, this.clock.ticks + this.lockTicks) : Infinity;
    }
  }
}

function bits(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) {
    count++;
  }
  return count;
}
