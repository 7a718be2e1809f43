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
const DMACR = 0x4c;
const DMATDLR = 0x50;
const DMARDLR = 0x54;
const DR0 = 0x60;
const RX_SAMPLE_DLY = 0xf0;
const SPI_CTRLR0 = 0xf4;
const FIFO_WORDS = 16;
const DMACR_RECEIVE = 1;
/** DREQ of the receive FIFO, RP2040 datasheet, section 2.5.3.1. */
export const DREQ_XIP_SSIRX = 39;

/** Fields of CTRLR0: frame format, frame bits, transfer mode. */
const STANDARD_8_BIT = { format: 0, bits: 8, mode: 0 };
const QUAD_32_BIT = { format: 2, bits: 32, mode: 3 };
const STANDARD_32_BIT = { format: 0, bits: 32, mode: 3 };

/**
 * Clocks of one 32-bit read. Quad I/O: 24 address and 8 mode bits on four lines, wait clocks, data on four lines. Read data:
 * instruction, address and data on one line. W25Q16JV data sheet, sections 8.2.12 and 8.2.6.
 */
const quadWordClocks = 32 / 4;
const quadContinuousClocks = (wait: number) => (24 + 8) / 4 + wait + quadWordClocks;
const singleReadClocks = 8 + 24 + 32;

/** A read of CTRLR1 + 1 words behind one address: the flash goes on by itself as long as it is clocked. */
interface Burst {
  offset: number;
  words: number;
  arrived: number;
  firstTicks: number;
  ticksPerWord: number;
}

/**
 * The serial interface to flash: commands in standard SPI with 8-bit frames, bursts of words in quad continuous mode that the
 * CPU or the DMA takes from the receive FIFO, and whether its configuration and the state of the flash make execution in place
 * work. Configurations that would not read this flash make flash unreadable; so does a burst, from its configuration to the
 * end of it, because an access to the XIP window would get into it.
 *
 * As the shifter, it is evaluated when somebody looks; whoever reads or writes the DMA's registers has to call `advance`.
 */
export class Ssi extends BasePeripheral {
  /** The boot ROM has selected the flash when it hands over; programs rely on it. */
  private readonly registers = new Map<number, number>([[SER, 1]]);
  private readonly shifter: SerialShifter;
  private quadInstruction = -1;
  private forcedSelect: boolean | null = null;
  private burst: Burst | null = null;
  private readonly words: number[] = [];
  private lost = false;
  private readonly endOfBurst;

  /**
   * @param onXip called when XIP starts to work (cycles for a cache miss) or stops (null)
   * @param instant words of a burst arrive at once: flash without wait states
   */
  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly tickHertz: number,
    private readonly flash: W25q16,
    private readonly timing: BoardProfile['timing'],
    private readonly onXip: (missCycles: number | null) => void,
    private readonly instant = false,
  ) {
    super(rp2040, 'SSI');
    this.endOfBurst = clock.createTickAlarm(() => this.advance());
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

  /** Catches up with the clock: words of a burst that have arrived, and the DMA, which takes each at once. */
  advance(): void {
    this.shifter.advance();
    this.feedDma();
    const { burst } = this;
    if (burst === null) {
      return;
    }
    const now = this.clock.ticks;
    while (
      burst.arrived < burst.words &&
      burst.firstTicks + burst.arrived * burst.ticksPerWord <= now &&
      this.burst === burst
    ) {
      if (this.words.length < FIFO_WORDS) {
        this.words.push(this.flash.wordAt(burst.offset + 4 * burst.arrived));
      } else if (!this.lost) {
        this.lost = true;
        this.warn('words of a burst were lost: nobody took them from the receive FIFO in time');
      }
      burst.arrived++;
      this.feedDma();
    }
    if (this.burst === burst && burst.arrived === burst.words) {
      this.burst = null;
      this.updateSelect();
      this.onXip(this.xipMissCycles());
    }
  }

  /** Channels that wait for the receive FIFO take what is in it, as rp2040js transfers. */
  private feedDma(): void {
    if (this.words.length === 0 || !(this.register(DMACR) & DMACR_RECEIVE)) {
      return;
    }
    const level = this.register(DMARDLR);
    for (const channel of this.rp2040.dma.channels) {
      while (this.words.length > level && channel.treq === DREQ_XIP_SSIRX && channel.active) {
        channel.transfer();
      }
    }
  }

  override readUint32(offset: number): number {
    const { shifter, words } = this;
    switch (offset) {
      case SR: {
        this.advance();
        const received = shifter.receiveCount + words.length;
        return (
          (shifter.busy || this.burst !== null ? 1 : 0) |
          (shifter.full ? 0 : 2) |
          (shifter.transmitCount === 0 ? 4 : 0) |
          (received > 0 ? 8 : 0) |
          (received >= FIFO_WORDS ? 16 : 0)
        );
      }
      case TXFLR:
        shifter.advance();
        return shifter.transmitCount;
      case RXFLR:
        this.advance();
        return shifter.receiveCount + words.length;
      case DR0:
        return words.shift() ?? shifter.read();
      case DMACR:
      case DMATDLR:
      case DMARDLR:
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
        this.advance();
        this.registers.set(SSIENR, value & 1);
        this.shifter.clear();
        this.endBurst();
        this.quadInstruction = -1;
        this.updateSelect();
        this.onXip(this.xipMissCycles());
        break;
      case DMACR:
      case DMATDLR:
      case DMARDLR:
        this.advance();
        this.registers.set(offset, value);
        this.onXip(this.xipMissCycles());
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

  private endBurst(): void {
    this.burst = null;
    this.words.length = 0;
    this.lost = false;
    this.endOfBurst.cancel();
  }

  /** In continuous mode: 24 address and 8 mode bits, then the words. */
  private beginBurst(value: number): void {
    const { flash, clock, timing } = this;
    this.advance();
    if (this.burst !== null || flash.busy(clock.ticks)) {
      this.warn('a burst begun while the flash is busy, or before the last one has ended');
      return;
    }
    flash.quadRead(value & 0xff);
    const ticksPerCycle = this.tickHertz / this.rp2040.clkSys;
    const ticksPerClock = this.instant ? 0 : this.register(BAUDR) * ticksPerCycle;
    const clocks = timing.flashGapClocks.value + quadContinuousClocks(this.spiFields().wait);
    const takenByDma = this.register(DMACR) & DMACR_RECEIVE;
    const delay = takenByDma && !this.instant ? timing.dmaTransferCycles.value * ticksPerCycle : 0;
    const burst: Burst = {
      offset: value >>> 8,
      words: (this.register(CTRLR1) & 0xffff) + 1,
      arrived: 0,
      firstTicks: clock.ticks + clocks * ticksPerClock + delay,
      ticksPerWord: quadWordClocks * ticksPerClock,
    };
    this.burst = burst;
    this.endOfBurst.scheduleAt(burst.firstTicks + (burst.words - 1) * burst.ticksPerWord);
    this.onXip(null);
  }

  /** Instruction on one line, then 24 address bits and 8 mode bits on four; or a burst. */
  private pushQuad(value: number): void {
    const { addressBits, instruction, transfer, wait } = this.spiFields();
    if (
      this.flash.continuousRead &&
      instruction === 0 &&
      transfer === 2 &&
      addressBits === 32 &&
      wait === 4
    ) {
      this.beginBurst(value);
    } else if (this.quadInstruction < 0) {
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

  /** CPU cycles of a cache miss, or null when an access to the XIP window would not read flash. */
  private xipMissCycles(): number | null {
    const divider = this.register(BAUDR);
    if (
      this.burst !== null ||
      (this.register(CTRLR1) & 0xffff) !== 0 ||
      (this.register(DMACR) & DMACR_RECEIVE) !== 0 ||
      !(this.register(SSIENR) & 1) ||
      !(this.register(SER) & 1) ||
      divider < 2 ||
      this.flash.busy(this.clock.ticks)
    ) {
      return null;
    }
    const { command, wait, instruction, addressBits, transfer } = this.spiFields();
    const { cacheFillBytes, flashGapClocks } = this.timing;
    const reads = cacheFillBytes.value / 4;
    const miss = (clocks: number) => reads * (clocks + flashGapClocks.value) * divider;
    if (
      this.frames(QUAD_32_BIT) &&
      this.flash.continuousRead &&
      transfer === 2 &&
      instruction === 0 &&
      addressBits === 32 &&
      wait === 4 &&
      (command & 0x30) === 0x20
    ) {
      return miss(quadContinuousClocks(wait));
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
      return miss(singleReadClocks);
    }
    return null;
  }

  private updateSelect(): void {
    this.flash.select(this.forcedSelect ?? this.shifter.busy, this.clock.ticks);
  }
}
