/** Reading flash in bursts: SSI and DMA as a program sees them through their registers, without a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RP2040 } from 'rp2040js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { CycleClock } from '../../../src-main/board/virtual/cycle-clock.js';
import { Dma } from '../../../src-main/board/virtual/dma.js';
import { NoiseSource } from '../../../src-main/board/virtual/random.js';
import { Ssi } from '../../../src-main/board/virtual/ssi.js';
import { W25q16 } from '../../../src-main/board/virtual/w25q16.js';

const { clockHertz, timing } = picoFram;
const SSI = 0x18000000;
const [CTRLR0, CTRLR1, SSIENR, BAUDR, SR, RXFLR, DMACR, DR0, SPI_CTRLR0] = [
  0x00, 0x04, 0x08, 0x14, 0x28, 0x24, 0x4c, 0x60, 0xf4,
].map((offset) => SSI + offset);
const DMA = 0x50000000;
const [READ_ADDRESS, WRITE_ADDRESS, COUNT, TRIGGER] = [0x00, 0x04, 0x08, 0x0c].map((offset) => DMA + offset);
const INTR = DMA + 0x400;
const BUSY = 1 << 24;
/** Enabled, words, increment write, DREQ 39; byte order swapped. */
const TO_MEMORY = 1 | (2 << 2) | (1 << 5) | (39 << 15) | (1 << 22);
const SRAM = 0x20000000;
const DIVIDER = 2;
/** Address and mode bits, wait, and the words: eight clocks each, on four lines. */
const FIRST_WORD_CYCLES = (timing.flashGapClocks.value + 8 + 4 + 8) * DIVIDER;
const WORD_CYCLES = 8 * DIVIDER;

function chip(foreign = false) {
  const clock = new CycleClock(clockHertz);
  clock.reset(clockHertz);
  const rp2040 = new RP2040(clock);
  rp2040.clkSys = clockHertz;
  const warnings: string[] = [];
  const warn = (component: string, message: string) => void warnings.push(`${component}: ${message}`);
  rp2040.logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
  const content = Uint8Array.from({ length: picoFram.flashBytes }, (_, at) => (at * 7 + (at >>> 8)) & 0xff);
  const flash = new W25q16(content, clockHertz, new NoiseSource(1), timing);
  let readable = false;
  const ssi = new Ssi(rp2040, clock, clockHertz, flash, timing, (cycles) => (readable = cycles !== null));
  const dma = new Dma(rp2040, ssi, (offset, bytes) => {
    if (!foreign) {
      rp2040.sram.fill(0xa5, offset, offset + bytes);
    }
  });
  rp2040.peripherals[0x18000] = ssi;
  rp2040.peripherals[0x50000] = dma;
  const set = (address: number, value: number) => rp2040.writeUint32(address, value);
  // As the second-stage boot loader leaves it: quad reads without instruction, continuous mode.
  flash.quadRead(0xa0);
  set(SSIENR, 0);
  set(BAUDR, DIVIDER);
  set(CTRLR0, (2 << 21) | (31 << 16) | (3 << 8));
  set(SPI_CTRLR0, (0xa0 << 24) | (4 << 11) | (8 << 2) | 2);
  set(SSIENR, 1);
  return {
    rp2040,
    content,
    warnings,
    set,
    get: (address: number) => rp2040.readUint32(address),
    readable: () => readable,
    /** Goes on to so many cycles since the beginning. */
    at: (cycles: number) => {
      clock.skipTo(cycles);
      clock.fireDue();
    },
    configure: (words: number, control = 1) => {
      set(SSIENR, 0);
      set(CTRLR1, words - 1);
      set(DMACR, control);
      set(SSIENR, 1);
    },
    transfer: (to: number, words: number) => {
      set(READ_ADDRESS, DR0);
      set(WRITE_ADDRESS, to);
      set(COUNT, words);
      set(TRIGGER, TO_MEMORY);
    },
  };
}

test('a burst arrives word by word, at four cycles a byte, in the order of flash', () => {
  const { rp2040, content, warnings, set, get, at, configure, transfer, readable } = chip();
  const words = 100;
  const offset = 0x12345;
  assert.ok(readable());
  configure(words);
  assert.ok(!readable(), 'an access to the XIP window would be a part of the burst');
  transfer(SRAM + 64, words);
  assert.deepEqual([...rp2040.sram.subarray(64, 64 + 4 * words)], Array(4 * words).fill(0xa5), 'spoiled');
  at(1000);
  set(DR0, (offset << 8) | 0xa0);
  const first = 1000 + FIRST_WORD_CYCLES + timing.dmaTransferCycles.value;
  at(first - 1);
  assert.equal(get(COUNT), words);
  for (const arrived of [1, 2, 50, 99]) {
    at(first + (arrived - 1) * WORD_CYCLES);
    assert.equal(get(COUNT), words - arrived);
    assert.ok(get(TRIGGER) & BUSY && get(SR) & 1 && !readable());
    at(first + arrived * WORD_CYCLES - 1);
    assert.equal(get(COUNT), words - arrived);
  }
  const end = SRAM + 64 + 4 * 99 - SRAM;
  assert.equal(rp2040.sram[end], 0xa5, 'the last word is not there before its time');
  // Without anybody looking: the end of a burst is an event.
  at(first + (words - 1) * WORD_CYCLES);
  const expected = content.subarray(offset, offset + 4 * words);
  assert.deepEqual(rp2040.sram.subarray(64, 64 + 4 * words), expected);
  assert.equal(get(TRIGGER) & BUSY, 0);
  assert.equal(get(INTR), 1, 'the channel says that it is done');
  assert.equal(get(SR) & 1, 0);
  assert.ok(!readable(), 'still configured for bursts');
  configure(1, 0);
  assert.ok(readable());
  assert.deepEqual(warnings, []);
});

test('a burst that nobody takes from the FIFO loses what comes after sixteen words', () => {
  const { content, warnings, set, get, at, configure } = chip();
  configure(20, 0);
  set(DR0, 0xa0);
  at(FIRST_WORD_CYCLES + 15 * WORD_CYCLES);
  assert.equal(get(RXFLR), 16);
  assert.deepEqual(warnings, []);
  at(FIRST_WORD_CYCLES + 30 * WORD_CYCLES);
  assert.equal(get(RXFLR), 16);
  assert.match(warnings.join(), /lost/);
  assert.equal(get(DR0) >>> 0, new DataView(content.buffer).getUint32(0), 'the first byte is the highest');
});

test('what would not give data is refused: a burst in a burst, and mode bits that end continuous reading', () => {
  const twice = chip();
  twice.configure(20);
  twice.set(DR0, 0xa0);
  twice.at(100);
  twice.set(DR0, 0xa0);
  assert.match(twice.warnings.join(), /before the last one has ended/);
  const left = chip();
  left.configure(2, 0);
  left.set(DR0, 0x00);
  left.at(1000);
  left.configure(1, 0);
  assert.ok(!left.readable(), 'the flash waits for an instruction now');
});

test('switching the SSI off ends a burst; the channel waits', () => {
  const { set, get, at, configure, transfer } = chip();
  configure(20);
  transfer(SRAM, 20);
  set(DR0, 0xa0);
  at(FIRST_WORD_CYCLES + timing.dmaTransferCycles.value + 4 * WORD_CYCLES);
  set(SSIENR, 0);
  at(100_000);
  assert.equal(get(COUNT), 15);
  assert.ok(get(TRIGGER) & BUSY);
});
