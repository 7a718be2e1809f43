import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import type { Harvest } from '../../../src-main/supply/harvest.js';
import { downsample } from '../../../src-main/supply/traces/downsample.js';
import { repeatHarvest, trimHarvest } from '../../../src-main/supply/traces/edit.js';
import {
  constantHarvest,
  GENERATORS,
  rfBurstsHarvest,
  squareHarvest,
} from '../../../src-main/supply/traces/generated.js';
import { harvestAt, sourceChanges } from '../../../src-main/supply/traces/playback.js';
import { loadHarvest, parseHarvest } from '../../../src-main/supply/traces/load-harvest.js';
import { formatPlainCsv } from '../../../src-main/supply/traces/plain-csv.js';
import { harvestBins, harvestStatistics } from '../../../src-main/supply/traces/statistics.js';
import { sharedPath } from '../../support/shared.js';

const harvests = fc
  .array(
    fc.tuple(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 20 }),
    ),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((rows): Harvest => {
    let time = 0;
    const steps = rows.map(([length, volts, milliamps]) => {
      const step = { startSeconds: time / 1000, volts, amps: milliamps / 1000 };
      time += length;
      return step;
    });
    return { name: 'made', steps, durationSeconds: time / 1000 };
  });

/** Charge and energy of one repetition. */
function totals(harvest: Harvest): { coulombs: number; joules: number } {
  let coulombs = 0;
  let joules = 0;
  harvest.steps.forEach(({ startSeconds, volts, amps }, index) => {
    const end =
      index + 1 < harvest.steps.length ? harvest.steps[index + 1].startSeconds : harvest.durationSeconds;
    coulombs += amps * (end - startSeconds);
    joules += volts * amps * (end - startSeconds);
  });
  return { coulombs, joules };
}

test('property: downsampling keeps energy, charge and duration, and no step is shorter than asked', () => {
  fc.assert(
    fc.property(harvests, fc.double({ min: 1e-4, max: 3, noNaN: true }), (harvest, minimum) => {
      if (harvest.steps.length > 1 && harvest.durationSeconds < minimum) {
        assert.throws(() => downsample(harvest, minimum), InputError);
        return;
      }
      const { harvest: result, error } = downsample(harvest, minimum);
      const before = totals(harvest);
      const after = totals(result);
      assert.ok(
        Math.abs(after.joules - before.joules) <= 1e-9 * before.joules,
        `${after.joules} of ${before.joules} J`,
      );
      assert.ok(Math.abs(after.coulombs - before.coulombs) <= 1e-9 * before.coulombs);
      assert.equal(result.durationSeconds, harvest.durationSeconds);
      assert.equal(result.steps[0].startSeconds, 0);
      assert.ok(
        result.steps.length === 1 || harvestStatistics(result).shortestStepSeconds >= minimum * (1 - 1e-6),
      );
      assert.ok(error.energyShare < 1e-9 && error.powerShare >= 0);
    }),
    { numRuns: 300 },
  );
});

test('property: the error that downsampling names is the one that a sampled comparison finds', () => {
  fc.assert(
    fc.property(harvests, fc.integer({ min: 1, max: 6000 }), (harvest, milliseconds) => {
      fc.pre(harvest.durationSeconds * 1000 >= milliseconds && totals(harvest).joules > 0);
      const { harvest: result, error } = downsample(harvest, milliseconds / 1000);
      const count = Math.round(harvest.durationSeconds * 1000);
      const watts = (of: Harvest, index: number): number => {
        const { volts, amps } = harvestAt(of, (index + 0.5) / 1000);
        return volts * amps;
      };
      let squares = 0;
      for (let index = 0; index < count; index++)
        squares += (watts(harvest, index) - watts(result, index)) ** 2;
      const expected = Math.sqrt(squares / count) / (totals(harvest).joules / harvest.durationSeconds);
      assert.ok(
        Math.abs(error.powerShare - expected) < 1e-6 * (1 + expected),
        `${error.powerShare}, expected ${expected}`,
      );
    }),
    { numRuns: 10 },
  );
});

test('downsampling to what the supply follows already changes nothing', () => {
  const harvest = squareHarvest({ volts: 3, amps: 0.01, periodSeconds: 0.1, dutyShare: 0.3 });
  const same = downsample(harvest, 0.03);
  assert.deepEqual(same.harvest.steps, harvest.steps);
  assert.deepEqual(same.error, { energyShare: 0, powerShare: 0 });
  // 30 ms of 30 mW and 20 of the 70 ms that follow: 18 mW for 50 ms. RMS error from the definition.
  const merged = downsample(harvest, 0.05);
  assert.deepEqual(
    merged.harvest.steps.map(({ startSeconds }) => Math.round(startSeconds * 1e6)),
    [0, 50_000],
  );
  const rms = Math.sqrt((0.03 * 12 ** 2 + 0.02 * 18 ** 2) / 0.1) / 9;
  assert.ok(Math.abs(merged.error.powerShare - rms) < 1e-9, `${merged.error.powerShare}, expected ${rms}`);
  assert.match(merged.harvest.notes?.join(' ') ?? '', /Steps shorter than 0\.05 s were merged/);
});

test('a real trace at 1 kHz, for a supply that takes 5 ms a step', async () => {
  const path = sharedPath('traces', 'mementos_1.txt');
  const full = await loadHarvest(path);
  const slow = await loadHarvest(path, { stepSeconds: 0.005 });
  assert.ok(slow.steps.length < full.steps.length / 4);
  assert.ok(harvestStatistics(slow).shortestStepSeconds > 0.00499);
  const ratio = harvestStatistics(slow).meanWatts / harvestStatistics(full).meanWatts;
  assert.ok(Math.abs(ratio - 1) < 1e-9, String(ratio));
});

test('property: harvestAt and sourceChanges agree with a linear search, across repetitions', () => {
  fc.assert(
    fc.property(harvests, fc.integer({ min: 0, max: 400_000 }), (harvest, fromMilliseconds) => {
      const slow = (milliseconds: number) => {
        const time = milliseconds % Math.round(harvest.durationSeconds * 1000);
        const step = harvest.steps.findLast(({ startSeconds }) => Math.round(startSeconds * 1000) <= time);
        return { volts: step?.volts, amps: step?.amps };
      };
      // Half a millisecond into each, away from the borders.
      assert.deepEqual(harvestAt(harvest, (fromMilliseconds + 0.5) / 1000), slow(fromMilliseconds));
      let previous = -Infinity;
      let count = 0;
      for (const change of sourceChanges(harvest, (fromMilliseconds + 0.5) / 1000)) {
        assert.ok(change.startSeconds > previous);
        previous = change.startSeconds;
        const at = Math.floor(change.startSeconds * 1000 + 0.25);
        assert.deepEqual({ volts: change.volts, amps: change.amps }, slow(at));
        if (count > 0) assert.notDeepEqual(slow(at), slow(at - 1));
        if (++count > 150) break;
      }
    }),
  );
});

test('a step holds from its very first instant', () => {
  const square = squareHarvest({ volts: 3, amps: 0.01, periodSeconds: 2, dutyShare: 0.25 });
  const amps = [0, 0.5, 2, 2.5, 1e6, 1e6 + 0.5].map((seconds) => harvestAt(square, seconds).amps);
  assert.deepEqual(amps, [0.01, 0, 0.01, 0, 0.01, 0]);
});

test('a constant harvest has one change, a square wave two a period', () => {
  assert.equal([...sourceChanges(constantHarvest({ volts: 5, amps: 0.005 }), 17)].length, 1);
  const changes = sourceChanges(
    squareHarvest({ volts: 3, amps: 0.01, periodSeconds: 2, dutyShare: 0.25 }),
    1,
  );
  const first = Array.from({ length: 4 }, () => changes.next().value);
  assert.deepEqual(first, [
    { startSeconds: 1, volts: 0, amps: 0 },
    { startSeconds: 2, volts: 3, amps: 0.01 },
    { startSeconds: 2.5, volts: 0, amps: 0 },
    { startSeconds: 4, volts: 3, amps: 0.01 },
  ]);
  assert.equal(squareHarvest({ volts: 3, amps: 1, periodSeconds: 1, dutyShare: 1 }).steps.length, 1);
});

test('statistics of a square wave are those of its definition; a gap is seen across the repetition', () => {
  const { meanWatts, peakWatts, onShare, longestGapSeconds, shortestStepSeconds } = harvestStatistics(
    squareHarvest({ volts: 3, amps: 0.01, periodSeconds: 2, dutyShare: 0.25 }),
  );
  assert.deepEqual(
    [meanWatts, peakWatts, onShare, longestGapSeconds, shortestStepSeconds],
    [0.0075, 0.03, 0.25, 1.5, 0.5],
  );
  const wrapped = harvestStatistics({
    name: 'wrapped',
    steps: [
      { startSeconds: 0, volts: 0, amps: 0 },
      { startSeconds: 1, volts: 1, amps: 1 },
      { startSeconds: 2, volts: 0, amps: 0 },
    ],
    durationSeconds: 5,
  });
  assert.equal(wrapped.longestGapSeconds, 4);
  assert.equal(harvestStatistics(constantHarvest({ volts: 0, amps: 0 })).longestGapSeconds, Infinity);
});

test('RF bursts repeat for a seed, differ for another, and have the shares asked for', () => {
  const options = {
    volts: 3,
    amps: 1e-3,
    meanOnSeconds: 0.02,
    meanOffSeconds: 0.08,
    durationSeconds: 200,
    seed: 7,
  };
  const harvest = rfBurstsHarvest(options);
  assert.deepEqual(rfBurstsHarvest(options), harvest);
  assert.notDeepEqual(rfBurstsHarvest({ ...options, seed: 8 }).steps, harvest.steps);
  const { onShare, maximumAmps, meanWatts } = harvestStatistics(harvest);
  assert.ok(Math.abs(onShare - 0.2) < 0.02, String(onShare));
  assert.ok(maximumAmps <= 1e-3 && maximumAmps > 0.9e-3);
  assert.ok(Math.abs(meanWatts - 0.2 * 0.75 * 3e-3) < 0.05e-3, String(meanWatts));
  assert.throws(
    () => rfBurstsHarvest({ ...options, meanOnSeconds: 1e-12, meanOffSeconds: 1e-12 }),
    InputError,
  );
  assert.throws(() => constantHarvest({ volts: -1, amps: 0 }), /volts is -1/);
  assert.throws(
    () => squareHarvest({ volts: 1, amps: 1, periodSeconds: 1, dutyShare: 1.5 }),
    /dutyShare is 1\.5/,
  );
});

test('property: a part of a harvest gives what the whole gives there', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(harvests, share, share, share, (harvest, one, other, place) => {
      const [from, to] = [one, other].toSorted((a, b) => a - b).map((part) => part * harvest.durationSeconds);
      fc.pre(to - from > 1e-6);
      const part = trimHarvest(harvest, from, to);
      assert.equal(part.steps[0].startSeconds, 0);
      assert.ok(Math.abs(part.durationSeconds - (to - from)) < 1e-12);
      assert.ok(part.steps.every(({ startSeconds }) => startSeconds < part.durationSeconds));
      const seconds = place * (to - from) * 0.999;
      const edge = part.steps.some(({ startSeconds }) => Math.abs(startSeconds - seconds) < 1e-9);
      fc.pre(!edge);
      assert.deepEqual(harvestAt(part, seconds), harvestAt(harvest, from + seconds));
    }),
  );
});

test('a part that is not there, or too many repetitions, are refused', () => {
  const harvest = squareHarvest({ volts: 1, amps: 1, periodSeconds: 2, dutyShare: 0.5 });
  for (const [from, to] of [
    [-1, 1],
    [1, 1],
    [0, 2.5],
    [NaN, 1],
  ]) {
    assert.throws(() => trimHarvest(harvest, from, to), InputError);
  }
  assert.throws(() => repeatHarvest(harvest, 100, 150), InputError);
});

test('property: a repeated harvest gives the same at every time', () => {
  fc.assert(
    fc.property(harvests, fc.integer({ min: 1, max: 5 }), (harvest, count) => {
      const repeated = repeatHarvest(harvest, count, 1e6);
      const { coulombs, joules } = totals(harvest);
      assert.ok(Math.abs(totals(repeated).coulombs - count * coulombs) <= 1e-9 * (1 + count * coulombs));
      assert.ok(Math.abs(totals(repeated).joules - count * joules) <= 1e-9 * (1 + count * joules));
    }),
  );
});

test('property: written as plain CSV and read again, a harvest is the same', () => {
  fc.assert(
    fc.property(harvests, (harvest) => {
      const again = parseHarvest(formatPlainCsv(harvest), 'again.csv');
      assert.ok(Math.abs(again.durationSeconds - harvest.durationSeconds) < 1e-9 * harvest.durationSeconds);
      const { coulombs, joules } = totals(harvest);
      assert.ok(Math.abs(totals(again).coulombs - coulombs) <= 1e-9 * (1 + coulombs));
      assert.ok(Math.abs(totals(again).joules - joules) <= 1e-9 * (1 + joules));
    }),
  );
});

test('property: the bins of a preview hold all of the energy, between least and most', () => {
  fc.assert(
    fc.property(harvests, fc.integer({ min: 1, max: 90 }), (harvest, count) => {
      const bins = harvestBins(harvest, count);
      const joules = bins.reduce(
        (sum, { meanWatts }) => sum + (meanWatts * harvest.durationSeconds) / count,
        0,
      );
      assert.ok(Math.abs(joules - totals(harvest).joules) <= 1e-9 * (1 + joules));
      for (const { minimumWatts, meanWatts, maximumWatts } of bins) {
        assert.ok(
          minimumWatts <= meanWatts * (1 + 1e-9) + 1e-15 && meanWatts <= maximumWatts * (1 + 1e-9) + 1e-15,
        );
      }
    }),
  );
});

test('generated harvests: the same for a seed, others for another, within their source, of the length asked for', () => {
  for (const [name, generate] of Object.entries(GENERATORS)) {
    const options = { volts: 4, amps: 0.02, durationSeconds: 300, seed: 7 };
    const harvest = generate(options);
    assert.deepEqual(generate(options), harvest, name);
    assert.notDeepEqual(generate({ ...options, seed: 8 }).steps, harvest.steps, name);
    assert.equal(harvest.durationSeconds, 300);
    assert.equal(harvest.steps[0].startSeconds, 0);
    harvest.steps.forEach(({ startSeconds, volts, amps }, index) => {
      assert.ok(index === 0 || startSeconds > harvest.steps[index - 1].startSeconds, name);
      assert.ok(startSeconds < 300 && (volts === 4 || volts === 0) && amps >= 0 && amps <= 0.02, name);
    });
    assert.throws(() => generate({ ...options, durationSeconds: 1e9 }), InputError);
  }
  const { onShare: walking } = harvestStatistics(
    GENERATORS.kinetic({ volts: 4, amps: 1, durationSeconds: 600, seed: 1 }),
  );
  assert.ok(walking > 0.03 && walking < 0.15, `on ${walking} of the time`);
  const sun = harvestStatistics(GENERATORS.clouds({ volts: 4, amps: 1, durationSeconds: 600, seed: 1 }));
  assert.ok(sun.meanWatts > 1.5 && sun.meanWatts < 3.6, `mean ${sun.meanWatts} of 4 W`);
});
