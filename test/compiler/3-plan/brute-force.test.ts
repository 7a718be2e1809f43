import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import {
  joulesOf,
  startJoules,
  USABLE_SHARE,
  type PlanningPower,
} from '../../../src-main/compiler/3-plan/cost.js';
import { plan } from '../../../src-main/compiler/3-plan/index.js';
import { plannedProblem } from '../../../src-main/compiler/3-plan/powered.js';
import { expectedJoules, neededJoules, schedule } from '../../../src-main/compiler/3-plan/schedule.js';
import { timelineOf } from '../../../src-main/compiler/3-plan/timeline.js';
import type { Plan } from '../../../src-main/compiler/plan.js';
import { powerOf } from '../../support/planning-power.js';
import { randomGraph, seededChoices, seeds } from '../../support/random-graph.js';

const OPTIONS = { strategy: 'planned', kernels: 'reference', sramBytes: 1 << 24, nvmBytes: 1 << 24 } as const;
/** Up to 2^13 plans of one graph are tried. */
const MOST_PIECES = 14;

/** What a plan is expected to take, from its tasks as they are emitted: nothing of the scheduler's own sums. */
function expectedOf(
  { tasks }: Pick<ReturnType<typeof timelineOf>, 'tasks'>,
  { costs, ...power }: PlanningPower,
): number {
  const cycle = power.expectedPerPowerCycleJoules ?? power.energyPerPowerCycleJoules;
  const warm = new Set<number>();
  return tasks.reduce((sum, task, index) => {
    // An operator is cold where it is met first; where a task begins inside of one, it is cold after a failure only.
    const firsts = task.cold.filter(({ operator }) => !warm.has(operator));
    firsts.forEach(({ operator }) => warm.add(operator));
    const onlyAgain = task.cold.filter((each, at) => at === 0 && !firsts.includes(each));
    const cycles = (list: readonly { cycles: number }[]): number =>
      list.reduce((all, each) => all + each.cycles, 0);
    const joules = (cycleCount: number): number => cycleCount * costs.joulesPerCycle;
    const own =
      joulesOf(costs, task.work) +
      joules(cycles(firsts)) +
      joulesOf(costs, task.save) +
      joulesOf(costs, task.commit) +
      joules(costs.senseCycles);
    const again =
      startJoules(costs) + (index === 0 ? 0 : joulesOf(costs, task.restore) + joules(cycles(onlyAgain)));
    const failures = Math.min(1, own / Math.max(cycle - again, Number.MIN_VALUE));
    return sum + own + failures * (own / 2 + again);
  }, 0);
}

test('planned is the cheapest of all plans of small models, by the costs of the tasks that it emits', (context) => {
  let [models, plans, cut] = [0, 0, 0];
  fc.assert(
    fc.property(seeds, fc.double({ min: 0.15, max: 3, noNaN: true }), (seed, share) => {
      const graph = randomGraph(seededChoices(seed), {
        operators: 3,
        kinds: ['CONV_2D', 'ADD', 'CLAMP', 'PAD'],
      });
      const roomy = powerOf(1);
      const problem = plannedProblem(graph, OPTIONS, roomy);
      if (problem === null || problem.count > MOST_PIECES) {
        return;
      }
      const whole = neededJoules(problem, 0, problem.count);
      const power = {
        ...powerOf((share * whole) / USABLE_SHARE),
        expectedPerPowerCycleJoules: 1.3 * share * whole,
      };
      const tight = plannedProblem(graph, OPTIONS, power);
      let chosen: Plan;
      try {
        chosen = plan(graph, { ...OPTIONS, power });
      } catch (error) {
        assert(error instanceof InputError);
        assert.equal(error.code, 'task-too-large');
        return;
      }
      assert(tight !== null);
      const found = schedule(tight);
      if (!found.fits) {
        return;
      }
      // Every other choice of commits.
      let best = Infinity;
      for (let mask = 0; mask < 2 ** (tight.count - 1); mask++) {
        let [from, sum] = [0, 0];
        for (let to = 1; to <= tight.count; to++) {
          if (to === tight.count || (mask & (1 << (to - 1))) !== 0) {
            sum +=
              neededJoules(tight, from, to) <= tight.budgetJoules
                ? expectedJoules(tight, from, to)
                : Infinity;
            from = to;
          }
        }
        plans++;
        best = Math.min(best, sum);
      }
      assert(Math.abs(found.joules - best) <= 1e-9 * best, `${found.joules} J, the best is ${best} J`);
      const emitted = expectedOf(timelineOf(chosen, power.costs), power);
      assert(
        Math.abs(emitted - best) <= 0.02 * best,
        `the tasks take ${emitted} J, the scheduler's best ${best} J`,
      );
      models++;
      cut += chosen.tasks.length > 1 ? 1 : 0;
    }),
    { numRuns: 700 },
  );
  context.diagnostic(`${models} models, ${cut} of them cut, compared with ${plans} plans`);
  assert(models > 120 && cut > 50 && plans > 20_000);
});
