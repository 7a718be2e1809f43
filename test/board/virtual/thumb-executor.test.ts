import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RP2040 } from 'rp2040js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { CycleClock } from '../../../src-main/board/virtual/cycle-clock.js';
import { BoardFault } from '../../../src-main/board/virtual/fault.js';
import { INSTRUCTION_OF } from '../../../src-main/board/virtual/thumb-decode.js';
import { ThumbExecutor } from '../../../src-main/board/virtual/thumb-executor.js';
import { XipCache } from '../../../src-main/board/virtual/xip-cache.js';

// rp2040js' own core, written by other people, is the oracle for single instructions. Where it departs from the
// architecture, the manual is the oracle instead.

const SRAM = 0x20000000;
const PROGRAM = SRAM + 0x1000;
const DATA = SRAM + 0x8000;

const sharedChip = new RP2040(new CycleClock(125e6));
const noFlash = new Uint8Array(16);

interface Machine {
  registers: number[];
  flags: string;
  memory: Uint8Array;
  cycles: number;
}

function prepare(registers: readonly number[], flags: number, halfwords: readonly number[]): void {
  const { core, sram } = sharedChip;
  sram.fill(0x5a, 0, 0x20000);
  const view = new DataView(sram.buffer);
  halfwords.forEach((halfword, index) => view.setUint16(PROGRAM - SRAM + 2 * index, halfword, true));
  core.registers.set(registers);
  core.registers[13] = DATA + 0x400;
  core.registers[14] = PROGRAM + 0x101;
  core.registers[15] = PROGRAM;
  core.N = (flags & 8) !== 0;
  core.Z = (flags & 4) !== 0 && !core.N;
  core.C = (flags & 2) !== 0;
  core.V = (flags & 1) !== 0;
  core.waiting = false;
  core.interruptsUpdated = false;
  core.cycles = 0;
}

function state(cycles: number): Machine {
  const { core, sram } = sharedChip;
  return {
    registers: [...core.registers].map((value, index) => (index === 15 ? (value & ~1) >>> 0 : value)),
    flags: [core.N, core.Z, core.C, core.V].map(Number).join(''),
    memory: sram.slice(0, 0x20000),
    cycles,
  };
}

function byOracle(registers: readonly number[], flags: number, halfwords: readonly number[]): Machine {
  prepare(registers, flags, halfwords);
  return state(sharedChip.core.executeInstruction());
}

function byExecutor(registers: readonly number[], flags: number, halfwords: readonly number[]): Machine {
  prepare(registers, flags, halfwords);
  const clock = new CycleClock(125e6);
  clock.reset(125e6);
  const refuse = (): never => {
    throw new BoardFault('outside SRAM');
  };
  const executor = new ThumbExecutor(
    sharedChip.core,
    clock,
    new XipCache(),
    { read: refuse, write: refuse },
    sharedChip.sram,
    noFlash,
    picoFram.timing,
  );
  clock.setLimit(1);
  executor.run();
  return state(clock.elapsedCycles);
}

const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 31, 32, 33),
);
const flagBits = fc.integer({ min: 0, max: 15 });

/** Instruction numbers of thumb-decode.ts whose result depends on registers only. */
const ARITHMETIC = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 50, 51, 52, 53, 54,
  55, 56, 57, 61, 62, 63, 65, 71, 72,
];
const MEMORY = [33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 58, 64, 68, 69];

function opcodesOf(numbers: readonly number[]): number[] {
  return Array.from({ length: 0x10000 }, (_, opcode) => opcode).filter((opcode) =>
    numbers.includes(INSTRUCTION_OF[opcode]),
  );
}

test('arithmetic, logic, moves and branches do what rp2040js does, in as many cycles', () => {
  // CMP with PC, and ADD PC, PC, are UNPREDICTABLE.
  const opcodes = opcodesOf(ARITHMETIC).filter(
    (opcode) =>
      !((opcode & 0xff00) === 0x4500 && ((opcode & 0x87) === 0x87 || (opcode & 0x78) === 0x78)) &&
      opcode !== 0x44ff,
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...opcodes),
      fc.array(word, { minLength: 13, maxLength: 13 }),
      flagBits,
      (opcode, registers, flags) => {
        assert.deepEqual(byExecutor(registers, flags, [opcode]), byOracle(registers, flags, [opcode]));
      },
    ),
    { numRuns: 20_000 },
  );
});

test('loads and stores do what rp2040js does', () => {
  const opcodes = opcodesOf(MEMORY).filter((opcode) => {
    // An empty list, or the base register in its own list, is UNPREDICTABLE or has its own rules; POP with PC is below.
    const instruction = INSTRUCTION_OF[opcode];
    const multiple = instruction === 68 || instruction === 69;
    const list = opcode & (instruction === 58 || instruction === 64 ? 0x1ff : 0xff);
    const popsPc = instruction === 64 && (opcode & 0x100) !== 0;
    const listed = multiple || instruction === 58 || instruction === 64;
    return !popsPc && !(listed && list === 0) && !(multiple && list & (1 << ((opcode >>> 8) & 7)));
  });
  // Aligned addresses of data in all low registers; small ones would be offsets.
  const address = fc.integer({ min: 0, max: 0x7f }).map((index) => DATA + 4 * index);
  fc.assert(
    fc.property(
      fc.constantFrom(...opcodes),
      fc.array(address, { minLength: 13, maxLength: 13 }),
      flagBits,
      fc.integer({ min: 0, max: 0x3f }),
      (opcode, registers, flags, index) => {
        const instruction = INSTRUCTION_OF[opcode];
        if (instruction >= 34 && instruction <= 41) {
          // register offset: Rm is an aligned offset, not an address
          registers[(opcode >>> 6) & 7] = 4 * index;
          if (((opcode >>> 3) & 7) === ((opcode >>> 6) & 7)) {
            return;
          }
        }
        const ours = byExecutor(registers, flags, [opcode]);
        const theirs = byOracle(registers, flags, [opcode]);
        // PUSH with LR: rp2040js forgets the cycle of the link register (Cortex-M0+ TRM table 3-1: 1 + N).
        const forgotten = instruction === 58 && opcode & 0x100 ? 1 : 0;
        assert.deepEqual(ours, { ...theirs, cycles: theirs.cycles + forgotten });
      },
    ),
    { numRuns: 10_000 },
  );
});

/** ADC, SBC, ROR and register shifts, in which rp2040js gets corner cases wrong: computed here with big integers. */
test('carries and register shifts follow the architecture manual', () => {
  const mask = 0xffffffffn;
  const signed = (value: bigint) => BigInt.asIntN(32, value);
  const addWithCarry = (a: bigint, b: bigint, carry: bigint) => {
    const sum = a + b + carry;
    const result = sum & mask;
    const overflow = signed(result) !== signed(a) + signed(b) + carry;
    return { result, carry: sum > mask, overflow };
  };
  const shifted = (kind: number, value: bigint, amount: bigint, carry: boolean) => {
    if (amount === 0n) {
      return { result: value, carry };
    }
    const bit = (position: bigint) => ((position < 0n ? 0n : value >> position) & 1n) === 1n;
    switch (kind) {
      case 14:
        return { result: (value << amount) & mask, carry: amount <= 32n && bit(32n - amount) };
      case 15:
        return { result: value >> amount, carry: bit(amount - 1n) };
      case 16:
        return {
          result: (signed(value) >> amount) & mask,
          carry: ((signed(value) >> (amount - 1n)) & 1n) === 1n,
        };
      default: {
        const rotation = amount % 32n;
        const result = ((value >> rotation) | (value << (32n - rotation))) & mask;
        return { result, carry: result >> 31n === 1n };
      }
    }
  };
  fc.assert(
    fc.property(
      fc.constantFrom(0x4140, 0x4180, 0x4080, 0x40c0, 0x4100, 0x41c0),
      word,
      fc.oneof(word, fc.integer({ min: 0, max: 255 })),
      flagBits,
      (base, left, right, flags) => {
        const opcode = base | (1 << 3);
        const kind = INSTRUCTION_OF[opcode];
        const registers = [left, right, ...new Array<number>(11).fill(0)];
        const machine = byExecutor(registers, flags, [opcode]);
        const a = BigInt(left);
        const b = BigInt(right);
        const carryIn = (flags & 2) !== 0;
        let expected: { result: bigint; carry: boolean; overflow?: boolean };
        if (kind === 17) {
          expected = addWithCarry(a, b, carryIn ? 1n : 0n);
        } else if (kind === 18) {
          expected = addWithCarry(a, ~b & mask, carryIn ? 1n : 0n);
        } else {
          expected = shifted(kind, a, b & 0xffn, carryIn);
        }
        const overflow = expected.overflow ?? (flags & 1) !== 0;
        assert.equal(BigInt(machine.registers[0]), expected.result);
        assert.equal(
          machine.flags,
          [expected.result >> 31n === 1n, expected.result === 0n, expected.carry, overflow]
            .map(Number)
            .join(''),
        );
      },
    ),
    { numRuns: 20_000 },
  );
});

test('BL reaches both ways, BX and POP refuse an address without the Thumb bit', () => {
  const registers = new Array<number>(13).fill(0);
  for (const [first, second] of [
    [0xf000, 0xf802],
    [0xf7ff, 0xfffe],
    [0xf001, 0xf92a],
  ]) {
    assert.deepEqual(byExecutor(registers, 0, [first, second]), byOracle(registers, 0, [first, second]));
  }
  registers[0] = DATA;
  assert.throws(() => byExecutor(registers, 0, [0x4700]), BoardFault);
});

test('what a Cortex-M0+ faults on stops here too', () => {
  const registers = new Array<number>(13).fill(DATA + 2);
  const cases: [string, number][] = [
    ['LDR from an unaligned address', 0x6808],
    ['STR to an unaligned address', 0x6008],
    ['BKPT', 0xbe00],
    ['UDF', 0xde00],
    ['an undefined encoding', 0xb100],
  ];
  for (const [what, opcode] of cases) {
    assert.throws(() => byExecutor(registers, 0, [opcode]), BoardFault, what);
  }
  assert.throws(() => byExecutor(new Array<number>(13).fill(0x30000000), 0, [0x6808]), BoardFault);
});
