/** Why a plan is as it is: what every task and its commit cost, and what a power failure there would take again. */
import type { Plan } from '../plan.js';
import { joulesOf, startJoules, type CostModel } from './cost.js';
import { timelineOf } from './timeline.js';

/** Energies in joules at the capacitor. */
export interface ExplainedTask {
  task: number;
  name: string;
  workJoules: number;
  /** What is saved, and the record. */
  commitJoules: number;
  saveBytes: number;
  /** What a failure right before the commit would cost: start, restore, and the work again. */
  failureJoules: number;
  /** What a power cycle that begins with this task must give. */
  neededJoules: number;
}

export function explainPlan(plan: Plan, costs: CostModel): ExplainedTask[] {
  return timelineOf(plan, costs).tasks.map(({ work, cold, restore, save, commit, saveBytes }, task) => {
    const coldJoules = cold.reduce((sum, { cycles }) => sum + cycles, 0) * costs.joulesPerCycle;
    const commitJoules = joulesOf(costs, save) + joulesOf(costs, commit);
    const failureJoules = startJoules(costs) + joulesOf(costs, restore) + joulesOf(costs, work) + coldJoules;
    return {
      task,
      name: plan.tasks[task].name,
      workJoules: joulesOf(costs, work),
      commitJoules,
      saveBytes,
      failureJoules,
      neededJoules: failureJoules + commitJoules,
    };
  });
}
