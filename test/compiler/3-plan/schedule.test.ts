import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import { plan } from '../../../src-main/compiler/3-plan/index.js';
import {
  expectedJoules,
  neededJoules,
  schedule,
  type ScheduleProblem,
} from '../../../src-main/compiler/3-plan/schedule.js';
import { powerOf } from '../../support/planning-power.js';
import { randomGraph, seededChoices, seeds } from '../../support/random-graph.js';

const costs = (count: number) =>
  fc.array(fc.integer({ min: 1, max: 30 }), { minLength: count, maxLength: count });

const problems: fc.Arbitrary<ScheduleProblem> = fc
  .integer({ min: 1, max: 9 })
  .chain((count) =>
    fc.record({
      count: fc.constant(count),
      budgetJoules: fc.integer({ min: 20, max: 200 }),
      cycleJoules: fc.integer({ min: 20, max: 300 }),
      startJoules: fc.integer({ min: 0, max: 10 }),
      work: costs(count),
      restores: costs(count),
      saves: costs(count),
      restartsAnywhere: fc.boolean(),
    }),
  )
  .map(({ work, restores, saves, ...rest }) => ({
    ...rest,
    restoreJoules: (boundary) => (boundary === 0 ? 0 : restores[boundary]),
    computeJoules: (from, to) => work.slice(from, to).reduce((sum, each) => sum + each, 0),
    // More to save, the more was done.
    commitJoules: (from, to) => saves[to - 1] + (to - from),
  }));

/** Every way to cut the pieces into tasks. */
function* allSchedules(count: number, from = 0): Generator<number[]> {
  if (from === count) {
    yield [];
    return;
  }
  for (let to = from + 1; to <= count; to++) {
    for (const rest of allSchedules(count, to)) {
      yield [to, ...rest];
    }
  }
}

test('the schedule is as cheap as the best of all, and exists when one of all fits', () => {
  fc.assert(
    fc.property(problems, (problem) => {
      const costOf = (commits: readonly number[]): number =>
        commits.reduce((sum, to, index) => {
          const from = index === 0 ? 0 : commits[index - 1];
          const fits = neededJoules(problem, from, to) <= problem.budgetJoules;
          return fits ? sum + expectedJoules(problem, from, to) : Infinity;
        }, 0);
      const best = Math.min(...[...allSchedules(problem.count)].map(costOf));
      const found = schedule(problem);
      assert.equal(found.fits, best < Infinity);
      if (found.fits) {
        assert(Math.abs(found.joules - best) <= 1e-9 * best);
        assert(Math.abs(costOf(found.commits) - best) <= 1e-9 * best);
      }
    }),
    { numRuns: 500 },
  );
});

test('a plan that does not fit names the task, and the capacitor that it names does', () => {
  let refused = 0;
  fc.assert(
    fc.property(seeds, fc.constantFrom('planned' as const, 'adaptive' as const), (seed, strategy) => {
      const graph = randomGraph(seededChoices(seed), { operators: 5, kinds: ['CONV_2D', 'ADD', 'CLAMP'] });
      const options = { strategy, kernels: 'reference', sramBytes: 1 << 24, nvmBytes: 1 << 24 } as const;
      const power = powerOf(1e-6);
      try {
        plan(graph, { ...options, power });
      } catch (error) {
        assert(error instanceof InputError);
        assert.equal(error.code, 'task-too-large');
        assert.match(error.message, /task ".+ (rows|channels) \d+\.\.\d+"|task "\w+"|whole inference/);
        assert.match(error.message, /a power cycle gives 1(\.00)? µJ/);
        const [, digits, prefix] = /at least ([\d.]+) ([µn])F/.exec(error.remedy) ?? [];
        const capacitanceFarads = Number(digits) * (prefix === 'µ' ? 1e-6 : 1e-9);
        const energyPerPowerCycleJoules = (capacitanceFarads * (4.5 ** 2 - 2 ** 2)) / 2;
        plan(graph, { ...options, power: { ...power, capacitanceFarads, energyPerPowerCycleJoules } });
        refused++;
      }
    }),
    { numRuns: 60 },
  );
  assert(refused > 10);
});

test('power that never fails needs no commits but that of the result', () => {
  const graph = randomGraph(seededChoices(5), { operators: 5 });
  for (const strategy of ['planned', 'adaptive'] as const) {
    const { tasks, nvmBytes } = plan(graph, {
      strategy,
      kernels: 'reference',
      sramBytes: 1 << 20,
      nvmBytes: 1 << 20,
    });
    assert.equal(tasks.length, 1);
    assert.equal(nvmBytes, 0);
  }
});
