import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError, RunError } from '../../../src-main/common/errors.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import { parseMetadata } from '../../../src-main/supply/drivers/ppk2/metadata.js';
import { Ppk2Decoder } from '../../../src-main/supply/drivers/ppk2/samples.js';
import { ppk2Amps } from '../../../src-main/supply/ppk2-protocol.js';
import { supplyProfile } from '../../../src-main/supply/profiles/index.js';
import { InstrumentPort } from '../../../src-main/supply/virtual/instrument.js';
import {
  Ppk2Emulator,
  PPK2_SAMPLE_CALIBRATION,
  type Ppk2Options,
} from '../../../src-main/supply/virtual/ppk2.js';
import { ByteDialogue } from '../byte-dialogue.js';

const PROFILE = supplyProfile('nordic-ppk2');

function fails(code: string, pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RunError || error instanceof InputError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

function bench(options: Ppk2Options = {}) {
  const emulator = new Ppk2Emulator(options);
  const port = new InstrumentPort(emulator);
  return { emulator, port, supply: openSupply(port, PROFILE) };
}

/** One word of the stream, put together by hand from its bit fields. */
function word(bits: number, range: number, counter: number, logic = 0): number[] {
  const value = (bits | (range << 14) | (counter << 18) | (logic << 24)) >>> 0;
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

test('currents of three words, computed by hand from the published formula', () => {
  // Sample words with a published calibration at 3.3 V: 43.602810, 4467.094348 and 780633.959336 microamperes.
  const words: [string, number, number][] = [
    ['e80314a5', 0, 43.60281e-6],
    ['e88314a5', 2, 4467.094348e-6],
    ['e80315a5', 4, 780633.959336e-6],
  ];
  for (const [hex, range, amps] of words) {
    const decoded = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3).push(Buffer.from(hex, 'hex'));
    assert.equal(decoded.logic[0], 0xa5);
    assert.ok(Math.abs(decoded.amps[0] - amps) < 1e-6 * amps, `${hex}: ${decoded.amps[0]}`);
    assert.ok(Math.abs(ppk2Amps(PPK2_SAMPLE_CALIBRATION, range, 4000, 3.3) - amps) < 1e-6 * amps);
  }
});

test('the counter wraps at 64 without a loss; a gap is filled and counted; a lost byte is aligned anew', () => {
  const words = Array.from({ length: 300 }, (_, index) => word(1000 + (index % 7), 0, index % 64));
  const whole = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3);
  assert.equal(whole.push(Uint8Array.from(words.flat())).amps.length, 300);
  assert.deepEqual([whole.lostSamples, whole.realigned], [0, 0]);

  // In pieces of any size.
  const pieces = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3);
  const stream = words.flat();
  let count = 0;
  for (let at = 0; at < stream.length; at += 13) {
    count += pieces.push(Uint8Array.from(stream.slice(at, at + 13))).amps.length;
  }
  assert.deepEqual([count, pieces.lostSamples], [300, 0]);

  const gap = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3);
  const { amps } = gap.push(Uint8Array.from([...words.slice(0, 100), ...words.slice(110)].flat()));
  assert.equal(amps.length, 300);
  assert.equal(gap.lostSamples, 10);
  assert.deepEqual(amps.slice(99, 111).map(Number.isNaN), [
    false,
    ...Array.from({ length: 10 }, () => true),
    false,
  ]);

  const torn = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3);
  const tornAmps = torn.push(Uint8Array.from([...stream.slice(0, 401), ...stream.slice(402)])).amps;
  assert.equal(tornAmps.length, 300, 'the sample with the lost byte is filled');
  assert.equal(torn.lostSamples, 1);
  assert.ok(tornAmps.filter((each) => !Number.isNaN(each)).every((each) => each > 40e-6 && each < 46e-6));
});

test('after a change of range three samples come from the running average', () => {
  const steady = Array.from({ length: 10 }, (_, index) => word(1000, 0, index));
  const jump = Array.from({ length: 10 }, (_, index) => word(8000, 0 + 1, (index + 10) % 64));
  const { amps } = new Ppk2Decoder(PPK2_SAMPLE_CALIBRATION, 3.3).push(
    Uint8Array.from([...steady, ...jump].flat()),
  );
  const low = amps[0];
  const high = amps[19];
  for (let sample = 0; sample < 3; sample++) {
    // Exponential average with weight 0.18.
    const expected = high + (low - high) * 0.82 ** (sample + 1);
    assert.ok(Math.abs(amps[10 + sample] - expected) < 1e-9, `sample ${sample}`);
  }
  assert.ok(Math.abs(amps[13] - high) < 1e-12);
});

test('metadata are whole or nothing; nan leaves a default', () => {
  const text = (without: string) =>
    [
      'Calibrated: 1',
      ...['R', 'GS', 'GI', 'O', 'S', 'I', 'UG'].flatMap((name) =>
        [0, 1, 2, 3, 4].map((range) => `${name}${range}: ${name === 'GI' && range === 2 ? '-nan' : '0.5'}`),
      ),
      'VDD: 3300',
      'HW: 9173',
      'mode: 2',
      'IA: 58',
      'END',
    ]
      .filter((line) => !line.startsWith(without))
      .join('\n');
  const whole = parseMetadata(text('x'));
  assert.ok(whole);
  assert.deepEqual([whole.volts, whole.mode, whole.hardware, whole.calibrated], [3.3, 2, '9173', true]);
  assert.deepEqual(whole.calibration.gi, [0.5, 0.5, 1, 0.5, 0.5]);
  // A chunk that was lost would shift every current: IRNAS saw 1.8 microamperes.
  for (const without of ['O3', 'UG4', 'Calibrated', 'HW', 'END']) {
    assert.equal(parseMetadata(text(without)), null, without);
  }
});

test('a session: 3.3 V, power on, 10 mA through 330 ohms, power off', async () => {
  const { emulator, supply } = bench();
  assert.deepEqual(await supply.identify(), {
    manufacturer: 'Nordic Semiconductor',
    model: 'PPK2',
    serial: '',
    firmware: 'hardware 9173',
  });
  await supply.set(3.3, 0.05);
  await supply.output(true);
  assert.equal(emulator.terminals.volts, 3.3);
  assert.equal(emulator.terminals.on, true);
  const { volts, amps } = await supply.measure();
  assert.equal(volts, 3.3);
  assert.ok(Math.abs(amps - 0.01) < 2e-5, String(amps));
  assert.equal(await supply.shutdown(), 'sent', 'it cannot be asked');
  assert.equal(emulator.terminals.on, false);
});

test('100,000 samples a second, through all ranges, with the digital inputs', async () => {
  const levels = [10e-6, 200e-6, 3e-3, 30e-3, 0.2];
  // A level for 2 ms, then the next; input 0 marks the odd ones.
  const at = (seconds: number) => Math.floor(seconds / 2e-3 + 1e-6) % levels.length;
  const { supply } = bench({ amps: (seconds) => levels[at(seconds)], logic: (seconds) => at(seconds) & 1 });
  await supply.identify();
  await supply.set(3.3, 1);
  await supply.output(true);
  const record = await supply.record(0.1);
  assert.equal(record.amps.length, 10_000);
  assert.equal(record.lostSamples, 0);
  const mean = record.amps.reduce((sum, each) => sum + each, 0) / record.amps.length;
  const expected = levels.reduce((sum, each) => sum + each, 0) / levels.length;
  // The spike filter smears three samples of two hundred after each change.
  assert.ok(Math.abs(mean - expected) / expected < 0.01, `${mean} instead of ${expected}`);
  for (const level of levels) {
    const near = record.amps.filter((each) => Math.abs(each - level) / level < 0.02).length;
    assert.ok(near > 1900, `${near} of 2000 samples at ${level} A`);
  }
  assert.ok(record.logic.includes(1) && record.logic.includes(0));
});

test('limits: 0.8 to 5 V; a current above the limit switches off', async () => {
  const { emulator, supply } = bench({ amps: (seconds) => (seconds > 0.05 ? 0.3 : 0.01) });
  await assert.rejects(supply.set(0.5, 0.1), fails('supply-limit', /outside 800\.000 mV to 5/));
  await assert.rejects(supply.set(5.5, 0.1), fails('supply-limit', /outside/));
  await supply.set(3, 0.1);
  await supply.output(true);
  await assert.rejects(supply.record(0.2), fails('supply-over-current', /passed the limit of 0\.1 A/));
  assert.equal(emulator.terminals.on, false);
  await assert.rejects(
    supply.loadList([{ volts: 3, amps: 0.1, seconds: 1 }], 1),
    fails('supply-no-list', /no list mode/),
  );
});

test('a stream that another program has left running is stopped first', async () => {
  const { port, supply } = bench();
  await port.write(Uint8Array.of(0x06));
  await port.read(0.05);
  assert.equal((await supply.identify()).model, 'PPK2');
});

test('off is understood even where a command was left half sent', async () => {
  for (const half of [[0x0d], [0x0d, 0x0c], [0x0c], [0x11], [0x25, 1, 2], [0x01]]) {
    const { emulator, port, supply } = bench();
    await port.write(Uint8Array.of(0x0d, 0x0c, 0xe4, 0x0c, 0x01));
    assert.equal(emulator.terminals.on, true);
    await port.write(Uint8Array.from(half));
    assert.equal(await supply.shutdown(), 'sent');
    assert.equal(emulator.terminals.on, false, JSON.stringify(half));
  }
});

test('bytes of the commands, by the list of opcodes', async () => {
  const calibration = ['R', 'GS', 'GI', 'O', 'S', 'I', 'UG']
    .flatMap((name) => [0, 1, 2, 3, 4].map((range) => `${name}${range}: 1.0`))
    .join('\n');
  const metadata = (millivolts: number) =>
    `Calibrated: 1\n${calibration}\nVDD: ${millivolts}\nHW: 9173\nmode: 2\nIA: 58\nEND\n`;
  const dialogue = new ByteDialogue([
    { hears: '\x07' },
    { hears: '\x0d\x0c\xe4' },
    { hears: '\x19', says: metadata(3300) },
    { hears: '\x19', says: metadata(3300) },
    { hears: '\x11\x02' },
    { hears: '\x19', says: metadata(3300) },
    { hears: '\x0c\x01' },
    { hears: '\x0c\x01' },
    { hears: '\x0c\x00' },
    { hears: '\x0c\x00' },
  ]);
  const supply = openSupply(new InstrumentPort(dialogue), PROFILE);
  await supply.set(3.3, 0.1);
  await supply.output(true);
  await supply.output(false);
  assert.deepEqual(dialogue.complaints, []);
  assert.deepEqual(dialogue.unused, []);
});

test('as ampere meter it leaves the regulator alone', async () => {
  const emulator = new Ppk2Emulator({ amps: () => 0.005 });
  const supply = openSupply(new InstrumentPort(emulator), supplyProfile('nordic-ppk2-ampere-meter'));
  await supply.set(3.3, 0.1);
  assert.equal(emulator.terminals.volts, 3, 'as it was');
  await supply.output(true);
  assert.ok((await supply.measure()).amps > 0.004);
});
