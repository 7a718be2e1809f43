import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { CycleClock } from './cycle-clock.js';
import { SerialShifter } from './serial-shifter.js';

/** PL022 registers, RP2040 datasheet section 4.4.4. */
const SSPCR0 = 0x00;
const SSPCR1 = 0x04;
const SSPDR = 0x08;
const SSPSR = 0x0c;
const SSPCPSR = 0x10;
const CR0_PHASE = 1 << 7;
const CR1_ENABLE = 1 << 1;
const FIFO_WORDS = 8;

/** SPI0 as a polled master of 8-bit frames. rp2040js' own finishes every byte at once. */
export class SpiController extends BasePeripheral {
  readonly shifter: SerialShifter;
  private control0 = 0;
  private control1 = 0;
  private prescale = 0;

  constructor(
    rp2040: RP2040,
    clock: CycleClock,
    private readonly tickHertz: number,
    private readonly maximumHertz: number,
    exchange: (byte: number, ticks: number) => number,
  ) {
    super(rp2040, 'SPI0');
    this.shifter = new SerialShifter(
      clock,
      FIFO_WORDS,
      () => this.ticksPerByte(),
      exchange,
      () => undefined,
    );
  }

  override readUint32(offset: number): number {
    const { shifter } = this;
    switch (offset) {
      case SSPCR0:
        return this.control0;
      case SSPCR1:
        return this.control1;
      case SSPCPSR:
        return this.prescale;
      case SSPDR:
        return shifter.read();
      case SSPSR:
        shifter.advance();
        return (
          (shifter.transmitCount === 0 ? 1 : 0) |
          (shifter.full ? 0 : 2) |
          (shifter.receiveCount > 0 ? 4 : 0) |
          (shifter.receiveCount >= FIFO_WORDS ? 8 : 0) |
          (shifter.busy ? 16 : 0)
        );
      default:
        return super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    switch (offset) {
      case SSPCR0:
        this.control0 = value;
        break;
      case SSPCR1:
        this.control1 = value;
        break;
      case SSPCPSR:
        this.prescale = value & 0xfe;
        break;
      case SSPDR:
        if (this.control1 & CR1_ENABLE) {
          if (this.bitHertz > this.maximumHertz) {
            this.warn(`clocked at ${this.bitHertz / 1e6} MHz, the FRAM takes ${this.maximumHertz / 1e6} MHz`);
          }
          this.shifter.write(value & 0xff);
        }
        break;
      default:
        super.writeUint32(offset, value);
    }
  }

  /** Between frames with SPH = 0 the controller pauses for one clock; with SPH = 1 they follow each other at once. */
  private ticksPerByte(): number {
    const bits = this.control0 & CR0_PHASE ? 8 : 9;
    return (bits * this.tickHertz) / this.bitHertz;
  }

  private get bitHertz(): number {
    return this.rp2040.clkPeri / (this.prescale * (1 + ((this.control0 >>> 8) & 0xff)));
  }
}
