import type { RP2040 } from 'rp2040js';
import type { BoardProfile } from '../profile.js';
import type { CycleClock } from './cycle-clock.js';
import { outsideRom, ROM_BYTES, type BootRom } from './boot-rom.js';
import { BoardFault, BreakpointFault, hex } from './fault.js';
import { INSTRUCTION_OF } from './thumb-decode.js';
import type { XipCache } from './xip-cache.js';

type Core = RP2040['core'];

const SRAM_BASE = 0x20000000;
const FLASH_BASE = 0x10000000;
/** Two aliases later: reads that do not go through the cache. */
const FLASH_UNCACHED_BASE = 0x13000000;
const PERIPHERAL_BASE = 0x40000000;

/** Everything outside SRAM and flash: peripherals, and the errors of unmapped addresses. */
export interface Bus {
  read(address: number, bytes: 1 | 2 | 4): number;
  write(address: number, value: number, bytes: 1 | 2 | 4): void;
}

/**
 * Executes ARMv6-M instructions on the registers of an rp2040js core, about twice as fast as that core itself: decoding by
 * table, flags and counters in local variables, SRAM and flash read straight from typed arrays, interrupts looked for only
 * after something could have raised one. Exceptions, special registers and peripherals stay rp2040js'.
 *
 * Cycles per instruction are those of the Cortex-M0+ with single-cycle multiplier (Technical Reference Manual, table 3-1)
 * plus the profile's figures for the peripheral buses; accesses to flash add what the cache model says.
 */
export class ThumbExecutor {
  private readonly registers: Int32Array;
  private readonly exceptionCycles: number;
  private readonly peripheralReadCycles: number;
  private readonly peripheralWriteCycles: number;
  private readonly fastPeripheralCycles: number;
  private readonly sram8: Uint8Array;
  private readonly sram16: Uint16Array;
  private readonly sram32: Int32Array;
  private readonly flash8: Uint8Array;
  private readonly flash16: Uint16Array;
  private readonly flash32: Int32Array;
  /** Bytes of flash that can be read now: all, or none while the SSI is not in XIP mode. */
  flashVisible = 0;
  /** The core waits for an interrupt. */
  sleeping = false;
  /** Extra cycles of the last slow access. */
  private stall = 0;
  /** Address of the instruction being executed when a fault is thrown. */
  faultAddress = 0;
  instructions = 0;
  /** Boot ROM for programs that call it; ours does not. */
  rom: BootRom | null = null;
  private readonly memory = {
    read8: (address: number): number => {
      const offset = (address - SRAM_BASE) >>> 0;
      return offset < this.sram8.length ? this.sram8[offset] : this.load8(address | 0);
    },
    write8: (address: number, value: number): void => {
      const offset = (address - SRAM_BASE) >>> 0;
      if (offset < this.sram8.length) {
        this.sram8[offset] = value;
      } else {
        this.slowWrite(address | 0, value, 1);
      }
    },
  };

  constructor(
    private readonly core: Core,
    private readonly clock: CycleClock,
    private readonly cache: XipCache,
    private readonly bus: Bus,
    sram: Uint8Array<ArrayBuffer>,
    flash: Uint8Array<ArrayBuffer>,
    timing: BoardProfile['timing'],
  ) {
    this.exceptionCycles = timing.exceptionCycles.value;
    this.peripheralReadCycles = timing.peripheralReadCycles.value;
    this.peripheralWriteCycles = timing.peripheralWriteCycles.value;
    this.fastPeripheralCycles = timing.fastPeripheralCycles.value;
    this.registers = new Int32Array(core.registers.buffer);
    this.sram8 = sram;
    this.sram16 = new Uint16Array(sram.buffer);
    this.sram32 = new Int32Array(sram.buffer);
    this.flash8 = flash;
    this.flash16 = new Uint16Array(flash.buffer);
    this.flash32 = new Int32Array(flash.buffer);
  }

  /** True when an enabled interrupt is pending: WFI ends, PRIMASK or not. */
  get wakes(): boolean {
    const { core } = this;
    return (
      (core.pendingInterrupts & core.enabledInterrupts) !== 0 || core.pendingSystick || core.pendingPendSV
    );
  }

  /** Executes until the clock's limit, or until the core goes to sleep. */
  run(): void {
    const { core, clock, registers: r, sram8, sram16, sram32, flash16, cache } = this;
    const sramBytes = sram8.length;
    const decode = INSTRUCTION_OF;
    let cycles = clock.elapsedCycles;
    let limit = clock.limitCycles;
    let executed = 0;

    if (core.interruptsUpdated && core.checkForInterrupts()) {
      this.checkVector();
      cycles += this.exceptionCycles;
    }
    let pc = r[15] & ~1;
    /** Address of the instruction being executed. */
    let at = pc;
    // Flags: N and Z from the last result, C and V as 0 or 1.
    let result = core.Z ? 0 : core.N ? -1 : 1;
    let carry = core.C ? 1 : 0;
    let overflow = core.V ? 1 : 0;
    /** The word of flash that was fetched last: both of its instructions arrive together. */
    let word = -1;

    try {
      while (cycles < limit) {
        at = pc;
        let opcode: number;
        const inSram = (pc - SRAM_BASE) >>> 0;
        if (inSram < sramBytes) {
          opcode = sram16[inSram >>> 1];
        } else {
          const inFlash = (pc - FLASH_BASE) >>> 0;
          if (inFlash < this.flashVisible) {
            if (inFlash >>> 2 !== word) {
              word = inFlash >>> 2;
              cycles += cache.access(inFlash);
            }
            opcode = flash16[inFlash >>> 1];
          } else {
            opcode = this.fetchRom(pc);
          }
        }
        pc = (pc + 2) | 0;
        cycles++;
        executed++;
        /** Set by instructions after which interrupts may have to be taken or the limit may have moved. */
        let attention = false;

        switch (decode[opcode]) {
          case 1: {
            // LSLS immediate
            const shift = (opcode >>> 6) & 31;
            const value = r[(opcode >>> 3) & 7];
            if (shift !== 0) {
              carry = (value >>> (32 - shift)) & 1;
            }
            r[opcode & 7] = result = value << shift;
            break;
          }
          case 2: {
            // LSRS immediate; 0 means 32
            const shift = (opcode >>> 6) & 31;
            const value = r[(opcode >>> 3) & 7];
            if (shift === 0) {
              carry = value >>> 31;
              result = 0;
            } else {
              carry = (value >>> (shift - 1)) & 1;
              result = (value >>> shift) | 0;
            }
            r[opcode & 7] = result;
            break;
          }
          case 3: {
            // ASRS immediate; 0 means 32
            const shift = (opcode >>> 6) & 31 || 32;
            const value = r[(opcode >>> 3) & 7];
            carry = (value >> (shift - 1)) & 1;
            r[opcode & 7] = result = shift === 32 ? value >> 31 : value >> shift;
            break;
          }
          case 4: {
            const a = r[(opcode >>> 3) & 7];
            const b = r[(opcode >>> 6) & 7];
            result = (a + b) | 0;
            carry = result >>> 0 < a >>> 0 ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 5: {
            const a = r[(opcode >>> 3) & 7];
            const b = r[(opcode >>> 6) & 7];
            result = (a - b) | 0;
            carry = a >>> 0 >= b >>> 0 ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 6: {
            const a = r[(opcode >>> 3) & 7];
            const b = (opcode >>> 6) & 7;
            result = (a + b) | 0;
            carry = result >>> 0 < a >>> 0 ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 7: {
            const a = r[(opcode >>> 3) & 7];
            const b = (opcode >>> 6) & 7;
            result = (a - b) | 0;
            carry = a >>> 0 >= b ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 8:
            r[(opcode >>> 8) & 7] = result = opcode & 0xff;
            break;
          case 9: {
            const a = r[(opcode >>> 8) & 7];
            const b = opcode & 0xff;
            result = (a - b) | 0;
            carry = a >>> 0 >= b ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            break;
          }
          case 10: {
            const a = r[(opcode >>> 8) & 7];
            const b = opcode & 0xff;
            result = (a + b) | 0;
            carry = result >>> 0 < a >>> 0 ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            r[(opcode >>> 8) & 7] = result;
            break;
          }
          case 11: {
            const a = r[(opcode >>> 8) & 7];
            const b = opcode & 0xff;
            result = (a - b) | 0;
            carry = a >>> 0 >= b ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            r[(opcode >>> 8) & 7] = result;
            break;
          }
          case 12:
            r[opcode & 7] = result = r[opcode & 7] & r[(opcode >>> 3) & 7];
            break;
          case 13:
            r[opcode & 7] = result = r[opcode & 7] ^ r[(opcode >>> 3) & 7];
            break;
          case 14: {
            // LSLS register
            const shift = r[(opcode >>> 3) & 7] & 0xff;
            const value = r[opcode & 7];
            if (shift === 0) {
              result = value;
            } else if (shift < 32) {
              carry = (value >>> (32 - shift)) & 1;
              result = value << shift;
            } else {
              carry = shift === 32 ? value & 1 : 0;
              result = 0;
            }
            r[opcode & 7] = result;
            break;
          }
          case 15: {
            // LSRS register
            const shift = r[(opcode >>> 3) & 7] & 0xff;
            const value = r[opcode & 7];
            if (shift === 0) {
              result = value;
            } else if (shift < 32) {
              carry = (value >>> (shift - 1)) & 1;
              result = (value >>> shift) | 0;
            } else {
              carry = shift === 32 ? value >>> 31 : 0;
              result = 0;
            }
            r[opcode & 7] = result;
            break;
          }
          case 16: {
            // ASRS register
            const shift = r[(opcode >>> 3) & 7] & 0xff;
            const value = r[opcode & 7];
            if (shift === 0) {
              result = value;
            } else if (shift < 32) {
              carry = (value >> (shift - 1)) & 1;
              result = value >> shift;
            } else {
              carry = value >>> 31;
              result = value >> 31;
            }
            r[opcode & 7] = result;
            break;
          }
          case 17: {
            const a = r[opcode & 7];
            const b = r[(opcode >>> 3) & 7];
            const sum = (a >>> 0) + (b >>> 0) + carry;
            result = sum | 0;
            carry = sum > 0xffffffff ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 18: {
            const a = r[opcode & 7];
            const b = ~r[(opcode >>> 3) & 7];
            const sum = (a >>> 0) + (b >>> 0) + carry;
            result = sum | 0;
            carry = sum > 0xffffffff ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 19: {
            // RORS register
            const amount = r[(opcode >>> 3) & 7] & 0xff;
            const value = r[opcode & 7];
            if (amount === 0) {
              result = value;
            } else {
              const shift = amount & 31;
              result = shift === 0 ? value : (value >>> shift) | (value << (32 - shift));
              carry = result >>> 31;
            }
            r[opcode & 7] = result;
            break;
          }
          case 20:
            result = r[opcode & 7] & r[(opcode >>> 3) & 7];
            break;
          case 21: {
            const b = r[(opcode >>> 3) & 7];
            result = -b | 0;
            carry = b === 0 ? 1 : 0;
            overflow = (b & result) >>> 31;
            r[opcode & 7] = result;
            break;
          }
          case 22: {
            const a = r[opcode & 7];
            const b = r[(opcode >>> 3) & 7];
            result = (a - b) | 0;
            carry = a >>> 0 >= b >>> 0 ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            break;
          }
          case 23: {
            const a = r[opcode & 7];
            const b = r[(opcode >>> 3) & 7];
            result = (a + b) | 0;
            carry = result >>> 0 < a >>> 0 ? 1 : 0;
            overflow = ((a ^ result) & (b ^ result)) >>> 31;
            break;
          }
          case 24:
            r[opcode & 7] = result = r[opcode & 7] | r[(opcode >>> 3) & 7];
            break;
          case 25:
            r[opcode & 7] = result = Math.imul(r[opcode & 7], r[(opcode >>> 3) & 7]);
            break;
          case 26:
            r[opcode & 7] = result = r[opcode & 7] & ~r[(opcode >>> 3) & 7];
            break;
          case 27:
            r[opcode & 7] = result = ~r[(opcode >>> 3) & 7];
            break;
          case 28: {
            // ADD with high registers; no flags
            const m = (opcode >>> 3) & 15;
            const d = ((opcode >>> 4) & 8) | (opcode & 7);
            const value = m === 15 ? at + 4 : r[m];
            if (d === 15) {
              pc = (at + 4 + value) & ~1;
              cycles++;
            } else {
              const sum = (r[d] + value) | 0;
              r[d] = d === 13 ? sum & ~3 : sum;
            }
            break;
          }
          case 29: {
            const m = (opcode >>> 3) & 15;
            const n = ((opcode >>> 4) & 8) | (opcode & 7);
            const a = r[n];
            const b = m === 15 ? at + 4 : r[m];
            result = (a - b) | 0;
            carry = a >>> 0 >= b >>> 0 ? 1 : 0;
            overflow = ((a ^ b) & (a ^ result)) >>> 31;
            break;
          }
          case 30: {
            const m = (opcode >>> 3) & 15;
            const d = ((opcode >>> 4) & 8) | (opcode & 7);
            const value = m === 15 ? at + 4 : r[m];
            if (d === 15) {
              pc = value & ~1;
              cycles++;
            } else {
              r[d] = d === 13 ? value & ~3 : value;
            }
            break;
          }
          case 31:
          case 32: {
            // BX, BLX
            const target = r[(opcode >>> 3) & 15];
            cycles++;
            if (opcode & 0x80) {
              r[14] = pc | 1;
            }
            if (target >>> 28 === 15 && core.IPSR !== 0) {
              pc = this.leaveException(target);
              result = core.Z ? 0 : core.N ? -1 : 1;
              carry = core.C ? 1 : 0;
              overflow = core.V ? 1 : 0;
              cycles += this.exceptionCycles - 2;
              attention = true;
            } else {
              pc = thumbTarget(target);
            }
            break;
          }
          case 33: {
            // LDR literal
            const address = ((at + 4) & ~3) + ((opcode & 0xff) << 2);
            const inFlash = (address - FLASH_BASE) >>> 0;
            if (inFlash < this.flashVisible) {
              cycles += 1 + cache.access(inFlash);
              r[(opcode >>> 8) & 7] = this.flash32[inFlash >>> 2];
            } else {
              r[(opcode >>> 8) & 7] = this.load32(address);
              cycles += this.stall;
            }
            break;
          }
          case 34:
          case 42:
          case 48: {
            // STR
            const kind = decode[opcode];
            const address =
              kind === 42
                ? r[(opcode >>> 3) & 7] + ((opcode >>> 4) & 0x7c)
                : kind === 34
                  ? r[(opcode >>> 3) & 7] + r[(opcode >>> 6) & 7]
                  : r[13] + ((opcode & 0xff) << 2);
            const value = r[kind === 48 ? (opcode >>> 8) & 7 : opcode & 7];
            const offset = (address - SRAM_BASE) >>> 0;
            if (offset < sramBytes && (offset & 3) === 0) {
              sram32[offset >>> 2] = value;
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              this.slowWrite(address, value, 4);
              cycles += this.stall;
              attention = true;
            }
            break;
          }
          case 35:
          case 46: {
            // STRH
            const address =
              r[(opcode >>> 3) & 7] + (opcode & 0x8000 ? (opcode >>> 5) & 0x3e : r[(opcode >>> 6) & 7]);
            const offset = (address - SRAM_BASE) >>> 0;
            if (offset < sramBytes && (offset & 1) === 0) {
              sram16[offset >>> 1] = r[opcode & 7];
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              this.slowWrite(address, r[opcode & 7] & 0xffff, 2);
              cycles += this.stall;
              attention = true;
            }
            break;
          }
          case 36:
          case 44: {
            // STRB
            const address =
              r[(opcode >>> 3) & 7] + (opcode & 0x2000 ? (opcode >>> 6) & 31 : r[(opcode >>> 6) & 7]);
            const offset = (address - SRAM_BASE) >>> 0;
            if (offset < sramBytes) {
              sram8[offset] = r[opcode & 7];
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              this.slowWrite(address, r[opcode & 7] & 0xff, 1);
              cycles += this.stall;
              attention = true;
            }
            break;
          }
          case 38:
          case 43:
          case 49: {
            // LDR
            const kind = decode[opcode];
            const address =
              kind === 43
                ? r[(opcode >>> 3) & 7] + ((opcode >>> 4) & 0x7c)
                : kind === 38
                  ? r[(opcode >>> 3) & 7] + r[(opcode >>> 6) & 7]
                  : r[13] + ((opcode & 0xff) << 2);
            const offset = (address - SRAM_BASE) >>> 0;
            let value: number;
            if (offset < sramBytes && (offset & 3) === 0) {
              value = sram32[offset >>> 2];
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              value = this.load32(address);
              cycles += this.stall;
              attention = true;
            }
            r[kind === 49 ? (opcode >>> 8) & 7 : opcode & 7] = value;
            break;
          }
          case 39:
          case 41:
          case 47: {
            // LDRH, LDRSH
            const address =
              r[(opcode >>> 3) & 7] + (opcode & 0x8000 ? (opcode >>> 5) & 0x3e : r[(opcode >>> 6) & 7]);
            const offset = (address - SRAM_BASE) >>> 0;
            let value: number;
            if (offset < sramBytes && (offset & 1) === 0) {
              value = sram16[offset >>> 1];
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              value = this.load16(address);
              cycles += this.stall;
              attention = true;
            }
            r[opcode & 7] = decode[opcode] === 41 ? (value << 16) >> 16 : value;
            break;
          }
          case 37:
          case 40:
          case 45: {
            // LDRB, LDRSB
            const address =
              r[(opcode >>> 3) & 7] + (opcode & 0x2000 ? (opcode >>> 6) & 31 : r[(opcode >>> 6) & 7]);
            const offset = (address - SRAM_BASE) >>> 0;
            let value: number;
            if (offset < sramBytes) {
              value = sram8[offset];
              cycles++;
            } else {
              clock.elapsedCycles = cycles;
              value = this.load8(address);
              cycles += this.stall;
              attention = true;
            }
            r[opcode & 7] = decode[opcode] === 37 ? (value << 24) >> 24 : value;
            break;
          }
          case 50:
            r[(opcode >>> 8) & 7] = ((at + 4) & ~3) + ((opcode & 0xff) << 2);
            break;
          case 51:
            r[(opcode >>> 8) & 7] = r[13] + ((opcode & 0xff) << 2);
            break;
          case 52:
            r[13] += (opcode & 0x7f) << 2;
            break;
          case 53:
            r[13] -= (opcode & 0x7f) << 2;
            break;
          case 54:
            r[opcode & 7] = (r[(opcode >>> 3) & 7] << 16) >> 16;
            break;
          case 55:
            r[opcode & 7] = (r[(opcode >>> 3) & 7] << 24) >> 24;
            break;
          case 56:
            r[opcode & 7] = r[(opcode >>> 3) & 7] & 0xffff;
            break;
          case 57:
            r[opcode & 7] = r[(opcode >>> 3) & 7] & 0xff;
            break;
          case 58: {
            // PUSH: 1 + N cycles
            let address = r[13];
            if (opcode & 0x100) {
              address = (address - 4) | 0;
              this.storeStack(address, r[14]);
              cycles++;
            }
            for (let register = 7; register >= 0; register--) {
              if (opcode & (1 << register)) {
                address = (address - 4) | 0;
                this.storeStack(address, r[register]);
                cycles++;
              }
            }
            r[13] = address;
            break;
          }
          case 59:
            core.PM = false;
            core.interruptsUpdated = true;
            attention = true;
            break;
          case 60:
            core.PM = true;
            break;
          case 61: {
            const value = r[(opcode >>> 3) & 7];
            r[opcode & 7] =
              (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
            break;
          }
          case 62: {
            const value = r[(opcode >>> 3) & 7];
            r[opcode & 7] = ((value & 0x00ff00ff) << 8) | ((value >>> 8) & 0x00ff00ff);
            break;
          }
          case 63: {
            const value = r[(opcode >>> 3) & 7];
            r[opcode & 7] = ((((value & 0xff) << 8) | ((value >>> 8) & 0xff)) << 16) >> 16;
            break;
          }
          case 64: {
            // POP: 1 + N cycles, 3 + N with PC
            let address = r[13];
            for (let register = 0; register < 8; register++) {
              if (opcode & (1 << register)) {
                r[register] = this.loadStack(address);
                address = (address + 4) | 0;
                cycles++;
              }
            }
            if (opcode & 0x100) {
              const target = this.loadStack(address);
              r[13] = address + 4;
              cycles += 2;
              if (target >>> 28 === 15 && core.IPSR !== 0) {
                pc = this.leaveException(target);
                result = core.Z ? 0 : core.N ? -1 : 1;
                carry = core.C ? 1 : 0;
                overflow = core.V ? 1 : 0;
                cycles += this.exceptionCycles - 3;
                attention = true;
              } else {
                pc = thumbTarget(target);
              }
            } else {
              r[13] = address;
            }
            break;
          }
          case 65:
            break;
          case 66:
          case 67:
            // WFE, WFI: two cycles, then sleep unless something is pending
            cycles++;
            if (decode[opcode] === 66 && core.eventRegistered) {
              core.eventRegistered = false;
            } else if (!this.wakes) {
              this.sleeping = true;
              limit = 0;
            }
            break;
          case 68: {
            // STM: 1 + N
            const n = (opcode >>> 8) & 7;
            let address = r[n];
            for (let register = 0; register < 8; register++) {
              if (opcode & (1 << register)) {
                clock.elapsedCycles = cycles;
                this.store32(address, r[register]);
                address = (address + 4) | 0;
                cycles++;
              }
            }
            r[n] = address;
            attention = true;
            break;
          }
          case 69: {
            // LDM: 1 + N, plus what flash adds
            const n = (opcode >>> 8) & 7;
            let address = r[n];
            for (let register = 0; register < 8; register++) {
              if (opcode & (1 << register)) {
                clock.elapsedCycles = cycles;
                const value = this.load32(address);
                cycles += this.stall;
                r[register] = value;
                address = (address + 4) | 0;
              }
            }
            if (!(opcode & (1 << n))) {
              r[n] = address;
            }
            attention = true;
            break;
          }
          case 70:
            core.pendingSVCall = true;
            core.interruptsUpdated = true;
            attention = true;
            break;
          case 71: {
            // B<cond>
            let taken: boolean;
            switch ((opcode >>> 8) & 15) {
              case 0:
                taken = result === 0;
                break;
              case 1:
                taken = result !== 0;
                break;
              case 2:
                taken = carry !== 0;
                break;
              case 3:
                taken = carry === 0;
                break;
              case 4:
                taken = result < 0;
                break;
              case 5:
                taken = result >= 0;
                break;
              case 6:
                taken = overflow !== 0;
                break;
              case 7:
                taken = overflow === 0;
                break;
              case 8:
                taken = carry !== 0 && result !== 0;
                break;
              case 9:
                taken = carry === 0 || result === 0;
                break;
              case 10:
                taken = result < 0 === (overflow !== 0);
                break;
              case 11:
                taken = result < 0 !== (overflow !== 0);
                break;
              case 12:
                taken = result !== 0 && result < 0 === (overflow !== 0);
                break;
              default:
                taken = result === 0 || result < 0 !== (overflow !== 0);
                break;
            }
            if (taken) {
              pc = (at + 4 + ((opcode << 24) >> 23)) | 0;
              cycles++;
            }
            break;
          }
          case 72:
            pc = (at + 4 + ((opcode << 21) >> 20)) | 0;
            cycles++;
            break;
          case 73: {
            const second = this.fetch(pc);
            pc = (pc + 2) | 0;
            cycles += 2;
            if ((second & 0xd000) === 0xd000) {
              // BL
              const sign = (opcode >>> 10) & 1;
              const i1 = 1 - (sign ^ ((second >>> 13) & 1));
              const i2 = 1 - (sign ^ ((second >>> 11) & 1));
              const offset =
                (sign ? 0xff000000 : 0) |
                (i1 << 23) |
                (i2 << 22) |
                ((opcode & 0x3ff) << 12) |
                ((second & 0x7ff) << 1);
              r[14] = pc | 1;
              pc = (pc + offset) | 0;
            } else if (opcode >>> 4 === 0xf38 && (second & 0xff00) === 0x8800) {
              // MSR
              storeFlags(core, result, carry, overflow);
              r[15] = pc;
              core.writeSpecialRegister(second & 0xff, r[opcode & 15] >>> 0);
              result = core.Z ? 0 : core.N ? -1 : 1;
              carry = core.C ? 1 : 0;
              overflow = core.V ? 1 : 0;
              attention = true;
            } else if (opcode === 0xf3ef && (second & 0xf000) === 0x8000) {
              // MRS
              storeFlags(core, result, carry, overflow);
              r[(second >>> 8) & 15] = core.readSpecialRegister(second & 0xff);
            } else if (opcode !== 0xf3bf || (second & 0xffc0) !== 0x8f40) {
              // not DSB, DMB or ISB either
              throw new BoardFault(`undefined instruction ${hex((opcode << 16) | second)}`);
            }
            break;
          }
          default:
            if (this.rom !== null && at >>> 0 < ROM_BYTES) {
              clock.elapsedCycles = cycles;
              cycles += this.rom.call(opcode & 0xff, r, this.memory);
              attention = true;
              break;
            }
            if (opcode >>> 8 === 0xbe) {
              cycles--;
              executed--;
              throw new BreakpointFault(opcode & 0xff);
            }
            throw new BoardFault(`undefined instruction 0x${opcode.toString(16).padStart(4, '0')}`);
        }

        if (attention) {
          if (core.interruptsUpdated) {
            storeFlags(core, result, carry, overflow);
            r[15] = pc;
            clock.elapsedCycles = cycles;
            if (core.checkForInterrupts()) {
              this.checkVector();
              pc = r[15] & ~1;
              cycles += this.exceptionCycles;
            }
          }
          limit = clock.limitCycles;
        }
      }
    } catch (error) {
      this.faultAddress = at >>> 0;
      throw error;
    } finally {
      storeFlags(core, result, carry, overflow);
      r[15] = pc;
      clock.elapsedCycles = cycles;
      this.instructions += executed;
    }
  }

  private fetchRom(pc: number): number {
    if (this.rom === null || pc >>> 0 >= ROM_BYTES) {
      throw new BoardFault(this.unreadable('instruction fetch', pc));
    }
    const opcode = this.rom.halfwords[pc >>> 1];
    if (opcode === 0) {
      throw outsideRom(pc);
    }
    return opcode;
  }

  /** An exception has just been taken: its vector came from memory that could be read. */
  private checkVector(): void {
    const inFlash = (this.core.VTOR - FLASH_BASE) >>> 0;
    if (inFlash < 0x04000000 && this.flashVisible === 0) {
      throw new BoardFault(this.unreadable('exception vector', this.core.VTOR));
    }
  }

  private leaveException(target: number): number {
    this.core.exceptionReturn(target & 0x0fffffff);
    return this.registers[15] & ~1;
  }

  private fetch(pc: number): number {
    const inSram = (pc - SRAM_BASE) >>> 0;
    if (inSram < this.sram8.length) {
      return this.sram16[inSram >>> 1];
    }
    const inFlash = (pc - FLASH_BASE) >>> 0;
    if (inFlash >= this.flashVisible) {
      throw new BoardFault(this.unreadable('instruction fetch', pc));
    }
    return this.flash16[inFlash >>> 1];
  }

  /** Reads a word from anywhere and leaves the extra cycles in `stall`. */
  private load32(address: number): number {
    const inSram = (address - SRAM_BASE) >>> 0;
    if (address & 3) {
      throw new BoardFault(`unaligned 32-bit read from ${hex(address)}`);
    }
    if (inSram < this.sram8.length) {
      this.stall = 1;
      return this.sram32[inSram >>> 2];
    }
    const offset = this.flashOffset(address, 'read');
    return offset >= 0 ? this.flash32[offset >>> 2] : this.slowRead(address, 4);
  }

  private load16(address: number): number {
    if (address & 1) {
      throw new BoardFault(`unaligned 16-bit read from ${hex(address)}`);
    }
    const offset = this.flashOffset(address, 'read');
    return offset >= 0 ? this.flash16[offset >>> 1] : this.slowRead(address, 2);
  }

  private load8(address: number): number {
    const offset = this.flashOffset(address, 'read');
    return offset >= 0 ? this.flash8[offset] : this.slowRead(address, 1);
  }

  /** Flash offset of an address in the XIP window, -1 outside it; counts the access against the cache. */
  private flashOffset(address: number, what: string): number {
    const inWindow = (address - FLASH_BASE) >>> 0;
    if (inWindow >= 0x04000000) {
      return -1;
    }
    const offset = inWindow & 0x00ffffff;
    if (offset >= this.flashVisible) {
      throw new BoardFault(this.unreadable(what, address));
    }
    this.stall =
      1 + (inWindow < FLASH_UNCACHED_BASE - FLASH_BASE ? this.cache.access(offset) : this.cache.missCycles);
    return offset;
  }

  private slowRead(address: number, bytes: 1 | 2 | 4): number {
    this.stall = this.busCycles(address, false);
    return this.bus.read(address >>> 0, bytes);
  }

  private slowWrite(address: number, value: number, bytes: 1 | 2 | 4): void {
    if (address & (bytes - 1)) {
      throw new BoardFault(`unaligned ${8 * bytes}-bit write to ${hex(address)}`);
    }
    this.stall = this.busCycles(address, true);
    this.bus.write(address >>> 0, value >>> 0, bytes);
  }

  private store32(address: number, value: number): void {
    const offset = (address - SRAM_BASE) >>> 0;
    if (offset < this.sram8.length && (offset & 3) === 0) {
      this.sram32[offset >>> 2] = value;
    } else {
      this.slowWrite(address, value, 4);
    }
  }

  private storeStack(address: number, value: number): void {
    const offset = (address - SRAM_BASE) >>> 0;
    if (offset >= this.sram8.length) {
      throw new BoardFault(`stack pointer ${hex(address)} is outside SRAM`);
    }
    this.sram32[offset >>> 2] = value;
  }

  private loadStack(address: number): number {
    const offset = (address - SRAM_BASE) >>> 0;
    if (offset >= this.sram8.length) {
      throw new BoardFault(`stack pointer ${hex(address)} is outside SRAM`);
    }
    return this.sram32[offset >>> 2];
  }

  /** Cycles beyond the first of an access outside SRAM and flash; none for single-cycle I/O. */
  private busCycles(address: number, write: boolean): number {
    switch (address >>> 28) {
      case 0xd:
        return 0;
      case PERIPHERAL_BASE >>> 28:
        return write ? this.peripheralWriteCycles : this.peripheralReadCycles;
      default:
        return this.fastPeripheralCycles;
    }
  }

  private unreadable(what: string, address: number): string {
    const inFlash = (address - FLASH_BASE) >>> 0 < 0x04000000;
    return inFlash && this.flashVisible === 0
      ? `${what} at ${hex(address)} while flash is not set up for execution in place`
      : `${what} at ${hex(address)}, where there is no memory`;
  }
}

function thumbTarget(target: number): number {
  if (!(target & 1)) {
    throw new BoardFault(`branch to ${hex(target)}, which is not a Thumb address`);
  }
  return target & ~1;
}

function storeFlags(core: Core, result: number, carry: number, overflow: number): void {
  core.N = result < 0;
  core.Z = result === 0;
  core.C = carry !== 0;
  core.V = overflow !== 0;
}
