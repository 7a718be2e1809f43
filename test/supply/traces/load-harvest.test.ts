import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import type { Harvest } from '../../../src-main/supply/harvest.js';
import { Rail } from '../../../src-main/supply/rail/rail.js';
import {
  loadHarvest,
  parseHarvest,
  type LoadHarvestOptions,
} from '../../../src-main/supply/traces/load-harvest.js';
import { sourceChanges } from '../../../src-main/supply/traces/playback.js';
import { harvestStatistics } from '../../../src-main/supply/traces/statistics.js';
import { sharedPath } from '../../support/shared.js';

const ALL = [
  'mementos_1.txt',
  'mementos_2.txt',
  'ekho_am1417.csv',
  'ekho_kxob22_04x3l.csv',
  'indoorlight_loc1.csv',
  'indoorlight_loc6.csv',
].map((name) => sharedPath('traces', name));

function checkContract(harvest: Harvest): void {
  assert.ok(harvest.steps.length > 0);
  assert.equal(harvest.steps[0].startSeconds, 0);
  harvest.steps.forEach((step, index) => {
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    assert.ok(end > step.startSeconds, `step ${index}: ${step.startSeconds} to ${end}`);
    assert.ok(step.volts >= 0 && step.volts < Infinity && step.amps >= 0 && step.amps < Infinity);
  });
}

function near(actual: number, expected: number, relative: number): void {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, expected ${expected}`);
}

test('every real trace loads, keeps the contract, and plays on a rail', async () => {
  for (const path of ALL) {
    const harvest = await loadHarvest(path);
    checkContract(harvest);
    const { meanWatts, onShare, peakWatts } = harvestStatistics(harvest);
    assert.ok(meanWatts > 1e-6 && meanWatts <= peakWatts && onShare > 0.1 && onShare <= 1, path);
    const rail = new Rail({
      capacitanceFarads: 1e-4,
      turnOnVolts: 1e3,
      brownOutVolts: 1,
      railVolts: 3.3,
      converterEfficiency: 1,
      offAmps: 0,
      decouplingFarads: 0,
    });
    const changes = sourceChanges(harvest);
    for (let change = changes.next(), count = 0; count < harvest.steps.length; count++) {
      const next = changes.next();
      if (change.done === true || next.done === true) break;
      rail.setSource(change.value);
      rail.advanceUnpowered(next.value.startSeconds - change.value.startSeconds);
      change = next;
    }
    assert.ok(rail.capacitorVolts > 0.1, `${path} charges the capacitor to ${rail.capacitorVolts} V`);
  }
});

test('Mementos: the mean power is the mean of V^2 / 30 kohm of the file, and its clock counts samples', async () => {
  for (const name of ['mementos_1.txt', 'mementos_2.txt']) {
    const text = await readFile(sharedPath('traces', name), 'utf8');
    const volts = text
      .trim()
      .split('\n')
      .map((line) => Number(line.split('\t')[1]));
    const mean = volts.reduce((sum, v) => sum + v ** 2 / 30_000, 0) / volts.length;
    const harvest = await loadHarvest(sharedPath('traces', name));
    near(harvestStatistics(harvest).meanWatts, mean, 1e-9);
    near(harvest.durationSeconds, volts.length / 1000, 1e-9);
    near(harvestStatistics(harvest).maximumVolts, 5.28258, 1e-6);
  }
});

test('Mementos: jumps of the time column are cut out and noted, not filled', async () => {
  const harvest = await loadHarvest(sharedPath('traces', 'mementos_2.txt'));
  const notes = harvest.notes?.join(' ') ?? '';
  assert.match(notes, /jumps forward 2 times, by 41\.0000 s in all; this time was cut out/);
  assert.match(notes, /jumps backward once/);
  assert.doesNotMatch(
    (await loadHarvest(sharedPath('traces', 'mementos_1.txt'))).notes?.join(' ') ?? '',
    /jump/,
  );
  const small = parseHarvest('10\t3\n11\t1\n12\t2\n5000\t4\n5001\t5\n', 'gap.txt');
  assert.deepEqual(
    small.steps.map(({ startSeconds, volts }) => [Math.round(startSeconds * 1e6), volts]),
    [
      [0, 3],
      [1000, 1],
      [2000, 2],
      [3000, 4],
      [4000, 5],
    ],
  );
  near(small.durationSeconds, 0.005, 1e-9);
});

test('Ekho: the source of every instant lies under its curve and touches its maximum power', async () => {
  for (const name of ['ekho_am1417.csv', 'ekho_kxob22_04x3l.csv']) {
    const path = sharedPath('traces', name);
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    const [low, high] = lines[1].split(',').map(Number);
    const direct = await loadHarvest(path, { converter: null });
    const boosted = await loadHarvest(path, { converter: { outputVolts: 4, efficiency: 0.5 } });
    assert.equal(direct.steps.length, lines.length - 2);
    direct.steps.forEach((step, index) => {
      const curve = lines[index + 2].split(',').slice(1).map(Number);
      const powers = curve.map((amps, point) => amps * (low + ((high - low) * point) / (curve.length - 1)));
      near(step.volts * step.amps, Math.max(...powers), 1e-12);
      const at = Math.round(((step.volts - low) / (high - low)) * (curve.length - 1));
      assert.equal(step.amps, curve[at]);
      assert.equal(boosted.steps[index].volts, 4);
      near(boosted.steps[index].amps * 4, step.volts * step.amps * 0.5, 1e-12);
    });
    near(direct.durationSeconds, 10.2, 1e-6);
  }
});

test('indoor light: a day is a day, and the current is proportional to the short-circuit current', async () => {
  const path = sharedPath('traces', 'indoorlight_loc6.csv');
  const c = await loadHarvest(path, { converter: { outputVolts: 3, efficiency: 0.8 } });
  near(harvestStatistics(c).maximumAmps, (30e-6 * 0.9 * 1.5 * 0.8) / 3, 1e-9);
  near(c.durationSeconds, 90_900, 0.05);
  const a = await loadHarvest(path, {
    converter: { outputVolts: 3, efficiency: 0.8 },
    lightCell: { column: 'isc_a', operatingVolts: 1.5, currentShare: 0.9 },
  });
  near(harvestStatistics(a).maximumAmps / harvestStatistics(c).maximumAmps, 18.5 / 30, 1e-9);
  const night = harvestStatistics(await loadHarvest(sharedPath('traces', 'indoorlight_loc1.csv')));
  assert.ok(night.longestGapSeconds > 3600 && night.onShare < 0.9, JSON.stringify(night));
  assert.match(
    (await loadHarvest(sharedPath('traces', 'indoorlight_loc1.csv'))).notes?.join(' ') ?? '',
    /backward once/,
  );
});

test('plain CSV: lines are changes, as far apart as one likes', () => {
  const harvest = parseHarvest(
    'time_seconds,volts,amps\n10,3,0.01\n10.5,0,0\n3600,3,0.01\n3601,3,0.01\n',
    'lab.csv',
    { scale: 2 },
  );
  assert.deepEqual(harvest.steps, [
    { startSeconds: 0, volts: 3, amps: 0.02 },
    { startSeconds: 0.5, volts: 0, amps: 0 },
    { startSeconds: 3590, volts: 3, amps: 0.02 },
  ]);
  assert.equal(harvest.durationSeconds, 3592);
  assert.equal(harvest.name, 'lab');
  assert.match(harvest.notes?.join(' ') ?? '', /multiplied by 2/);
  assert.equal(parseHarvest('\ufefftime_seconds, volts, amps\r\n0,3,0.01\r\n', 'one.csv').durationSeconds, 1);
});

test('bad input is one clear error with file, line, value and remedy', async () => {
  const ekho = '1\n0,2\n';
  const light = 'timestamp,isc_a,isc_c\n';
  const cases: [string, RegExp, LoadHarvestOptions?][] = [
    ['', /x:1: there are 0 lines\. A trace needs at least two/],
    ['1\t2\n', /x:1: there are 1 lines/],
    ['hello\nworld\n', /x:1: "hello" starts no trace format .*Mementos/],
    ['1\t2\n2\tx\n', /x:2: voltage "x" is not a number\./],
    ['1\t2\n2\t-3\n', /x:2: voltage -3 is negative/],
    ['1\t2\n2\n', /x:2: 1 values where 2 were expected: "2"\. Each line of a Mementos/],
    ['1\t2\n2\t1e999\n', /x:2: voltage "1e999" is not a number/],
    [ekho + '0,1,1,1\n0.1,1,1\n', /x:4: 3 values where 4 were expected/],
    [ekho + '0,1,1,1\n0.1,1,NaN,1\n', /x:4: current 2 "NaN" is not a number/],
    ['1\n2,2\n0,1,1,1\n1,1,1,1\n', /x:2: vmax 2 is not above vmin 2/],
    ['40\n0,2\n0,1\n1,1\n', /x:1: n is 40\. .*0 to 12/],
    [
      light + '08-Mar-2020 05:27:51,1,2\n08-Mrz-2020 05:32:51,1,2\n',
      /x:3: the timestamp "08-Mrz-2020 05:32:51" cannot be read/,
    ],
    [light + '08-Mar-2020 05:27:51,1,2\n08-Mar-2020 05:32:51,1\n', /x:3: 2 values where 3/],
    ['timestamp,isc_a\n08-Mar-2020 05:27:51,1\n', /x:1: there is no column "isc_c"/],
    ['time_seconds,volts,amps\n0,1,1\n0,2,1\n', /x:3: the time 0 s does not come after the 0 s/],
    ['time_seconds,volts,amps\n0,1\n', /x:2: 2 values where 3/],
    ['time_seconds,volts,amps\n0,1,-1\n', /x:2: amps -1 is negative/],
    [
      'time,volts,amps\n0,1,1\n',
      /x:1: the header is "time,volts,amps"\. Make the first line time_seconds/,
      { format: 'csv' },
    ],
    ['1\t2\n2\t3\n', /x: the trace cannot be scaled by 0/, { scale: 0 }],
    [`${'9'.repeat(500)}\t1\n1\t1\n`, /x:1: time in ms "9{40}\.\.\." is not a number/],
  ];
  for (const [text, pattern, options] of cases) {
    assert.throws(
      () => parseHarvest(text, 'x', options),
      (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, pattern);
        return true;
      },
    );
  }
  await assert.rejects(
    loadHarvest('/nonexistent/trace.csv'),
    /trace\.csv: the trace cannot be read: ENOENT.*Check the path/,
  );
});

test('property: fuzzed files give a harvest that keeps the contract, or an InputError', async () => {
  const seeds = await Promise.all(ALL.map(async (path) => (await readFile(path, 'utf8')).slice(0, 3000)));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds, 'time_seconds,volts,amps\n0,1,1\n1,2,2\n3,1,1\n'),
      fc.array(
        fc.record({
          at: fc.nat(3000),
          cut: fc.nat(20),
          put: fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('\n', '\t', ',', '-', 'e9', '.')),
        }),
        { maxLength: 4 },
      ),
      (seed, edits) => {
        let text = seed;
        for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        try {
          checkContract(parseHarvest(text, 'fuzz'));
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
