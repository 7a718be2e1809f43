/** What a board says to an image or data set that it must not run, and how it reaches the user. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flashBoard } from '../../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { PROGRAM_MAXIMUM_BYTES } from '../../../src-main/board/link/messages.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { NoiseSource } from '../../../src-main/board/virtual/random.js';
import { VirtualBoardPort } from '../../../src-main/board/virtual/virtual-board-port.js';
import { crc32 } from '../../../src-main/common/crc32.js';
import { BenchError, InputError } from '../../../src-main/common/errors.js';
import { crashModel } from '../../../tools/exhaustive/models.js';
import { poweredPico } from '../../support/virtual-bench.js';

const { imageOffset, datasetOffset } = picoFram.flashMap;
const SECTOR_BYTES = 4096;
/** Header fields, firmware/SPEC.md section 3. */
const AT = {
  magic: 0,
  version: 4,
  crc: 12,
  board: 16,
  kernels: 21,
  arena: 40,
  nvm: 44,
  operators: 56,
  tasks: 64,
  lastReserved: 124,
} as const;

const good = crashModel('digits', 'layer', 2);

interface BadImage {
  name: string;
  /** Changes a good image; the checksum is made right afterwards unless it is what is wrong. */
  spoil: (image: DataView) => void;
  wrongChecksum?: boolean;
  /** Status of firmware/SPEC.md section 6 and what the user reads of it. */
  status: number;
  says: RegExp;
  /** The flasher knows before it touches the board; what the user reads then. */
  flasherSays?: RegExp;
}

const BAD_IMAGES: BadImage[] = [
  {
    name: 'wrong magic',
    spoil: (image) => image.setUint32(AT.magic, 0x21212121, true),
    status: 5,
    says: /no image \(found 0x21212121 where it begins\)/,
    flasherSays: /not a complete image/,
  },
  {
    name: 'wrong version',
    spoil: (image) => image.setUint16(AT.version, 99, true),
    status: 6,
    says: /refused the image: format version 99.*Compile the model again/,
  },
  {
    name: 'wrong checksum',
    spoil: (image) => image.setUint8(image.byteLength - 20, image.getUint8(image.byteLength - 20) ^ 4),
    wrongChecksum: true,
    status: 7,
    says: /image on the board is damaged \(checksum is 0x[0-9a-f]{8}\).*Flash the board again/,
  },
  {
    name: 'another board',
    spoil: (image) => image.setUint32(AT.board, 0x12345678, true),
    status: 8,
    says: /made for another board \(0x12345678\).*Compile the model with the profile of this board/,
    flasherSays: /made for board 0x12345678, this is board 0x30345052/,
  },
  {
    name: 'unknown kernels',
    spoil: (image) => image.setUint8(AT.kernels, 77),
    status: 15,
    says: /does not know kernel set 77.*--kernels reference/,
  },
  {
    name: 'oversize arena',
    spoil: (image) => image.setUint32(AT.arena, picoFram.arenaBytes + 16, true),
    status: 9,
    says: /it needs 213008 bytes of SRAM for activations.*smaller --sram/,
    flasherSays: /needs 213008 bytes of SRAM, the board has 212992/,
  },
  {
    name: 'oversize NVM',
    spoil: (image) => image.setUint32(AT.nvm, picoFram.nvmBytes, true),
    status: 10,
    says: /it needs 524288 bytes of NVM.*another strategy/,
    flasherSays: /needs 528384 bytes of NVM, the board has 524288/,
  },
  {
    name: 'reserved byte set',
    spoil: (image) => image.setUint8(AT.lastReserved, 1),
    status: 11,
    says: /the field at offset \d+ is wrong.*Compile the model again/,
  },
  {
    name: 'operator of an unknown kind',
    spoil: (image) => image.setUint8(image.getUint32(AT.operators, true), 200),
    status: 11,
    says: /the field at offset \d+ is wrong/,
  },
  {
    name: 'task beyond the steps',
    spoil: (image) => image.setUint32(image.getUint32(AT.tasks, true) + 8, 0x7fffffff, true),
    status: 11,
    says: /the field at offset \d+ is wrong/,
  },
  {
    name: 'no task at all',
    spoil: (image) => image.setUint32(AT.tasks + 4, 0, true),
    status: 11,
    says: /the field at offset 64 is wrong/,
  },
];

function spoiled({ spoil, wrongChecksum }: BadImage): Uint8Array {
  const image = good.image.slice();
  const view = new DataView(image.buffer);
  spoil(view);
  if (!wrongChecksum) {
    view.setUint32(AT.crc, crc32(image.subarray(16)), true);
  }
  return image;
}

/** Past the flasher, which would refuse some of it before the board can. */
async function load(link: BoardLink, offset: number, bytes: Uint8Array): Promise<void> {
  await link.erase(offset, Math.ceil(bytes.length / SECTOR_BYTES) * SECTOR_BYTES);
  for (let at = 0; at < bytes.length; at += PROGRAM_MAXIMUM_BYTES) {
    await link.program(offset + at, bytes.subarray(at, at + PROGRAM_MAXIMUM_BYTES));
  }
}

function refusal(status: number, says: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof BenchError);
    assert.equal(error.code, `board-status-${status}`);
    assertOneClearLine(error, says);
    return true;
  };
}

function assertOneClearLine(error: BenchError, says: RegExp): void {
  assert.match(error.message, says);
  assert.ok(!error.message.includes('\n'));
  assert.ok(error.place.length > 0 && error.remedy.length > 0);
}

for (const bad of BAD_IMAGES) {
  test(`${bad.name}: the board refuses to run it, and the user reads why`, async () => {
    const board = poweredPico();
    const link = new BoardLink(new VirtualBoardPort(board));
    await load(link, imageOffset, spoiled(bad));
    await load(link, datasetOffset, good.dataset);
    await assert.rejects(link.checkImage(), refusal(bad.status, bad.says));
    await assert.rejects(link.run(1, 0, 1), refusal(bad.status, bad.says));
    const { imageCrc, record } = await link.identify();
    assert.equal(imageCrc, 0);
    assert.equal(record.state, 'idle');
    // Nothing is stuck: power, the right image, and it runs.
    board.powerOff();
    board.powerOn();
    await flashBoard(link, good);
    await link.run(1, 0, 1);
    const event = await link.nextEvent(5);
    assert.ok(event?.kind === 'result');
    assert.deepEqual(new Int8Array(event.output), good.expected[0]);
  });

  test(`${bad.name}: the flasher tells`, async () => {
    const board = poweredPico();
    const before = board.flash.slice();
    const flashing = flashBoard(new BoardLink(new VirtualBoardPort(board)), {
      image: spoiled(bad),
      dataset: good.dataset,
    });
    const { flasherSays } = bad;
    if (flasherSays === undefined) {
      await assert.rejects(flashing, refusal(bad.status, bad.says));
      return;
    }
    await assert.rejects(flashing, (error: unknown) => {
      assert.ok(error instanceof InputError);
      assertOneClearLine(error, flasherSays);
      return true;
    });
    assert.deepEqual(board.flash, before, 'nothing was touched');
  });
}

test('data sets that are none, damaged, of another model, or too short are refused', async () => {
  const link = new BoardLink(new VirtualBoardPort(poweredPico()));
  await flashBoard(link, good);
  const noDataset = /no valid data set \(found 0x[0-9a-f]{8}\).*Flash image and data set again/;
  const changed: ((dataset: DataView) => void)[] = [
    (dataset) => dataset.setUint32(0, 0, true),
    (dataset) => dataset.setUint16(4, 9, true),
    (dataset) => dataset.setUint8(40, dataset.getUint8(40) ^ 1),
    (dataset) => dataset.setUint32(16, 1 << 30, true),
  ];
  for (const change of changed) {
    const dataset = good.dataset.slice();
    change(new DataView(dataset.buffer));
    await load(link, datasetOffset, dataset);
    await assert.rejects(link.checkImage(), refusal(12, noDataset));
    await assert.rejects(link.run(1, 0, 1), refusal(12, noDataset));
  }
  const { dataset: foreign } = crashModel('digits', 'layer', 1);
  const halves = foreign.slice();
  const view = new DataView(halves.buffer);
  // Twice as many samples of half the length: whole, but not of this model.
  view.setUint32(16, 2, true);
  view.setUint32(20, view.getUint32(20, true) / 2, true);
  view.setUint32(12, crc32(halves.subarray(16)), true);
  await load(link, datasetOffset, halves);
  await assert.rejects(link.run(1, 0, 1), refusal(12, noDataset));

  await load(link, datasetOffset, good.dataset);
  const beyond = /asks for samples up to 3, more than the data set on the board has.*fewer inferences/;
  await assert.rejects(link.run(1, 1, 2), refusal(13, beyond));
  await link.run(1, 1, 1);
});

test('a bit of flash that flips between two runs is noticed before the next one starts', async () => {
  const board = poweredPico();
  const link = new BoardLink(new VirtualBoardPort(board));
  await flashBoard(link, good);
  const random = new NoiseSource(7);
  const below = (limit: number): number => (random.next() >>> 0) % limit;
  for (let runId = 1; runId <= 40; runId++) {
    const [begin, length] =
      runId % 4 === 0 ? [datasetOffset, good.dataset.length] : [imageOffset, good.image.length];
    const at = begin + below(length);
    const bit = 1 << below(8);
    board.flash[at] ^= bit;
    // With and without a new start: what the board remembers of its flash must not count either.
    if (runId % 2 === 0) {
      board.powerOff();
      board.powerOn();
    }
    await assert.rejects(
      link.run(runId, 0, 1),
      (error: unknown) => error instanceof BenchError && /^board-status-(5|6|7|8|11|12)$/.test(error.code),
      `flash byte 0x${at.toString(16)}, bit mask ${bit}`,
    );
    board.flash[at] ^= bit;
    if (runId % 8 === 1) {
      await link.run(runId, 0, 1);
      // Starts of the board have told of the run before.
      let event = await link.nextEvent(5);
      while (event?.kind === 'finished') {
        event = await link.nextEvent(5);
      }
      assert.ok(event?.kind === 'result');
      assert.deepEqual(new Int8Array(event.output), good.expected[0]);
      await link.acknowledge(runId, 0);
      while (event?.kind === 'result') {
        event = await link.nextEvent(5);
      }
      assert.equal(event?.kind, 'finished');
    }
  }
});
