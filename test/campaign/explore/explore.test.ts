import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, frontOf, pointsOf } from '../../../src-main/campaign/explore/explore.js';
import { createExplorer, evaluatePoint } from '../../../src-main/campaign/explore/evaluate.js';
import { comparable, dominates } from '../../../src-main/campaign/explore/pareto.js';
import type { ExploreSpace } from '../../../src-main/campaign/explore/types.js';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { explorePlot } from '../../../src-main/report/explore-plot.js';

const space: ExploreSpace = {
  modelPath: resourcePath('dist', 'examples', 'digits.onnx'),
  calibrationPath: resourcePath('dist', 'examples', 'digits-calibration.npz'),
  calibrateBy: 'minmax',
  board: 'pico-fram',
  kernels: 'fast',
  turnOnVolts: null,
  brownOutVolts: null,
  power: { kind: 'constant', volts: 5, amps: 0.01 },
  strategies: ['restart', 'tile', 'planned', 'adaptive'],
  capacitances: [100e-6, 330e-6, 1e-3],
  sramLimits: [2048, 8192, 1 << 20],
};
const quiet = { signal: new AbortController().signal };

test('a sweep on threads is what one thread computes, and nothing beats its front', async () => {
  let last = 0;
  const { points, front } = await explore(space, {
    ...quiet,
    threads: 2,
    onProgress: (done, total) => {
      assert.ok(done === last + 1 && done <= total);
      last = done;
    },
  });
  assert.equal(last, 36);
  const explorer = await createExplorer(space);
  assert.deepEqual(
    points,
    pointsOf(space).map((point) => evaluatePoint(explorer, point)),
  );
  assert.deepEqual(front, frontOf(points));
  const feasible = points.flatMap((point) => (point.feasible ? [point] : []));
  assert.ok(front.length > 1 && feasible.length < points.length);
  for (const index of front) {
    const point = points[index];
    assert.ok(point.feasible);
    const best = comparable(point.objectives);
    assert.ok(!feasible.some(({ objectives }) => dominates(comparable(objectives), best)));
  }
  for (const point of points) {
    assert.ok(point.feasible ? point.objectives.sramBytes <= point.sramLimitBytes : point.reason.length > 20);
  }
  const svg = explorePlot(
    'digits <&>',
    feasible.map((point) => ({ ...point.objectives, strategy: point.strategy, label: 'x', onFront: true })),
  );
  assert.ok(
    svg.startsWith('<svg') && !/NaN|undefined|Infinity/.test(svg) && svg.includes('digits &lt;&amp;&gt;'),
  );
  assert.equal(svg.split('<title>').length - 1, 4 * feasible.length);
});

test('wrong inputs are errors of the sweep, and it can be cancelled', async () => {
  await assert.rejects(
    explore({ ...space, modelPath: 'nowhere.onnx' }, quiet),
    (error) => error instanceof InputError && error.code === 'cannot-read',
  );
  await assert.rejects(
    explore({ ...space, calibrationPath: null }, quiet),
    (error) => error instanceof InputError && error.code === 'calibration-missing',
  );
  const cancel = new AbortController();
  const reason = new Error('enough');
  await assert.rejects(
    explore(space, {
      signal: cancel.signal,
      onProgress: () => {
        cancel.abort(reason);
      },
    }),
    reason,
  );
});

test('a picture of one point, and of none, has finite axes', () => {
  const point = {
    strategy: 'tile',
    label: 'one',
    onFront: true,
    latencySeconds: 1,
    energyJoules: 0.01,
    sramBytes: 8000,
    nvmTrafficBytes: 0,
    capacitanceFarads: 1e-3,
  };
  for (const points of [[point], []]) {
    assert.ok(!/NaN|undefined|Infinity/.test(explorePlot('few', points)));
  }
});
