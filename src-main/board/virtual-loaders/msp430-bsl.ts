import type { SerialEmulator } from '../../common/serve-emulator.js';
import type { Msp430Device } from '../flashers/msp430/devices.js';

export interface Msp430BslOptions {
  device: Msp430Device;
  /** TI's documents disagree on whether a wrong password erases; true when left out, as on most. */
  wrongPasswordErases?: boolean;
  /** A part of main memory that keeps what it holds. */
  protectedRange?: { address: number; bytes: number };
}

const ADDRESS_SPACE_BYTES = 0x44000 + 0x1000;
const BUFFER_BYTES = 260;
const PASSWORD_ADDRESS = 0xffe0;
const DEVICE_ID_ADDRESS = 0x1a04;
const VERSION = [0x00, 0x08, 0x35, 0xb5];

/**
 * The boot loader in an MSP430 FRAM chip's ROM as TI SLAU550 describes it, written apart from the flasher that it tests (only
 * the table of chips is shared). It waits without end for what is missing of a frame.
 */
export class VirtualMsp430Bsl implements SerialEmulator {
  readonly memory = new Uint8Array(ADDRESS_SPACE_BYTES).fill(0xff);
  unlocked = false;
  /** Where the program was started; null while the loader runs. */
  startedAt: number | null = null;
  baudRateCode: number | null = null;

  private pending: number[] = [];
  private out: number[] = [];

  constructor(private readonly options: Msp430BslOptions) {
    this.memory[DEVICE_ID_ADDRESS] = options.device.id & 0xff;
    this.memory[DEVICE_ID_ADDRESS + 1] = options.device.id >>> 8;
  }

  /** Entry sequence on TEST and RST: locked again, memory stays. */
  reset(): void {
    this.unlocked = false;
    this.pending = [];
    this.startedAt = null;
    this.baudRateCode = null;
  }

  receive(bytes: Uint8Array): { reply: Uint8Array; busySeconds: number } {
    this.out = [];
    for (const byte of bytes) {
      if (this.startedAt === null) {
        this.take(byte);
      }
    }
    return { reply: Uint8Array.from(this.out), busySeconds: 0 };
  }

  private take(byte: number): void {
    if (this.pending.length === 0 && byte !== 0x80) {
      this.out.push(0x51);
      return;
    }
    this.pending.push(byte);
    if (this.pending.length < 3) {
      return;
    }
    const length = this.pending[1] | (this.pending[2] << 8);
    if (length === 0 || length > BUFFER_BYTES) {
      this.pending = [];
      this.out.push(length === 0 ? 0x53 : 0x54);
      return;
    }
    if (this.pending.length < length + 5) {
      return;
    }
    const core = this.pending.slice(3, 3 + length);
    const sum = this.pending[3 + length] | (this.pending[4 + length] << 8);
    this.pending = [];
    if (ccitt(core) !== sum) {
      this.out.push(0x52);
      return;
    }
    this.out.push(0x00);
    this.execute(core);
  }

  private execute([code, ...data]: number[]): void {
    const address = data[0] | (data[1] << 8) | (data[2] << 16);
    const count = data[3] | (data[4] << 8);
    const locked = !this.unlocked && code !== 0x11 && code !== 0x15 && code !== 0x52;
    if (locked) {
      this.message(0x04);
      return;
    }
    switch (code) {
      case 0x10:
        this.write(address, data.slice(3));
        break;
      case 0x11:
        this.password(data);
        break;
      case 0x15:
        this.erase();
        break;
      case 0x16: {
        const crc = ccitt(this.memory.subarray(address, address + count));
        this.respond([0x3a, crc & 0xff, crc >>> 8]);
        break;
      }
      case 0x17:
        this.startedAt = address;
        break;
      case 0x18:
        this.respond([0x3a, ...this.memory.subarray(address, address + count)]);
        break;
      case 0x19:
        this.respond([0x3a, ...VERSION]);
        break;
      case 0x1a:
        this.respond([0x3a, BUFFER_BYTES & 0xff, BUFFER_BYTES >>> 8]);
        break;
      case 0x52:
        this.baudRateCode = data[0];
        break;
      default:
        this.message(0x07);
    }
  }

  private write(address: number, data: number[]): void {
    const { device, protectedRange } = this.options;
    data.forEach((byte, index) => {
      const at = address + index;
      const kept =
        protectedRange !== undefined &&
        at >= protectedRange.address &&
        at < protectedRange.address + protectedRange.bytes;
      if (at >= device.mainAddress && at < device.mainAddress + device.mainBytes && !kept) {
        this.memory[at] = byte;
      }
    });
    this.message(0x00);
  }

  private password(data: number[]): void {
    this.unlocked =
      data.length === 32 && data.every((byte, index) => byte === this.memory[PASSWORD_ADDRESS + index]);
    if (!this.unlocked && (this.options.wrongPasswordErases ?? true)) {
      this.erase();
    }
    this.message(this.unlocked ? 0x00 : 0x05);
  }

  private erase(): void {
    const { mainAddress, mainBytes } = this.options.device;
    this.memory.fill(0xff, mainAddress, mainAddress + mainBytes);
  }

  private message(code: number): void {
    this.respond([0x3b, code]);
  }

  private respond(core: number[]): void {
    const crc = ccitt(core);
    this.out.push(0x80, core.length & 0xff, core.length >>> 8, ...core, crc & 0xff, crc >>> 8);
  }
}

/** CRC-16/CCITT-FALSE, by the byte (the flasher's goes by the bit). */
function ccitt(bytes: Iterable<number>): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    let mixed = (crc >>> 8) ^ byte;
    mixed ^= mixed >>> 4;
    crc = ((crc << 8) ^ (mixed << 12) ^ (mixed << 5) ^ mixed) & 0xffff;
  }
  return crc;
}
