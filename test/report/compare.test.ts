import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns } from '../../src-main/report/compare.js';
import { reportRun } from '../support/report-runs.js';

const restart = {
  ...reportRun(1, { config: { strategy: 'restart' }, factor: 0.1 }).row,
  status: 'not-terminating',
  latencySeconds: null,
};
const layer = reportRun(2, { config: { strategy: 'layer' }, factor: 2 }).row;
const tile = reportRun(3, { config: { strategy: 'tile' } }).row;

test('what differs is told from what does not, and measured against the first finished run', () => {
  const comparison = compareRuns([restart, layer, tile]);
  assert.deepEqual(comparison.runIds, [1, 2, 3]);
  assert.equal(comparison.baselineId, 2);
  assert.deepEqual(comparison.differing, ['strategy']);
  assert.ok(
    comparison.constant.some(({ column, value }) => column === 'capacitanceFarads' && value === 220e-6),
  );
  assert.ok(!comparison.constant.some(({ column }) => column === 'strategy'));
  const measure = (column: string) => comparison.measures.find((each) => each.column === column);
  assert.deepEqual(measure('latencySeconds'), {
    column: 'latencySeconds',
    values: [null, 4, 2],
    ratios: [null, 1, 0.5],
    best: 2,
  });
  // restart used least energy only because it gave up.
  assert.equal(measure('energyJoules')?.best, 2);
  assert.equal(measure('powerCycles')?.best, null, 'equal in both');
});

test('any run may be the baseline; without a finished one there is none', () => {
  assert.deepEqual(
    compareRuns([layer, tile], 3).measures.find(({ column }) => column === 'latencySeconds')?.ratios,
    [2, 1],
  );
  const none = compareRuns([restart]);
  assert.equal(none.baselineId, null);
  assert.ok(none.measures.every(({ ratios }) => ratios[0] === null));
  assert.deepEqual(
    compareRuns([]).measures.flatMap(({ values }) => values),
    [],
  );
});
