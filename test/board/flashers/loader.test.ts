import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flashBoard, type FlashProgress } from '../../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { encodeFrame } from '../../../src-main/board/link/frames.js';
import { encodeCommand } from '../../../src-main/board/link/messages.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { VirtualBoardPort } from '../../../src-main/board/virtual/virtual-board-port.js';
import { InputError } from '../../../src-main/common/errors.js';
import { keywordModel, poweredPico } from '../../support/virtual-bench.js';

const { imageOffset, datasetOffset } = picoFram.flashMap;

test('flashing writes what differs, verifies it, and has nothing to do the second time', async () => {
  const model = keywordModel('layer', 3);
  const board = poweredPico();
  const link = new BoardLink(new VirtualBoardPort(board));
  const progress: FlashProgress[] = [];
  const first = await flashBoard(link, model, { onProgress: (step) => progress.push(step) });
  assert.equal(first.sectorsWritten, first.sectors);
  assert.deepEqual(board.flash.slice(imageOffset, imageOffset + model.image.length), model.image);
  assert.deepEqual(board.flash.slice(datasetOffset, datasetOffset + model.dataset.length), model.dataset);
  assert.deepEqual(progress.at(-1)?.phase, 'check');
  assert.ok(progress.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes));

  assert.equal((await flashBoard(link, model)).sectorsWritten, 0);

  // One flipped bit in the second sector of the image costs exactly that sector.
  board.flash[imageOffset + 5000] ^= 0x10;
  assert.equal((await flashBoard(link, model)).sectorsWritten, 1);
  assert.deepEqual(board.flash.slice(imageOffset, imageOffset + model.image.length), model.image);
});

test('an image for another board is refused before anything is touched', async () => {
  const board = poweredPico();
  const before = board.flash.slice();
  const link = new BoardLink(new VirtualBoardPort(board));
  const { image, dataset } = keywordModel('layer', 1, 0x12345678);
  await assert.rejects(
    flashBoard(link, { image, dataset }),
    (error: unknown) =>
      error instanceof InputError && error.code === 'image-board' && /0x12345678/.test(error.message),
  );
  assert.deepEqual(board.flash, before);
});

test('files that are no image, cut, or do not belong together are refused', async () => {
  const { image, dataset } = keywordModel('layer', 1);
  const otherSamples = Uint8Array.from(dataset);
  new DataView(otherSamples.buffer).setUint32(20, 7, true);
  const cases: [{ image: Uint8Array; dataset: Uint8Array }, string][] = [
    [{ image: new Uint8Array(10), dataset }, 'not-an-image'],
    [{ image: image.subarray(0, image.length - 16), dataset }, 'not-an-image'],
    [{ image, dataset: image }, 'not-an-image'],
    [{ image, dataset: otherSamples }, 'dataset-samples'],
  ];
  for (const [content, code] of cases) {
    const link = new BoardLink(new VirtualBoardPort(poweredPico()));
    await assert.rejects(
      flashBoard(link, content),
      (error: unknown) => error instanceof InputError && error.code === code,
    );
  }
});

test('an aborted flash can be taken up again, even when the power fails in the middle of an erase', async () => {
  const model = keywordModel('layer', 1);
  const board = poweredPico();
  const abort = new AbortController();
  const link = new BoardLink(new VirtualBoardPort(board));
  await assert.rejects(
    flashBoard(link, model, {
      signal: abort.signal,
      onProgress: ({ phase, doneBytes }) => {
        if (phase === 'write' && doneBytes >= 3 * 4096) {
          abort.abort(new Error('enough'));
        }
      },
    }),
    /enough/,
  );
  // 10 of the 45 ms that erasing the first sector takes.
  const { type, payload } = encodeCommand({ kind: 'erase', offset: imageOffset, bytes: 4096 });
  board.receive(encodeFrame({ type, sequence: 1, payload }));
  for (let millisecond = 0; millisecond < 10; millisecond++) {
    board.run(picoFram.clockHertz / 1000);
  }
  const programmed = board.flash.slice(imageOffset, imageOffset + 4096);
  board.powerOff();
  assert.notDeepEqual(board.flash.slice(imageOffset, imageOffset + 4096), programmed);
  board.powerOn();
  const again = new BoardLink(new VirtualBoardPort(board));
  const report = await flashBoard(again, model);
  assert.ok(report.sectorsWritten < report.sectors);
  await again.checkImage();
});
