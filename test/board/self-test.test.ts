import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flashBoard } from '../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { selfTest, type SelfTestCheck } from '../../src-main/board/self-test.js';
import type { BoardFaults } from '../../src-main/board/virtual/board-faults.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { crc32 } from '../../src-main/common/crc32.js';
import { keywordModel, picoFirmware } from '../support/virtual-bench.js';

const firmware = picoFirmware();

function connected(faults: BoardFaults = {}, volts = 4.5) {
  const board = createVirtualPico({ firmware, profile: picoFram, seed: 3, faults });
  board.setCapacitorVolts(volts);
  board.powerOn();
  return { board, link: new BoardLink(new VirtualBoardPort(board)) };
}

const failedIds = (checks: SelfTestCheck[]) =>
  checks.filter(({ passed }) => passed === false).map(({ id }) => id);

test('a board without faults passes, and its NVM is as before', async () => {
  const { board, link } = connected();
  board.nvm.forEach((_, index) => {
    board.nvm[index] = (index * 7) & 0xff;
  });
  const before = crc32(board.nvm);
  const checks = await selfTest(link, { profile: picoFram, firmware });
  assert.deepEqual(
    checks.map(({ id, passed, remedy }) => [id, passed, remedy]),
    ['nvm-identity', 'nvm-pattern', 'flash-identity', 'firmware', 'capacitor', 'link'].map((id) => [
      id,
      true,
      null,
    ]),
  );
  assert.equal(crc32(board.nvm), before);
});

/** What is broken, the checks that must fail, and words of their values. */
const FAULTS: [string, BoardFaults, SelfTestCheck['id'][], RegExp][] = [
  ['no FRAM', { nvm: 'absent' }, ['nvm-identity', 'nvm-pattern'], /ff ff ff ff: no chip answers/],
  ['a stuck bit', { nvm: { stuckBits: 0x04 } }, ['nvm-identity', 'nvm-pattern'], /wrong in bit 2$/m],
  ['an FRAM of a quarter', { nvm: { bytes: 131072 } }, ['nvm-pattern'], /131072 bytes, 524288 are needed/],
  ['the divider shorted', { adc: 'shorted' }, ['capacitor'], /0\.00 V/],
  ['the divider open', { adc: 'open' }, ['capacitor'], /6\.60 V/],
  ['another flash', { flash: 'unidentified' }, ['flash-identity'], /JEDEC ff ff ff/],
  ['a bit of the firmware', { flashByte: 0x1a4 }, ['firmware'], /CRC-32 of/],
  ['a noisy line', { serialByteErrorEvery: 1500 }, ['link'], /[1-9]\d* of 16 blocks of 1024 bytes lost/],
];
for (const [what, faults, failing, value] of FAULTS) {
  test(`${what}: that is reported, with a remedy, and nothing else`, async () => {
    const checks = await selfTest(connected(faults).link, { profile: picoFram, firmware });
    assert.deepEqual(failedIds(checks), failing);
    assert.match(checks.map((check) => check.value).join('\n'), value);
    for (const { passed, remedy } of checks) {
      assert.equal(remedy !== null, passed === false);
    }
  });
}

test('a capacitor above what the board may be given is a failure; within limits none', async () => {
  for (const [volts, expected] of [
    [2.0, []],
    [5.5, []],
    [6.0, ['capacitor']],
    [1.5, ['capacitor']],
  ] as const) {
    const checks = await selfTest(connected({}, volts).link, { profile: picoFram, firmware });
    assert.deepEqual(failedIds(checks), expected, `${volts} V`);
  }
});

test('during a run NVM is identified but not written, and the run goes on', async () => {
  const { board, link } = connected();
  await flashBoard(link, keywordModel('tile', 1));
  await link.run(5, 0, 1);
  const scratch = board.nvm.subarray(0x300, 0x400);
  scratch.fill(0xa5);
  let writes = 0;
  const result = await link.selfTest();
  writes += scratch.some((byte) => byte !== 0xa5) ? 1 : 0;
  assert.equal(result.nvmWritten, false);
  assert.equal(writes, 0);
  assert.deepEqual([...result.nvmIdentity], [0x04, 0x7f, 0x49, 0x03]);
  assert.equal((await link.nextEvent(20))?.kind, 'result');
});

test('an echo is the bytes that were sent; what was damaged on its way to the board is counted there', async () => {
  const { board, link } = connected();
  await link.identify();
  for (const length of [0, 1, 253, 254, 255, 1160]) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);
    assert.deepEqual(await link.echo(data), data);
  }
  const before = (await link.selfTest()).framesBroken;
  board.receive(Uint8Array.of(5, 1, 2, 3, 4, 0));
  assert.equal((await link.selfTest()).framesBroken, before + 1);
});
