import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { CycleClock, ScheduledAlarm } from './cycle-clock.js';

/** PL011 registers, RP2040 datasheet section 4.2.8. */
const UARTDR = 0x00;
const UARTFR = 0x18;
const UARTIBRD = 0x24;
const UARTFBRD = 0x28;
const UARTLCR_H = 0x2c;
const UARTCR = 0x30;
const UARTIFLS = 0x34;
const UARTIMSC = 0x38;
const UARTRIS = 0x3c;
const UARTMIS = 0x40;
const UARTICR = 0x44;
/** Requests to the DMA controller, which nobody answers here. */
const UARTDMACR = 0x48;
const CR_ENABLE = 1;
const CR_RX = 1 << 9;
const CR_TX = 1 << 8;
const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RX_TIMEOUT = 1 << 6;
const FIFO_BYTES = 32;
const IRQ_UART0 = 20;
/** FIFO levels selected by UARTIFLS, in bytes. */
const LEVELS = [4, 8, 16, 24, 28];
const BITS_PER_BYTE = 10;
/** The receive timeout interrupt comes after this many bit times without a byte. */
const TIMEOUT_BITS = 32;

/** UART0 at the speed of its line, both FIFOs 32 deep; rp2040js' own sends every byte at once. */
export class Uart extends BasePeripheral {
  private integerDivisor = 0;
  private fractionDivisor = 0;
  private lineControl = 0;
  private control = CR_RX | CR_TX;
  private levelSelect = 0x12;
  private mask = 0;
  private raw = 0;
  private readonly transmit: number[] = [];
  private readonly receive: number[] = [];
  private readonly arriving: number[] = [];
  private shifting = -1;
  private readonly transmitted: ScheduledAlarm;
  private readonly arrived: ScheduledAlarm;
  private readonly timedOut: ScheduledAlarm;

  /** @param onByte called when the stop bit of a byte has left */
  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly tickHertz: number,
    /** Of the other end of the line; null: it follows whatever the board is set to. */
    private readonly hostBaud: number | null,
    private readonly baudTolerance: number,
    private readonly onByte: (byte: number) => void,
    /** Its own clocks run. */
    private readonly isClocked: () => boolean,
  ) {
    super(rp2040, 'UART0');
    this.transmitted = clock.createTickAlarm(() => this.endTransmit());
    this.arrived = clock.createTickAlarm(() => this.endArrival());
    this.timedOut = clock.createTickAlarm(() => this.setRaw(this.raw | INT_RX_TIMEOUT));
  }

  /** Bytes from the host; they follow each other at the line's baud rate. */
  feed(bytes: Uint8Array): void {
    const idle = this.arriving.length === 0;
    for (const byte of bytes) {
      this.arriving.push(byte);
    }
    if (idle && bytes.length > 0) {
      this.arrived.scheduleAt(this.clock.ticks + this.lineTicks(BITS_PER_BYTE));
    }
  }

  override readUint32(offset: number): number {
    switch (offset) {
      case UARTDR: {
        const byte = this.receive.shift() ?? 0;
        let raw = this.raw;
        if (this.receive.length < this.receiveLevel) {
          raw &= ~INT_RX;
        }
        if (this.receive.length === 0) {
          raw &= ~INT_RX_TIMEOUT;
          this.timedOut.cancel();
        }
        this.setRaw(raw);
        return byte;
      }
      case UARTFR:
        return (
          (this.shifting >= 0 ? 1 << 3 : 0) |
          (this.receive.length === 0 ? 1 << 4 : 0) |
          (this.transmit.length >= FIFO_BYTES ? 1 << 5 : 0) |
          (this.receive.length >= FIFO_BYTES ? 1 << 6 : 0) |
          (this.transmit.length === 0 ? 1 << 7 : 0)
        );
      case UARTIBRD:
        return this.integerDivisor;
      case UARTFBRD:
        return this.fractionDivisor;
      case UARTLCR_H:
        return this.lineControl;
      case UARTCR:
        return this.control;
      case UARTIFLS:
        return this.levelSelect;
      case UARTIMSC:
        return this.mask;
      case UARTRIS:
        return this.raw;
      case UARTMIS:
        return this.raw & this.mask;
      default:
        return super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    switch (offset) {
      case UARTDR:
        this.send(value & 0xff);
        break;
      case UARTIBRD:
        this.integerDivisor = value & 0xffff;
        break;
      case UARTFBRD:
        this.fractionDivisor = value & 0x3f;
        break;
      case UARTLCR_H:
        this.lineControl = value;
        break;
      case UARTCR:
        this.control = value;
        break;
      case UARTIFLS:
        this.levelSelect = value;
        break;
      case UARTIMSC:
        this.mask = value;
        this.setRaw(this.raw);
        break;
      case UARTDMACR:
        break;
      case UARTICR:
        this.setRaw(this.raw & ~value);
        break;
      default:
        super.writeUint32(offset, value);
    }
  }

  private get baud(): number {
    return this.rp2040.clkPeri / (16 * (this.integerDivisor + this.fractionDivisor / 64));
  }

  private get lineBaud(): number {
    return this.hostBaud ?? this.baud;
  }

  private get transmitLevel(): number {
    return LEVELS[this.levelSelect & 7] ?? FIFO_BYTES;
  }

  private get receiveLevel(): number {
    return LEVELS[(this.levelSelect >>> 3) & 7] ?? FIFO_BYTES;
  }

  private send(byte: number): void {
    const enabled = (this.control & (CR_ENABLE | CR_TX)) === (CR_ENABLE | CR_TX);
    if (!enabled || this.transmit.length >= FIFO_BYTES) {
      return;
    }
    if (this.shifting < 0) {
      this.startTransmit(byte);
      return;
    }
    this.transmit.push(byte);
    if (this.transmit.length > this.transmitLevel) {
      this.setRaw(this.raw & ~INT_TX);
    }
  }

  private startTransmit(byte: number): void {
    this.shifting = byte;
    this.transmitted.scheduleAt(this.clock.ticks + (BITS_PER_BYTE * this.tickHertz) / this.baud);
  }

  private endTransmit(): void {
    this.onByte(this.shifting);
    this.shifting = -1;
    const next = this.transmit.shift();
    if (next !== undefined) {
      this.startTransmit(next);
    }
    // The interrupt comes when the level falls through the threshold, not while it stays below.
    if (this.transmit.length === this.transmitLevel || (next === undefined && this.transmit.length === 0)) {
      this.setRaw(this.raw | INT_TX);
    }
  }

  private endArrival(): void {
    const byte = this.arriving.shift() ?? 0;
    if (this.arriving.length > 0) {
      this.arrived.scheduleAt(this.clock.ticks + this.lineTicks(BITS_PER_BYTE));
    }
    const enabled = (this.control & (CR_ENABLE | CR_RX)) === (CR_ENABLE | CR_RX);
    const intact = Math.abs(this.baud / this.lineBaud - 1) < this.baudTolerance;
    if (!enabled || !intact || !this.isClocked() || this.receive.length >= FIFO_BYTES) {
      return;
    }
    this.receive.push(byte);
    this.timedOut.scheduleAt(this.clock.ticks + this.lineTicks(TIMEOUT_BITS));
    if (this.receive.length >= this.receiveLevel) {
      this.setRaw(this.raw | INT_RX);
    }
  }

  private lineTicks(bits: number): number {
    return (bits * this.tickHertz) / this.lineBaud;
  }

  private setRaw(raw: number): void {
    this.raw = raw;
    this.rp2040.setInterrupt(IRQ_UART0, (raw & this.mask) !== 0);
  }
}
