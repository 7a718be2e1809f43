import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import hdf5 from 'h5wasm/node';
import { loadHarvest } from '../../../src-main/supply/traces/load-harvest.js';
import { harvestStatistics } from '../../../src-main/supply/traces/statistics.js';
import { rejectsWithInputError } from '../../support/rejections.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

interface Recording {
  mode?: string;
  datatype?: string;
  windowSamples?: number;
  volts: number[];
  amps: number[];
  /** Left out: 100,000 samples a second. */
  nanoseconds?: bigint[];
  timeGain?: boolean;
}

const VOLT_GAIN = 1e-6;
const VOLT_OFFSET = 0.01;
const AMP_GAIN = 1e-9;

/** A file as the Shepherd documentation ("Data format") lays it out. */
async function recordingFile(context: TestContext, recording: Recording): Promise<string> {
  await hdf5.ready;
  const path = join(await temporaryFolder(context), 'recording.h5');
  const file = new hdf5.File(path, 'w');
  file.create_attribute('mode', recording.mode ?? 'harvester');
  const data = file.create_group('data');
  if (recording.datatype !== undefined) {
    data.create_attribute('datatype', recording.datatype);
  }
  if (recording.windowSamples !== undefined) {
    data.create_attribute('window_samples', recording.windowSamples);
  }
  const times =
    recording.nanoseconds ??
    recording.volts.map((_, index) => 1_600_000_000_000_000_000n + BigInt(index) * 10_000n);
  const time = data.create_dataset({ name: 'time', data: BigUint64Array.from(times) });
  if (recording.timeGain ?? true) {
    time.create_attribute('gain', 1e-9);
    time.create_attribute('offset', 0);
  }
  const raw = (values: number[], gain: number, offset: number) =>
    Uint32Array.from(values, (value) => Math.round((value - offset) / gain));
  const voltage = data.create_dataset({
    name: 'voltage',
    data: raw(recording.volts, VOLT_GAIN, VOLT_OFFSET),
  });
  voltage.create_attribute('gain', VOLT_GAIN);
  voltage.create_attribute('offset', VOLT_OFFSET);
  const current = data.create_dataset({ name: 'current', data: raw(recording.amps, AMP_GAIN, 0) });
  current.create_attribute('gain', AMP_GAIN);
  current.create_attribute('offset', 0);
  file.close();
  return path;
}

const near = (actual: number, expected: number, relative = 1e-4) =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, expected ${expected}`);

test('samples are averaged over a millisecond, keeping charge and energy; times count from the first', async (context) => {
  const volts = Array.from({ length: 1000 }, (_, index) => (index < 500 ? 2 : 4));
  const amps = Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? 1e-3 : 3e-3));
  for (const timeGain of [true, false]) {
    const path = await recordingFile(context, { datatype: 'ivsample', volts, amps, timeGain });
    const harvest = await loadHarvest(path, { converter: null });
    near(harvest.durationSeconds, 0.01);
    assert.equal(harvest.steps.length, 2);
    near(harvest.steps[0].volts, 2);
    near(harvest.steps[1].volts, 4);
    near(harvest.steps[1].amps, 2e-3);
    near(harvest.steps[1].startSeconds, 0.005);
    near(harvestStatistics(harvest).meanWatts, 6e-3);
  }
});

test('IV curves are taken at their maximum-power points, and go through a converter unless told otherwise', async (context) => {
  // A cell of 2 V open-circuit and 10 mA short-circuit whose current falls linearly: most power at 1 V, 5 mA.
  const points = 21;
  const ramp = Array.from({ length: points }, (_, index) => (2 * index) / (points - 1) + 0.02);
  const curve = ramp.map((volts) => 0.01 * Math.max(0, 1 - volts / 2));
  const curves = 300;
  const path = await recordingFile(context, {
    datatype: 'ivcurve',
    windowSamples: points,
    volts: Array.from({ length: curves }, () => ramp).flat(),
    amps: Array.from({ length: curves }, () => curve).flat(),
  });
  near((await loadHarvest(path, { converter: null })).steps[0].volts, 1, 0.05);
  near(harvestStatistics(await loadHarvest(path, { converter: null })).meanWatts, 5e-3, 0.01);
  const converted = await loadHarvest(path);
  near(converted.steps[0].volts, 5);
  near(harvestStatistics(converted).meanWatts, 4e-3, 0.01);
  assert.match(converted.notes?.join(' ') ?? '', /converter.*80 %/);
});

test('pairs of open-circuit voltage and short-circuit current say what was assumed', async (context) => {
  const path = await recordingFile(context, {
    datatype: 'isc_voc',
    volts: new Array<number>(400).fill(2),
    amps: new Array<number>(400).fill(0.01),
  });
  const harvest = await loadHarvest(path, { converter: null });
  near(harvestStatistics(harvest).meanWatts, 0.7 * 0.02);
  assert.match(harvest.notes?.join(' ') ?? '', /fill factor of 0\.7/);
});

test('a hole in the record is cut out, not counted as no harvest', async (context) => {
  const count = 2000;
  const hole = 3_000_000_000n;
  const nanoseconds = Array.from(
    { length: count },
    (_, index) => BigInt(index) * 10_000n + (index >= 1000 ? hole : 0n),
  );
  const volts = new Array<number>(count).fill(2);
  const amps = new Array<number>(count).fill(1e-3);
  const harvest = await loadHarvest(await recordingFile(context, { volts, amps, nanoseconds }), {
    converter: null,
  });
  near(harvest.durationSeconds, 0.02, 0.06);
  assert.match(harvest.notes?.join(' ') ?? '', /jumps forward once/);
});

test('what is no harvest is refused with what is wrong', async (context) => {
  const volts = [1, 2, 3, 4];
  const amps = [1e-3, 1e-3, 1e-3, 1e-3];
  const refused = async (path: string, message: RegExp) => {
    const error = await rejectsWithInputError(loadHarvest(path), 'bad-trace');
    assert.match(error.message, message);
  };
  await refused(await recordingFile(context, { volts, amps, mode: 'emulator' }), /recording of a load/);
  await refused(await recordingFile(context, { volts, amps, datatype: 'other' }), /datatype is "other"/);
  await refused(await recordingFile(context, { volts, amps, datatype: 'ivcurve' }), /have 0 points/);
  await refused(await recordingFile(context, { volts, amps: [1e-3] }), /4, 4, 1 samples/);
  const empty = join(await temporaryFolder(context), 'empty.h5');
  new hdf5.File(empty, 'w').close();
  await refused(empty, /no data\/time/);
});

test('a cut or damaged file is an input error, whatever is wrong with it', async (context) => {
  const amps = new Array<number>(3000).fill(1e-3);
  const whole = await recordingFile(context, { volts: amps.map(() => 2), amps, datatype: 'ivsample' });
  const bytes = await readFile(whole);
  await truncate(whole, bytes.length >> 1);
  await rejectsWithInputError(loadHarvest(whole), 'bad-trace');
  for (let at = 8; at < 2400; at += 37) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] ^= 0xff;
    await writeFile(whole, damaged);
    try {
      await loadHarvest(whole);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'bad-trace', String(error));
    }
  }
});
