import type { BoardProfile } from '../profile.js';
import { BoardFault, hex } from './fault.js';

/**
 * What programs of others call in the RP2040's boot ROM, with tables where they look for it (RP2040 datasheet, section
 * 2.8.3). Written from that description; the functions themselves are computed here, in one step, and take the time that
 * the board profile estimates. Bit and memory functions only: no floating point, no flash, no USB.
 */
export const ROM_BYTES = 16384;

const TABLE_AT = 0x20;
const LOOKUP_AT = 0x200;
const FUNCTIONS_AT = 0x300;
const UDF = 0xde00;
const BX_LR = 0x4770;
/** rom_table_lookup(table, code), number in the UDF instruction. */
const LOOKUP = 0xff;

export interface RomMemory {
  read8(address: number): number;
  write8(address: number, value: number): void;
}

type RomFunction = (registers: Int32Array, memory: RomMemory) => number;

const bits = (value: number) => {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) {
    count++;
  }
  return count;
};

function reverse(value: number): number {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) {
    result = (result << 1) | ((value >>> bit) & 1);
  }
  return result;
}

function copy(registers: Int32Array, memory: RomMemory): number {
  const count = registers[2] >>> 0;
  for (let index = 0; index < count; index++) {
    memory.write8((registers[0] + index) >>> 0, memory.read8((registers[1] + index) >>> 0));
  }
  return count;
}

function fill(registers: Int32Array, memory: RomMemory): number {
  const count = registers[2] >>> 0;
  for (let index = 0; index < count; index++) {
    memory.write8((registers[0] + index) >>> 0, registers[1] & 0xff);
  }
  return count;
}

/** By their two-letter codes; each returns how many bytes it moved. Results are in r0. */
const FUNCTIONS: Readonly<Record<string, RomFunction>> = {
  P3: (r) => ((r[0] = bits(r[0])), 0),
  R3: (r) => ((r[0] = reverse(r[0])), 0),
  L3: (r) => ((r[0] = Math.clz32(r[0])), 0),
  T3: (r) => ((r[0] = r[0] === 0 ? 32 : 31 - Math.clz32(r[0] & -r[0])), 0),
  MC: copy,
  C4: copy,
  MS: fill,
  S4: fill,
};

export class BootRom {
  readonly bytes = new Uint8Array(ROM_BYTES);
  readonly halfwords = new Uint16Array(this.bytes.buffer);

  constructor(private readonly timing: BoardProfile['timing']) {
    const view = new DataView(this.bytes.buffer);
    // 'M', 'u', 1, then a version; halfword pointers to function table, data table (empty), lookup.
    this.bytes.set([0x4d, 0x75, 0x01, 0x02], 0x10);
    view.setUint16(0x14, TABLE_AT, true);
    view.setUint16(0x18, LOOKUP_AT | 1, true);
    view.setUint16(LOOKUP_AT, UDF | LOOKUP, true);
    view.setUint16(LOOKUP_AT + 2, BX_LR, true);
    Object.keys(FUNCTIONS).forEach((code, index) => {
      const at = FUNCTIONS_AT + 4 * index;
      view.setUint16(at, UDF | index, true);
      view.setUint16(at + 2, BX_LR, true);
      view.setUint16(TABLE_AT + 4 * index, code.charCodeAt(0) | (code.charCodeAt(1) << 8), true);
      view.setUint16(TABLE_AT + 4 * index + 2, at | 1, true);
    });
    view.setUint16(0x16, TABLE_AT + 4 * Object.keys(FUNCTIONS).length, true);
  }

  /** Executes the function behind an undefined instruction of this ROM. @returns the cycles it takes */
  call(number: number, registers: Int32Array, memory: RomMemory): number {
    const { romCallCycles, romCopyCyclesPerByte } = this.timing;
    if (number === LOOKUP) {
      registers[0] = this.lookup(registers[0], registers[1]);
      return romCallCycles.value;
    }
    const code = Object.keys(FUNCTIONS)[number];
    if (code === undefined) {
      throw new BoardFault(`call into the boot ROM at a place where this model of it has no function`);
    }
    return romCallCycles.value + Math.ceil(FUNCTIONS[code](registers, memory) * romCopyCyclesPerByte.value);
  }

  private lookup(table: number, code: number): number {
    const view = new DataView(this.bytes.buffer);
    for (let at = table & 0xfffe; at + 4 <= ROM_BYTES && view.getUint16(at, true) !== 0; at += 4) {
      if (view.getUint16(at, true) === (code & 0xffff)) {
        return view.getUint16(at + 2, true);
      }
    }
    return 0;
  }
}

/** The message for a program that asks for what is not modelled. */
export function outsideRom(address: number): BoardFault {
  return new BoardFault(
    `call of ${hex(address)} in the boot ROM, of which only bit and memory functions are modelled`,
  );
}
