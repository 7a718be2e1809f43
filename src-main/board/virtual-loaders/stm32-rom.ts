import {
  pagesOf,
  STM32_FLASH_ADDRESS,
  STM32_SRAM_ADDRESS,
  type Page,
  type Stm32Device,
} from '../flashers/stm32/devices.js';
import type { SerialEmulator } from '../../common/serve-emulator.js';

export interface Stm32RomOptions {
  device: Stm32Device;
  /** 0x22 for chips with the older erase command, 0x31 and more for those with the newer. */
  version?: number;
  /** Memory cannot be read, written or started: the loader refuses. */
  readProtected?: boolean;
  /** Pages that keep what they hold; the loader does not say so. */
  protectedPages?: readonly number[];
  /** Acknowledges a second time after synchronisation, as the loader 13.1 of the STM32L412 does. */
  acknowledgesTwice?: boolean;
}

const ACK = 0x79;
const NACK = 0x1f;
/** The loader keeps its own variables here (AN2606; between 0x200 and 0x3000 bytes, depending on the chip). */
const LOADER_SRAM_BYTES = 0x1000;
/** Flash timing of the STM32L4 (datasheet, typical): a page erased, eight bytes programmed. */
const ERASE_SECONDS = 0.022;
const PROGRAM_SECONDS = 82e-6;

/** What the loader waits for next; each step takes so many bytes, of which the last is their exclusive or. */
type Step =
  | { wants: 'synchronisation' }
  | { wants: 'command' }
  | { wants: 'frame'; bytes: number; take: (frame: Uint8Array) => void; sized?: (first: number) => number };

/**
 * The boot loader in an STM32's system memory as ST AN3155 describes it, written apart from the flasher that it tests (only
 * the table of chips is shared). It waits without end for what is missing of a frame, as the real one does.
 */
export class VirtualStm32Rom implements SerialEmulator {
  readonly flash: Uint8Array;
  readonly sram: Uint8Array;
  /** Where the program was started; null while the loader runs. */
  startedAt: number | null = null;

  private step: Step = { wants: 'synchronisation' };
  private pending: number[] = [];
  private reply: number[] = [];
  private busySeconds = 0;
  private readonly pages: Page[];
  private readonly version: number;
  private readonly commands: Record<number, () => void>;

  constructor(private readonly options: Stm32RomOptions) {
    const { device } = options;
    this.version = options.version ?? 0x31;
    this.flash = new Uint8Array(device.flashBytes).fill(device.erasedByte);
    this.sram = new Uint8Array(device.sramBytes);
    this.pages = pagesOf(device);
    this.commands = {
      0x00: () => this.send(ACK, this.codes.length, this.version, ...this.codes, ACK),
      0x01: () => this.send(ACK, this.version, 0, 0, ACK),
      0x02: () => this.send(ACK, 1, device.id >>> 8, device.id & 0xff, ACK),
      0x11: () => this.unlessProtected(() => this.address((address) => this.readLength(address))),
      0x21: () => this.unlessProtected(() => this.address((address) => this.start(address))),
      0x31: () => this.unlessProtected(() => this.address((address) => this.writeData(address))),
      [this.version < 0x30 ? 0x43 : 0x44]: () =>
        this.unlessProtected(() => (this.version < 0x30 ? this.erase() : this.extendedErase())),
    };
  }

  /** Press of the reset button: back to finding the baud rate. Memory stays. */
  reset(): void {
    this.step = { wants: 'synchronisation' };
    this.pending = [];
    this.startedAt = null;
  }

  receive(bytes: Uint8Array): { reply: Uint8Array; busySeconds: number } {
    this.reply = [];
    this.busySeconds = 0;
    for (const byte of bytes) {
      if (this.startedAt === null) {
        this.take(byte);
      }
    }
    return { reply: Uint8Array.from(this.reply), busySeconds: this.busySeconds };
  }

  private get codes(): number[] {
    return Object.keys(this.commands).map(Number);
  }

  private take(byte: number): void {
    const { step } = this;
    if (step.wants === 'synchronisation') {
      if (byte === 0x7f) {
        this.send(ACK);
        if (this.options.acknowledgesTwice) {
          this.send(ACK);
        }
        this.step = { wants: 'command' };
      }
      return;
    }
    this.pending.push(byte);
    if (step.wants === 'command') {
      if (this.pending.length === 2) {
        const [code, complement] = this.pending;
        this.pending = [];
        const command = (code ^ complement) === 0xff ? this.commands[code] : undefined;
        if (command) {
          command();
        } else {
          this.refuse();
        }
      }
      return;
    }
    const wanted = step.sized ? step.sized(this.pending[0]) : step.bytes;
    if (this.pending.length >= wanted) {
      const frame = Uint8Array.from(this.pending);
      this.pending = [];
      step.take(frame);
    }
  }

  private send(...bytes: number[]): void {
    this.reply.push(...bytes);
  }

  private refuse(): void {
    this.send(NACK);
    this.step = { wants: 'command' };
  }

  private unlessProtected(go: () => void): void {
    if (this.options.readProtected) {
      this.refuse();
    } else {
      this.send(ACK);
      go();
    }
  }

  private done(): void {
    this.send(ACK);
    this.step = { wants: 'command' };
  }

  private address(next: (address: number) => void): void {
    this.step = {
      wants: 'frame',
      bytes: 5,
      take: (frame) => {
        const address = new DataView(frame.buffer).getUint32(0);
        if (exclusiveOr(frame) === 0 && this.memory(address, 1) !== null) {
          this.send(ACK);
          next(address);
        } else {
          this.refuse();
        }
      },
    };
  }

  private readLength(address: number): void {
    this.step = {
      wants: 'frame',
      bytes: 2,
      take: ([last, complement]) => {
        const memory = (last ^ complement) === 0xff ? this.memory(address, last + 1) : null;
        if (memory) {
          this.done();
          this.send(...memory);
        } else {
          this.refuse();
        }
      },
    };
  }

  private writeData(address: number): void {
    this.step = {
      wants: 'frame',
      bytes: 0,
      sized: (first) => first + 3,
      take: (frame) => {
        const data = frame.subarray(1, -1);
        const memory = this.memory(address, data.length);
        if (exclusiveOr(frame) !== 0 || !memory || data.length % 4 !== 0 || address % 4 !== 0) {
          this.refuse();
          return;
        }
        if (address < STM32_SRAM_ADDRESS) {
          this.program(address, data, memory);
        } else {
          memory.set(data);
        }
        this.done();
      },
    };
  }

  /** Cells that are not erased keep what they hold, and nobody is told. */
  private program(address: number, data: Uint8Array, memory: Uint8Array): void {
    const page = this.pages.findLast((candidate) => candidate.address <= address);
    if (page && this.options.protectedPages?.includes(page.number)) {
      return;
    }
    const { erasedByte } = this.options.device;
    data.forEach((byte, index) => {
      if (memory[index] === erasedByte) {
        memory[index] = byte;
      }
    });
    this.busySeconds += (data.length / 8) * PROGRAM_SECONDS;
  }

  private erase(): void {
    this.step = {
      wants: 'frame',
      bytes: 0,
      sized: (first) => (first === 0xff ? 2 : first + 3),
      take: (frame) => {
        if (frame[0] === 0xff) {
          this.erasePages(frame[1] === 0x00 ? this.pages.map(({ number }) => number) : null);
        } else {
          this.erasePages(exclusiveOr(frame) === 0 ? [...frame.subarray(1, -1)] : null);
        }
      },
    };
  }

  private extendedErase(): void {
    const pairs = (frame: Uint8Array) =>
      Array.from(
        { length: (frame.length - 1) / 2 },
        (_, index) => frame[2 * index] * 256 + frame[2 * index + 1],
      );
    this.step = {
      wants: 'frame',
      bytes: 3,
      sized: (first) => {
        const second = this.pending.at(1);
        return first === 0xff || second === undefined ? 3 : 2 + 2 * (first * 256 + second + 1) + 1;
      },
      take: (frame) => {
        const right = exclusiveOr(frame) === 0;
        if (frame[0] === 0xff) {
          this.erasePages(right && frame[1] === 0xff ? this.pages.map(({ number }) => number) : null);
        } else {
          this.erasePages(right ? pairs(frame).slice(1) : null);
        }
      },
    };
  }

  private erasePages(numbers: number[] | null): void {
    if (!numbers?.every((number) => number < this.pages.length)) {
      this.refuse();
      return;
    }
    for (const number of numbers) {
      if (!this.options.protectedPages?.includes(number)) {
        const { address, bytes } = this.pages[number];
        const at = address - STM32_FLASH_ADDRESS;
        this.flash.fill(this.options.device.erasedByte, at, at + bytes);
      }
      this.busySeconds += ERASE_SECONDS;
    }
    this.done();
  }

  private start(address: number): void {
    this.startedAt = address;
  }

  /** The bytes there, or null where the loader does not reach. */
  private memory(address: number, bytes: number): Uint8Array | null {
    const regions: [number, Uint8Array, number][] = [
      [STM32_FLASH_ADDRESS, this.flash, 0],
      [STM32_SRAM_ADDRESS, this.sram, LOADER_SRAM_BYTES],
    ];
    for (const [base, memory, reserved] of regions) {
      if (address >= base + reserved && address + bytes <= base + memory.length) {
        return memory.subarray(address - base, address - base + bytes);
      }
    }
    return null;
  }
}

function exclusiveOr(bytes: Uint8Array): number {
  return bytes.reduce((xor, byte) => xor ^ byte, 0);
}
