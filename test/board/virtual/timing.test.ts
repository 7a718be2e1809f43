/** That the virtual board takes the time that the chips take: measured from outside, over its serial line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import type { BoardProfile } from '../../../src-main/board/profile.js';
import { VirtualBoardPort } from '../../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../../src-main/board/virtual/virtual-pico.js';
import { picoFirmware } from '../../support/virtual-bench.js';

const { timing, power, flashMap, serialBaud } = picoFram;
/** Start, eight bits, stop. */
const BYTE_SECONDS = 10 / serialBaud;

function board(profile: BoardProfile = picoFram) {
  const pico = createVirtualPico({ firmware: picoFirmware(), profile, seed: 1 });
  pico.powerOn();
  const port = new VirtualBoardPort(pico);
  return { pico, port, link: new BoardLink(port) };
}

function within(actual: number, least: number, most: number, what: string): void {
  assert.ok(actual >= least && actual <= most, `${what}: ${actual} s, expected ${least} to ${most} s`);
}

/** The profile with one value replaced: what the board does must follow. */
function changed(key: keyof BoardProfile['timing'], value: number): BoardProfile {
  return { ...picoFram, timing: { ...timing, [key]: { ...timing[key], value } } };
}

test('from power-on to the first byte: start-up of the profile, boot stage on the ring oscillator, 1 ms of crystal', () => {
  const firstByte = (profile: BoardProfile) => {
    const { pico } = board(profile);
    while (pico.run(1000).transmitted.length === 0);
    return pico.simulatedSeconds;
  };
  const start = power.startupSeconds.value;
  within(firstByte(picoFram), start + 1e-3, start + 3e-3, 'first byte');
  const slower = firstByte(changed('ringOscillatorHertz', 1.8e6)) - firstByte(picoFram);
  within(slower, 10e-6, 2e-3, 'added by a slow ring oscillator');
  const later = firstByte(changed('crystalHertz', 6e6)) - firstByte(picoFram);
  within(later, 0.9e-3, 1.1e-3, 'added by a crystal of half the frequency');
});

test('flash takes as long as its data sheet says to erase and to program', async () => {
  const { port, link } = board();
  await link.identify();
  let begin = port.now();
  await link.erase(flashMap.imageOffset, 2 * 4096);
  const erase = 2 * timing.flashSectorEraseSeconds.value;
  within(port.now() - begin, erase, erase + 8e-3, 'two sectors');
  begin = port.now();
  await link.program(flashMap.imageOffset, new Uint8Array(1024));
  const program = 4 * timing.flashPageProgramSeconds.value + 1024 * BYTE_SECONDS;
  within(port.now() - begin, program, program + 2e-3, 'four pages');
});

test('bytes take their time on the serial line, both ways', async () => {
  const { port, link } = board();
  await link.identify();
  const begin = port.now();
  assert.equal((await link.echo(new Uint8Array(1024)))?.length, 1024);
  const line = 2 * 1024 * BYTE_SECONDS;
  within(port.now() - begin, line, line * 1.3, 'a block there and back');
});

test('reading flash through the cache costs what the SSI clocks say: more gap, more time', async () => {
  const checksumSeconds = async (profile: BoardProfile) => {
    const { port, link } = board(profile);
    await link.identify();
    const begin = port.now();
    await link.checksum(flashMap.imageOffset, 65536);
    return port.now() - begin;
  };
  const gap = 32;
  const added =
    (await checksumSeconds(changed('flashGapClocks', timing.flashGapClocks.value + gap))) -
    (await checksumSeconds(picoFram));
  // 64 KB, a word with each miss, SSI at half of the system clock; the program itself stays in the cache.
  const misses = 65536 / timing.cacheFillBytes.value;
  const expected = (misses * gap * 2) / picoFram.clockHertz;
  within(added, expected, expected * 1.05, 'added by the gap');
});

test('an FRAM that is clocked faster than it can be is a fault, not data', () => {
  const { pico } = board(changed('nvmMaximumHertz', 20e6));
  assert.throws(() => {
    for (let slice = 0; slice < 100; slice++) {
      pico.run(100_000);
    }
  }, /clocked at 20\.8\d* MHz, the FRAM takes 20 MHz/);
});
