import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { encodeFrame, FrameDecoder } from '../../../src-main/board/link/frames.js';
import { encodeCommand } from '../../../src-main/board/link/messages.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import type { VirtualBoard } from '../../../src-main/board/virtual-board.js';
import { VirtualBoardPort } from '../../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../../src-main/board/virtual/virtual-pico.js';
import { RunError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';

const firmware = readFileSync(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));

function freshBoard(seed = 1): VirtualBoard {
  const board = createVirtualPico({ firmware, profile: picoFram, seed });
  board.powerOn();
  return board;
}

test('the prebuilt firmware boots and says who it is', async () => {
  const identity = await new BoardLink(new VirtualBoardPort(freshBoard())).identify();
  assert.equal(identity.board, picoFram.imageBoard);
  assert.equal(identity.flashBytes, picoFram.flashBytes);
  assert.equal(identity.nvmBytes, picoFram.nvmBytes);
  assert.equal(identity.arenaBytes, picoFram.arenaBytes);
  assert.deepEqual(
    {
      imageOffset: identity.imageOffset,
      imageBytes: identity.imageCapacity,
      datasetOffset: identity.datasetOffset,
      datasetBytes: identity.datasetCapacity,
    },
    picoFram.flashMap,
  );
  assert.equal(identity.imageCrc, 0);
  assert.equal(identity.record.state, 'idle');
});

test('the same seed gives the same cycles and the same charge', async () => {
  const observe = async (seed: number) => {
    const board = freshBoard(seed);
    const port = new VirtualBoardPort(board);
    await new BoardLink(port).identify();
    return [port.now(), board.run(1_000_000).railCoulombs];
  };
  assert.deepEqual(await observe(5), await observe(5));
});

test('every byte is handed over when its stop bit is out, the last of a frame too', () => {
  const board = freshBoard();
  board.run(picoFram.clockHertz / 100);
  const { type, payload } = encodeCommand({ kind: 'identify' });
  board.receive(encodeFrame({ type, payload, sequence: 1 }));
  const byteCycles = (10 * picoFram.clockHertz) / picoFram.serialBaud;
  const decoder = new FrameDecoder();
  let cycles = 0;
  // One call could last a minute; it has to come back at each byte instead, and the core sleeps after the last.
  for (let bytes = 0; decoder.brokenFrames === 0; bytes++) {
    const slice = board.run(60 * picoFram.clockHertz);
    assert.equal(slice.transmitted.length, 1);
    assert.ok(bytes === 0 || slice.cycles < 1.1 * byteCycles, `byte ${bytes} took ${slice.cycles} cycles`);
    cycles += slice.cycles;
    if (decoder.take(slice.transmitted).length > 0) {
      assert.ok(cycles < picoFram.clockHertz / 50);
      return;
    }
  }
  assert.fail('the reply was damaged');
});

test('flash whose boot loader fails its CRC is refused like the boot ROM does', () => {
  const damaged = Uint8Array.from(firmware);
  damaged[10] ^= 1;
  const board = createVirtualPico({ firmware: damaged, profile: picoFram, seed: 1 });
  assert.throws(
    () => board.powerOn(),
    (error: unknown) => error instanceof RunError && /boot ROM refuses/.test(error.message),
  );
});

test('a program that leaves memory stops with its address, it does not hang', () => {
  const broken = Uint8Array.from(firmware);
  // Reset vector of the program into unmapped space.
  new DataView(broken.buffer).setUint32(0x104, 0x30000001, true);
  const board = createVirtualPico({ firmware: broken, profile: picoFram, seed: 1 });
  board.powerOn();
  assert.throws(
    () => {
      for (let slice = 0; slice < 1000; slice++) {
        board.run(100_000);
      }
    },
    (error: unknown) => error instanceof RunError && error.message.includes('0x30000000'),
  );
});

test('while it waits for the host the core sleeps and draws the sleep current', async () => {
  const board = freshBoard();
  await new BoardLink(new VirtualBoardPort(board)).identify();
  board.run(picoFram.clockHertz / 10);
  const seconds = 0.5;
  const { cycles, railCoulombs } = board.run(seconds * picoFram.clockHertz);
  const amps = railCoulombs / (cycles / picoFram.clockHertz);
  const { sleepAmps, activeAmps } = picoFram.power;
  assert.ok(amps >= sleepAmps.value && amps < sleepAmps.value + 0.01 * (activeAmps.value - sleepAmps.value));
});
