/** FULLY_CONNECTED on the virtual Pico while its weights come in bursts: power fails, and bytes arrive, in the middle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { flashBoard } from '../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import { encodeFrame, FrameDecoder } from '../../src-main/board/link/frames.js';
import { decodeMessage, encodeCommand } from '../../src-main/board/link/messages.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { compile, emitDataset } from '../../src-main/compiler/index.js';
import { autoencoder } from '../../tools/bench/random-models.js';
import { poweredPico } from '../support/virtual-bench.js';

const RUN = 3;

async function autoencoderBoard() {
  const { image } = compile(autoencoder(), 'autoencoder', {
    strategy: 'layer',
    kernels: 'fast',
    boardNumber: picoFram.imageBoard,
    sramBytes: picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
  });
  const sample = Int8Array.from({ length: 640 }, (_, index) => ((index * 89) % 256) - 128);
  const board = poweredPico(5);
  const link = new BoardLink(new VirtualBoardPort(board));
  await flashBoard(link, { image, dataset: emitDataset([sample]) });
  return { board, link, expected: inferOnHost(image, [sample])[0] };
}

test('power fails at many instants of a layer whose weights are on their way', async () => {
  const { board, link, expected } = await autoencoderBoard();
  await link.run(RUN, 0, 1);
  // From the boot ROM on; the first layer takes 2.7 ms, most of it bursts.
  const start = Math.round((picoFram.power.startupSeconds.value + 2.4e-3) * picoFram.clockHertz);
  for (let cut = 0; cut < 40; cut++) {
    board.powerOff();
    board.powerOn();
    let left = start + cut * 8009;
    while (left > 0) {
      left -= board.run(left).cycles;
    }
  }
  board.powerOff();
  board.powerOn();
  const event = await new BoardLink(new VirtualBoardPort(board)).nextEvent(5);
  assert.ok(event?.kind === 'boot');
  assert.ok(event.record.powerCycles > 30 && event.record.task <= 2, 'the cuts were in the first layers');
  const result = await new BoardLink(new VirtualBoardPort(board)).nextEvent(5);
  assert.ok(result?.kind === 'result');
  assert.deepEqual(new Int8Array(result.output), expected);
});

test('the serial line is served during bursts: no byte is lost, no weight either', async () => {
  const { board, link, expected } = await autoencoderBoard();
  await link.run(RUN, 0, 1);
  const decoder = new FrameDecoder();
  const payload = Uint8Array.from({ length: 700 }, (_, index) => index & 0xff);
  const frame = encodeFrame({ ...encodeCommand({ kind: 'echo', data: payload }), sequence: 9 });
  const answers: Uint8Array[] = [];
  let output: Int8Array | null = null;
  board.receive(frame); // 7 ms at this rate, through most of the layers
  for (let slices = 0; slices < 10_000 && output === null; slices++) {
    for (const received of decoder.take(board.run(20_000).transmitted)) {
      const event = decodeMessage(received);
      if (event?.kind === 'result') {
        output = new Int8Array(event.output);
      } else if (received.type === 0x88) {
        answers.push(received.payload);
      }
    }
  }
  assert.deepEqual(output, expected);
  assert.deepEqual(
    answers.map((answer) => answer.length),
    [payload.length],
  );
  assert.deepEqual(Uint8Array.from(answers[0]), payload);
});
