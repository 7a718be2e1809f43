import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { RP2040 } from 'rp2040js';
import { placeProgram, readProgram } from '../../../src-main/board/images/index.js';
import { RP2040_TARGET } from '../../../src-main/board/images/targets.js';
import { encodeFrame, FrameDecoder } from '../../../src-main/board/link/frames.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { BootRom } from '../../../src-main/board/virtual/boot-rom.js';
import { CycleClock } from '../../../src-main/board/virtual/cycle-clock.js';
import { runProgram, type ProgramRun } from '../../../src-main/board/virtual/program-run.js';
import { serveVirtualBoard } from '../../../src-main/board/virtual/serve.js';
import { createVirtualPico } from '../../../src-main/board/virtual/virtual-pico.js';
import { RunError } from '../../../src-main/common/errors.js';
import { hasPicoCompiler } from '../../../tools/firmware/pico.js';
import { buildFlashElf, buildFlashProgram, buildSramProgram } from '../../support/pico-programs.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { picoFirmware } from '../../support/virtual-bench.js';

const NO_COMPILER = 'arm-none-eabi-gcc is not installed (Debian: apt-get install gcc-arm-none-eabi)';
const BKPT = 0xbe;

async function execute(path: string): Promise<{ run: ProgramRun; text: string }> {
  let text = '';
  const program = placeProgram(
    readProgram(await readFile(path), path, RP2040_TARGET),
    picoFram.flashBytes,
    path,
  );
  const run = await runProgram(program, {
    profile: picoFram,
    seed: 1,
    seconds: 1,
    signal: new AbortController().signal,
    onOutput: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
    },
  });
  return { run, text };
}

/** The work of test/board/images/program/loop.h, written again. */
function loopResult(rounds: number): number {
  const words = new Uint32Array(64);
  const bytes = new Uint8Array(words.buffer);
  const halfwords = new Uint16Array(words.buffer);
  let state = 12345;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[index] = state;
  }
  for (let round = 0; round < rounds; round++) {
    for (let index = 1; index < words.length; index++) {
      const left = words[index - 1];
      const right = words[index];
      if (left > right) {
        words[index - 1] = right;
        words[index] = left;
      }
      bytes[index] ^= left >>> 7;
      halfwords[index] += Math.imul(left, right);
    }
    state = (state ^ (words[round % words.length] + round)) >>> 0;
  }
  return state;
}

test('a program of others gives the same output in as many cycles as ELF, UF2, BIN and Intel HEX', async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip(NO_COMPILER);
    return;
  }
  const paths = await buildFlashProgram(await temporaryFolder(context));
  const first = await execute(paths.elf);
  assert.equal(first.text, `loop ${loopResult(200).toString(16).padStart(8, '0')}\n`);
  assert.equal(first.run.ended, 'breakpoint');
  assert.deepEqual(first.run.notes, []);
  assert.ok(first.run.cacheMisses > 10 && first.run.cycles > first.run.instructions);
  for (const path of Object.values(paths)) {
    assert.deepEqual(await execute(path), first, path);
  }
});

test('where there are no wait states, a program takes exactly the cycles that stock rp2040js counts', async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip(NO_COMPILER);
    return;
  }
  const path = await buildSramProgram(await temporaryFolder(context));
  const { run } = await execute(path);
  const { sram, entry } = placeProgram(
    readProgram(await readFile(path), path, RP2040_TARGET),
    picoFram.flashBytes,
    path,
  );
  const chip = new RP2040(new CycleClock(125e6));
  for (const { address, bytes } of sram) {
    chip.sram.set(bytes, address - 0x20000000);
  }
  const { core } = chip;
  core.SP = 0x20041f00;
  core.PC = ((entry ?? 0) & ~1) >>> 0;
  let cycles = 0;
  let instructions = 0;
  let forgotten = 0;
  for (;;) {
    const opcode = chip.readUint16(core.PC);
    if (opcode >>> 8 === BKPT) {
      break;
    }
    // PUSH with LR: 1 + N cycles with LR counted (Cortex-M0+ TRM, table 3-1); rp2040js leaves it out.
    forgotten += (opcode & 0xff00) === 0xb500 ? 1 : 0;
    cycles += core.executeInstruction();
    instructions++;
  }
  assert.equal(run.instructions, instructions);
  assert.ok(instructions > 100_000);
  assert.ok(forgotten <= 2, 'in its entry only');
  assert.equal(run.cycles, cycles + forgotten);
});

test("a program that starts the chip as vendors' kits do runs without a note", async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip(NO_COMPILER);
    return;
  }
  const { run, text } = await execute(await buildFlashElf(await temporaryFolder(context), 'sdk-start.c'));
  // 17 bits in 0xff00ff01; 1000 / 7 = 142, remainder 6; SysTick and timer agree.
  assert.equal(text, '00000011 0000008e 00000006 00000001 \n');
  assert.deepEqual(run.notes, []);
  assert.equal(run.ended, 'breakpoint');
});

test('a program that faults ends with its address; one without a boot stage does not start', async () => {
  const options = {
    profile: picoFram,
    seed: 1,
    seconds: 0.1,
    signal: new AbortController().signal,
    onOutput: () => undefined,
  };
  const undefinedInstruction = {
    flash: new Uint8Array(0),
    sram: [{ address: 0x20000000, bytes: Uint8Array.of(0x00, 0xde) }],
    entry: 0x20000001,
  };
  await assert.rejects(
    runProgram(undefinedInstruction, options),
    (error: unknown) => error instanceof RunError && /0x20000000.*undefined instruction/.test(error.message),
  );
  await assert.rejects(
    runProgram({ flash: new Uint8Array(512), sram: [], entry: null }, options),
    (error: unknown) => error instanceof RunError && /boot ROM refuses/.test(error.message),
  );
});

test('functions of the boot ROM are found by their codes and do what the datasheet says', () => {
  const rom = new BootRom(picoFram.timing);
  const view = new DataView(rom.bytes.buffer);
  const memory = new Uint8Array(64).map((_, index) => index);
  const access = {
    read8: (address: number) => memory[address],
    write8: (address: number, value: number) => {
      memory[address] = value;
    },
  };
  assert.equal(Buffer.from(rom.bytes.subarray(0x10, 0x13)).toString('latin1'), 'Mu\u0001');
  /** Branches to a function as a program does: the undefined instruction at its address says which it is. */
  const branch = (pointer: number, ...values: number[]) => {
    assert.equal(pointer & 1, 1, 'a Thumb address');
    const opcode = view.getUint16(pointer & ~1, true);
    assert.equal(opcode >>> 8, 0xde);
    const registers = new Int32Array(16);
    registers.set(values);
    assert.ok(rom.call(opcode & 0xff, registers, access) > 0, 'takes time');
    return registers[0] >>> 0;
  };
  const call = (code: string, ...values: number[]) => {
    const table = view.getUint16(0x14, true);
    const found = branch(view.getUint16(0x18, true), table, code.charCodeAt(0) | (code.charCodeAt(1) << 8));
    return branch(found, ...values);
  };
  assert.equal(call('P3', 0xf00f0001), 9);
  assert.equal(call('R3', 0x80000001), 0x80000001);
  assert.equal(call('R3', 0x0000000d), 0xb0000000);
  assert.deepEqual([call('L3', 0), call('L3', 1), call('L3', 0x80000000)], [32, 31, 0]);
  assert.deepEqual([call('T3', 0), call('T3', 1), call('T3', 0x80000000)], [32, 0, 31]);
  assert.equal(call('MC', 32, 4, 3), 32);
  assert.deepEqual([...memory.subarray(31, 36)], [31, 4, 5, 6, 35]);
  call('MS', 40, 7, 2);
  assert.deepEqual([...memory.subarray(39, 43)], [39, 7, 7, 42]);
  const unknown = branch(view.getUint16(0x18, true), view.getUint16(0x14, true), 0x5a5a);
  assert.equal(unknown, 0, 'what is not there is not found');
});

test('the serial line of the virtual board is there for other programs on a TCP port', async (context) => {
  const board = createVirtualPico({ firmware: picoFirmware(), profile: picoFram, seed: 1 });
  const server = await serveVirtualBoard(board, { port: 0 });
  context.after(() => server.close());
  const socket = connect(server.port, server.host);
  await once(socket, 'connect');
  context.after(() => socket.destroy());
  const decoder = new FrameDecoder();
  const reply = await new Promise((resolve) => {
    const repeat = setInterval(() => {
      socket.write(encodeFrame({ type: 1, sequence: 7, payload: new Uint8Array(0) }));
    }, 100);
    socket.on('data', (bytes) => {
      const frame = decoder.take(bytes).find(({ type }) => type === 0x81);
      if (frame) {
        clearInterval(repeat);
        resolve(frame.sequence);
      }
    });
  });
  assert.equal(reply, 7);
});
