import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { BoardProfile } from '../profile.js';
import type { CycleClock } from './cycle-clock.js';
import { SerialShifter } from './serial-shifter.js';
import type { W25q16 } from './w25q16.js';

/** DW_apb_ssi registers, RP2040 datasheet section 4.10.13. */
const CTRLR0 = 0x00;
const CTRLR1 = 0x04;
const SSIENR = 0x08;
const SER = 0x10;
const BAUDR = 0x14;
const TXFLR = 0x20;
const RXFLR = 0x24;
const SR = 0x28;
const DR0 = 0x60;
const RX_SAMPLE_DLY = 0xf0;
const SPI_CTRLR0 = 0xf4;
const FIFO_WORDS = 16;

/** Fields of CTRLR0: frame format, frame bits, transfer mode. */
const STANDARD_8_BIT = { format: 0, bits: 8, mode: 0 };
const QUAD_32_BIT = { format: 2, bits: 32, mode: 3 };
const STANDARD_32_BIT = { format: 0, bits: 32, mode: 3 };

/**
 * Clocks of one 32-bit read. Quad I/O: 24 address and 8 mode bits on four lines, wait clocks, data on four lines. Read data:
 * instruction, address and data on one line. W25Q16JV data sheet, sections 8.2.12 and 8.2.6.
 */
const quadContinuousClocks = (wait: number) => (24 + 8) / 4 + wait + 32 / 4;
const singleReadClocks = 8 + 24 + 32;

/**
 * The serial interface to flash: commands in standard SPI with 8-bit frames, and whether its configuration and the state of
 * the flash make execution in place work. Configurations that would not read this flash make flash unreadable.
 */
export class Ssi extends BasePeripheral {
  /** The boot ROM has selected the flash when it hands over; programs rely on it. */
  private readonly registers = new Map<number, number>([[SER, 1]]);
  private readonly shifter: SerialShifter;
  private quadInstruction = -1;
  private forcedSelect: boolean | null = null;

  /** @param onXip called when XIP starts to work (cycles for a cache line) or stops (null) */
  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly tickHertz: number,
    private readonly flash: W25q16,
    private readonly timing: BoardProfile['timing'],
    private readonly onXip: (lineCycles: number | null) => void,
  ) {
    super(rp2040, 'SSI');
    this.shifter = new SerialShifter(
      clock,
      FIFO_WORDS,
      () => (8 * this.register(BAUDR) * this.tickHertz) / rp2040.clkSys,
      (byte, ticks) => flash.exchange(byte, ticks),
      () => this.updateSelect(),
    );
  }

  /** Output override of the chip select pad: low, high, or left to this controller (null). */
  forceSelect(low: boolean | null): void {
    this.shifter.advance();
    this.forcedSelect = low;
    this.updateSelect();
  }

  override readUint32(offset: number): number {
    const { shifter } = this;
    switch (offset) {
      case SR:
        shifter.advance();
        return (
          (shifter.busy ? 1 : 0) |
          (shifter.full ? 0 : 2) |
          (shifter.transmitCount === 0 ? 4 : 0) |
          (shifter.receiveCount > 0 ? 8 : 0) |
          (shifter.receiveCount >= FIFO_WORDS ? 16 : 0)
        );
      case TXFLR:
        shifter.advance();
        return shifter.transmitCount;
      case RXFLR:
        shifter.advance();
        return shifter.receiveCount;
      case DR0:
        return shifter.read();
      case CTRLR0:
      case CTRLR1:
      case SSIENR:
      case SER:
      case BAUDR:
      case RX_SAMPLE_DLY:
      case SPI_CTRLR0:
        return this.register(offset);
      default:
        return super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    switch (offset) {
      case DR0:
        this.push(value);
        break;
      case SSIENR:
        this.registers.set(SSIENR, value & 1);
        this.shifter.clear();
        this.quadInstruction = -1;
        this.updateSelect();
        this.onXip(this.xipLineCycles());
        break;
      case CTRLR0:
      case CTRLR1:
      case SER:
      case BAUDR:
      case RX_SAMPLE_DLY:
      case SPI_CTRLR0:
        if (this.register(SSIENR) & 1) {
          this.warn(`configuration register 0x${offset.toString(16)} written while the SSI is enabled`);
        }
        this.registers.set(offset, value);
        break;
      default:
        super.writeUint32(offset, value);
    }
  }

  private register(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  private frames({ format, bits, mode }: { format: number; bits: number; mode: number }): boolean {
    const control = this.register(CTRLR0);
    return (
      ((control >>> 21) & 3) === format &&
      ((control >>> 16) & 31) === bits - 1 &&
      ((control >>> 8) & 3) === mode
    );
  }

  private push(value: number): void {
    if (!(this.register(SSIENR) & 1) || !(this.register(SER) & 1)) {
      return;
    }
    if (this.frames(STANDARD_8_BIT)) {
      this.shifter.write(value & 0xff);
      this.updateSelect();
    } else if (this.frames(QUAD_32_BIT)) {
      this.pushQuad(value);
    } else {
      this.warn(`data written with CTRLR0 = 0x${this.register(CTRLR0).toString(16)}, which is not modelled`);
    }
  }

  /** Instruction on one line, then 24 address bits and 8 mode bits on four. */
  private pushQuad(value: number): void {
    const { addressBits, instruction, transfer, wait } = this.spiFields();
    if (this.quadInstruction < 0) {
      this.quadInstruction = value & 0xff;
    } else if (
      this.quadInstruction === 0xeb &&
      !this.flash.continuousRead &&
      instruction === 2 &&
      transfer === 1 &&
      addressBits === 32 &&
      wait === 4 &&
      !this.flash.busy(this.clock.ticks)
    ) {
      this.flash.quadRead(value & 0xff);
      this.quadInstruction = -1;
    } else {
      this.warn(
        `quad command 0x${this.quadInstruction.toString(16)} that a W25Q16JV does not take in this state`,
      );
    }
  }

  private spiFields(): {
    command: number;
    wait: number;
    instruction: number;
    addressBits: number;
    transfer: number;
  } {
    const control = this.register(SPI_CTRLR0);
    return {
      command: control >>> 24,
      wait: (control >>> 11) & 31,
      instruction: (control >>> 8) & 3,
      addressBits: 4 * ((control >>> 2) & 15),
      transfer: control & 3,
    };
  }

  /** CPU cycles to fill a cache line, or null when an access to the XIP window would not read flash. */
  private xipLineCycles(): number | null {
    const divider = this.register(BAUDR);
    if (
      !(this.register(SSIENR) & 1) ||
      !(this.register(SER) & 1) ||
      divider < 2 ||
      this.flash.busy(this.clock.ticks)
    ) {
      return null;
    }
    const { command, wait, instruction, addressBits, transfer } = this.spiFields();
    const { cacheLineBytes, flashGapClocks } = this.timing;
    const words = cacheLineBytes.value / 4;
    const line = (clocks: number) => words * (clocks + flashGapClocks.value) * divider;
    if (
      this.frames(QUAD_32_BIT) &&
      this.flash.continuousRead &&
      transfer === 2 &&
      instruction === 0 &&
      addressBits === 32 &&
      wait === 4 &&
      (command & 0x30) === 0x20
    ) {
      return line(quadContinuousClocks(wait));
    }
    if (
      this.frames(STANDARD_32_BIT) &&
      !this.flash.continuousRead &&
      transfer === 0 &&
      instruction === 2 &&
      addressBits === 24 &&
      wait === 0 &&
      command === 0x03
    ) {
      return line(singleReadClocks);
    }
    return null;
  }

  private updateSelect(): void {
    this.flash.select(this.forcedSelect ?? this.shifter.busy, this.clock.ticks);
  }
}
