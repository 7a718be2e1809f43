import type { BoardProfile } from '../profile.js';
import type { NoiseSource } from './random.js';

/**
 * W25Q16JV flash in standard SPI, plus the state that quad continuous read leaves it in. Commands from its data sheet,
 * section 8.1 (instruction set); times from the board profile.
 */
const PAGE_BYTES = 256;
const JEDEC_ID = [0xef, 0x40, 0x15];
const DEVICE_ID = 0x14;
const STATUS_1_BUSY = 1;
const STATUS_1_WRITE_ENABLED = 2;
const STATUS_2_QUAD_ENABLE = 2;

interface Operation {
  endTicks: number;
  offset: number;
  bytes: number;
  /** What is programmed; null = erase. */
  data: Uint8Array | null;
}

export class W25q16 {
  private selected = false;
  private command: number[] = [];
  private writeEnabled = false;
  private operation: Operation | null = null;
  private busyTicks = 0;
  private countedTo = 0;
  private poweredDown = false;
  /** The next access starts with an address instead of an instruction. */
  continuousRead = false;

  constructor(
    private readonly array: Uint8Array,
    private readonly tickHertz: number,
    private readonly noise: NoiseSource,
    private readonly timing: BoardProfile['timing'],
    /** Identifies itself as no chip, though it still reads: the board would not start otherwise. */
    private readonly silent = false,
  ) {}

  busy(ticks: number): boolean {
    this.settle(ticks);
    return this.operation !== null;
  }

  /** Time spent erasing or programming since the last call. */
  takeBusyTicks(now: number): number {
    this.settle(now);
    if (this.operation) {
      this.busyTicks += now - this.countedTo;
      this.countedTo = now;
    }
    const ticks = this.busyTicks;
    this.busyTicks = 0;
    return ticks;
  }

  select(low: boolean, ticks: number): void {
    if (low === this.selected) {
      return;
    }
    this.selected = low;
    if (low) {
      this.command = [];
    } else if (this.command.length > 0) {
      this.execute(ticks);
    }
  }

  /** Eight clocks on IO0 and IO1. */
  exchange(byte: number, ticks: number): number {
    if (!this.selected) {
      return 0xff;
    }
    const position = this.command.length;
    this.command.push(byte);
    if (position === 0 || this.continuousRead) {
      return 0xff;
    }
    const address = this.address();
    switch (this.command[0]) {
      case 0x05:
        return (this.busy(ticks) ? STATUS_1_BUSY : 0) | (this.writeEnabled ? STATUS_1_WRITE_ENABLED : 0);
      case 0x35:
        return STATUS_2_QUAD_ENABLE;
      case 0x15:
        return 0;
      case 0x9f:
        return this.silent ? 0xff : (JEDEC_ID[position - 1] ?? 0);
      case 0xab:
        return position > 3 ? DEVICE_ID : 0xff;
      case 0x03:
        return position > 3 && !this.busy(ticks)
          ? this.array[(address + position - 4) % this.array.length]
          : 0xff;
      default:
        return 0xff;
    }
  }

  /** Fast read quad I/O with its mode bits. */
  quadRead(modeBits: number): void {
    this.continuousRead = (modeBits & 0x30) === 0x20;
  }

  /** Four bytes as they come from the chip in quad mode, the first in the highest place; behind the end it begins anew. */
  wordAt(offset: number): number {
    const { array } = this;
    const at = (index: number) => array[(offset + index) % array.length];
    return ((at(0) << 24) | (at(1) << 16) | (at(2) << 8) | at(3)) >>> 0;
  }

  /** What an erase or a page program that is cut off leaves behind is undefined: noise, in the bits it was changing. */
  powerOff(ticks: number): void {
    this.settle(ticks);
    const { operation } = this;
    if (!operation) {
      return;
    }
    const target = this.array.subarray(operation.offset, operation.offset + operation.bytes);
    for (let index = 0; index < target.length; index++) {
      const noise = this.noise.next() & 0xff;
      target[index] = operation.data
        ? target[index] & (operation.data[index] | noise)
        : target[index] | noise;
    }
    this.operation = null;
  }

  private address(): number {
    return ((this.command[1] << 16) | (this.command[2] << 8) | this.command[3]) % this.array.length;
  }

  private execute(ticks: number): void {
    const { command } = this;
    if (this.continuousRead) {
      // Clock 7 carries M4 on IO0, the second lowest bit of the first byte: 1 means mode bits other than 10.
      this.continuousRead = (command[0] & 2) === 0;
      return;
    }
    if (this.poweredDown && command[0] !== 0xab) {
      return;
    }
    if (this.busy(ticks)) {
      return;
    }
    switch (command[0]) {
      case 0x06:
        this.writeEnabled = true;
        break;
      case 0x04:
        this.writeEnabled = false;
        break;
      case 0xb9:
        this.poweredDown = true;
        break;
      case 0xab:
        this.poweredDown = false;
        break;
      case 0x20:
        this.erase(4096, this.timing.flashSectorEraseSeconds.value, ticks);
        break;
      case 0x52:
        this.erase(32768, this.timing.flashBlock32kEraseSeconds.value, ticks);
        break;
      case 0xd8:
        this.erase(65536, this.timing.flashBlock64kEraseSeconds.value, ticks);
        break;
      case 0x02:
        this.program(ticks);
        break;
      case 0x01:
      case 0x31:
        this.begin({ offset: 0, bytes: 0, data: null }, this.timing.flashStatusWriteSeconds.value, ticks);
        break;
      default:
        break;
    }
  }

  private erase(bytes: number, seconds: number, ticks: number): void {
    if (this.command.length === 4) {
      this.begin({ offset: this.address() & ~(bytes - 1), bytes, data: null }, seconds, ticks);
    }
  }

  /** Bytes beyond the page wrap to its beginning, as on the chip. */
  private program(ticks: number): void {
    const bytes = this.command.slice(4);
    if (bytes.length === 0) {
      return;
    }
    const address = this.address();
    const page = address & ~(PAGE_BYTES - 1);
    const data = new Uint8Array(PAGE_BYTES).fill(0xff);
    bytes.forEach((byte, index) => {
      data[(address - page + index) % PAGE_BYTES] = byte;
    });
    this.begin({ offset: page, bytes: PAGE_BYTES, data }, this.timing.flashPageProgramSeconds.value, ticks);
  }

  private begin(operation: Omit<Operation, 'endTicks'>, seconds: number, ticks: number): void {
    if (!this.writeEnabled) {
      return;
    }
    this.writeEnabled = false;
    this.operation = { ...operation, endTicks: ticks + seconds * this.tickHertz };
    this.countedTo = ticks;
  }

  private settle(ticks: number): void {
    const { operation } = this;
    if (!operation || operation.endTicks > ticks) {
      return;
    }
    const target = this.array.subarray(operation.offset, operation.offset + operation.bytes);
    if (operation.data) {
      operation.data.forEach((byte, index) => {
        target[index] &= byte;
      });
    } else {
      target.fill(0xff);
    }
    this.busyTicks += operation.endTicks - this.countedTo;
    this.operation = null;
  }
}
