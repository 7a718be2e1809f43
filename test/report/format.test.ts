import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  commonScale,
  formatColumn,
  formatCount,
  formatRatio,
  formatValue,
} from '../../src-main/report/format.js';
import { reportRun } from '../support/report-runs.js';

test('a column has one unit and its numbers the same decimals', () => {
  const rows = [0.0012, 0.25, 0.9996].map((latencySeconds) => ({ ...reportRun(1).row, latencySeconds }));
  assert.deepEqual(formatColumn('latencySeconds', rows), {
    heading: 'Latency (s)',
    cells: ['0.0012', '0.2500', '0.9996'],
    alignRight: true,
  });
  const small = [0.0012, null, 0.25].map((latencySeconds) => ({ ...reportRun(1).row, latencySeconds }));
  assert.deepEqual(formatColumn('latencySeconds', small), {
    heading: 'Latency (ms)',
    cells: ['1.20', '–', '250.00'],
    alignRight: true,
  });
});

test('scaled values show three digits of the smallest, and at most three before the point of the largest', () => {
  const value = fc.double({ min: 1e-11, max: 9e8, noNaN: true });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const { factor, decimals } = commonScale([a, b, 0]);
      const [largest, smallest] = [Math.max(a, b) / factor, Math.min(a, b) / factor];
      assert.ok(Number(largest.toFixed(decimals)) < 1000.5 && largest > 0.999, `${largest}`);
      if (smallest > 0.1) {
        assert.ok(smallest.toFixed(decimals).replace(/^0\.0*|\./, '').length >= 3);
      }
    }),
  );
});

test('single values carry their unit', () => {
  assert.equal(formatValue('capacitanceFarads', 0.00022), '220 µF');
  assert.equal(formatValue('accuracy', 0.985), '98.5 %');
  assert.equal(formatValue('cycles', 156_250_000), '156,250,000');
  assert.equal(formatValue('seed', 156_250_000), '156250000');
  assert.equal(formatValue('createdAt', '2026-02-03T04:05:06.789Z'), '2026-02-03 04:05:06 UTC');
  assert.equal(formatValue('latencySeconds', null), '–');
  assert.deepEqual([0, 999, 1000, -1234567].map(formatCount), ['0', '999', '1,000', '-1,234,567']);
  assert.deepEqual([0.0456, 1, 12.34, 4567.8].map(formatRatio), ['0.0456×', '1.00×', '12.3×', '4568×']);
});
