import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flashBoard } from '../../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { FrameDecoder } from '../../../src-main/board/link/frames.js';
import { decodeMessage, encodeCommand, type BoardEvent } from '../../../src-main/board/link/messages.js';
import { encodeFrame } from '../../../src-main/board/link/frames.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { currentRecord } from '../../../src-main/board/record.js';
import type { CommitObservation } from '../../../src-main/board/virtual-board.js';
import { VirtualBoardPort } from '../../../src-main/board/virtual/virtual-board-port.js';
import { NoiseSource } from '../../../src-main/board/virtual/random.js';
import { STRATEGIES } from '../../../src-main/compiler/plan.js';
import { keywordModel, poweredPico } from '../../support/virtual-bench.js';

test('a model flashed over the serial line gives the bytes of the host build', async () => {
  const model = keywordModel('layer', 2);
  const board = poweredPico();
  const link = new BoardLink(new VirtualBoardPort(board));
  await flashBoard(link, model);
  await link.run(11, 0, 2);
  const outputs: Int8Array[] = [];
  for (;;) {
    const event = await link.nextEvent(5);
    assert.ok(event, 'the board fell silent');
    if (event.kind === 'finished') {
      assert.equal(event.record.state, 'finished');
      assert.equal(event.record.powerCycles, 1);
      break;
    }
    assert.equal(event.kind, 'result');
    if (event.kind === 'result' && event.inference === outputs.length) {
      outputs.push(new Int8Array(event.output));
    }
    await link.acknowledge(11, outputs.length - 1);
  }
  assert.deepEqual(outputs, model.expected);
});

for (const strategy of STRATEGIES) {
  test(`${strategy}: power cut at random instants, every result is right and comes once`, async () => {
    const runId = 21;
    const inferences = 2;
    const model = keywordModel(strategy, inferences);
    const board = poweredPico(3);
    const link = new BoardLink(new VirtualBoardPort(board));
    await flashBoard(link, model);
    const commits: CommitObservation[] = [];
    board.onCommit = (commit) => commits.push(commit);
    await link.run(runId, 0, inferences);

    const random = new NoiseSource(99);
    // `restart` keeps nothing: it only ends because the last stretches of power are long enough for an inference.
    const shortCycles = 30;
    const outputs = new Map<number, Uint8Array>();
    let finished: BoardEvent | null = null;
    // The power cycle of RUN, then every one that lasted until the board had written that it was there.
    let countedCycles = 1;
    for (let cycle = 0; cycle < 60 && !finished; cycle++) {
      const commitsBefore = commits.length;
      board.powerOff();
      board.powerOn();
      const decoder = new FrameDecoder();
      const share = (random.next() >>> 0) / 2 ** 32;
      const seconds = cycle < shortCycles ? 0.005 + 0.08 * share : 0.7;
      let left = seconds * picoFram.clockHertz;
      while (left > 0 && !finished) {
        const slice = board.run(left);
        left -= slice.cycles;
        for (const frame of decoder.take(slice.transmitted)) {
          const event = decodeMessage(frame);
          if (event?.kind === 'result') {
            assert.equal(event.record.runId, runId);
            const known = outputs.get(event.inference);
            assert.deepEqual(event.output, known ?? event.output, 'a repeated result must be the same');
            outputs.set(event.inference, event.output);
            const acknowledgement = encodeCommand({ kind: 'acknowledge', runId, inference: event.inference });
            board.receive(encodeFrame({ ...acknowledgement, sequence: 0 }));
          } else if (event?.kind === 'finished') {
            finished = event;
          }
        }
      }
      countedCycles += commits.length > commitsBefore ? 1 : 0;
    }
    assert.ok(finished, 'the run did not finish');
    assert.deepEqual(
      [...outputs].sort(([a], [b]) => a - b).map(([, output]) => new Int8Array(output.buffer)),
      model.expected,
    );
    const record = currentRecord(board.nvm);
    assert.equal(record?.state, 'finished');
    assert.equal(record.powerCycles, countedCycles);
    // The bus saw every commit in order: sequence numbers without a gap, the last one being the record in NVM.
    commits.forEach(({ sequence }, index) => assert.equal(sequence, commits[0].sequence + index));
    assert.equal(commits.at(-1)?.sequence, record.sequence);
  });
}

test('flash and NVM keep their content without power, SRAM does not', async () => {
  const model = keywordModel('layer', 1);
  const board = poweredPico();
  await flashBoard(new BoardLink(new VirtualBoardPort(board)), model);
  board.powerOff();
  board.powerOn();
  const identity = await new BoardLink(new VirtualBoardPort(board)).identify();
  assert.equal(
    identity.imageCrc,
    new DataView(model.image.buffer, model.image.byteOffset).getUint32(12, true),
  );
});

test('a result is repeated until it is acknowledged, with the core asleep in between; then the run goes on', async () => {
  const model = keywordModel('layer', 2);
  const board = poweredPico();
  const port = new VirtualBoardPort(board);
  const link = new BoardLink(port);
  await flashBoard(link, model);
  await link.run(5, 0, 2);
  assert.equal((await link.nextEvent(5))?.kind, 'result');
  const repeats = 30;
  const begin = port.now();
  for (let count = 0; count < repeats; count++) {
    const event = await link.nextEvent(1);
    assert.ok(event?.kind === 'result' && event.inference === 0, 'the board stopped repeating');
  }
  const interval = (port.now() - begin) / repeats;
  assert.ok(interval > 0.045 && interval < 0.06, `repeated every ${interval} s`);
  await link.acknowledge(5, 0);
  for (;;) {
    const event = await link.nextEvent(5);
    assert.equal(event?.kind, 'result');
    if (event?.kind === 'result' && event.inference === 1) {
      break;
    }
  }
  // The last acknowledgement may be lost together with FINISHED: saying it again brings FINISHED again.
  for (let time = 0; time < 2; time++) {
    await link.acknowledge(5, 1);
    let event = await link.nextEvent(5);
    while (event?.kind === 'result') {
      event = await link.nextEvent(5);
    }
    assert.equal(event?.kind, 'finished');
  }
});

test('during a run flash is safe from the loader, and STOP ends the run', async () => {
  const model = keywordModel('tile', 2);
  const link = new BoardLink(new VirtualBoardPort(poweredPico()));
  await flashBoard(link, model);
  await link.run(6, 0, 2);
  await assert.rejects(link.erase(picoFram.flashMap.imageOffset, 4096), /busy/);
  await assert.rejects(link.run(7, 0, 1), /busy/);
  await link.run(6, 0, 2);
  await link.stop();
  assert.equal((await link.identify()).record.state, 'stopped');
  await link.checkImage();
});
