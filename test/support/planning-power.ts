import { InputError } from '../../src-main/common/errors.js';
import { plan, type CostModel, type PlanningPower } from '../../src-main/compiler/3-plan/index.js';
import type { Graph } from '../../src-main/compiler/graph.js';

const OPERATOR = {
  coefficients: {
    executes: 60,
    units: 20,
    outputs: 20,
    macs: 5,
    elements: 5,
    coldExecutes: 40,
    uncachedWeights: 1,
  },
  specimens: [],
  recordCycles: 20,
  rmsShare: 0,
};
const TRANSFER = { stepCycles: 20, byteCycles: 5 };
const COMMIT = { cycles: 100, nvmCycles: 60 };

/** Costs of no real board, in which a commit is worth a few units of a small operator. */
export const TEST_COSTS: CostModel = {
  joulesPerCycle: 1e-9,
  nvmJoulesPerCycle: 1e-10,
  startupJoules: 1e-7,
  bootCycles: 80,
  reportCycles: 20,
  load: { stepCycles: 20, byteCycles: 4 },
  save: TRANSFER,
  input: { stepCycles: 20, byteCycles: 1 },
  commit: COMMIT,
  lightCommit: { cycles: 30, nvmCycles: 10 },
  senseCycles: 10,
  cacheBytes: 4096,
  operators: { reference: { CONV_2D: OPERATOR, ADD: OPERATOR } },
};

/** Power cycles of the given energy. */
export function powerOf(energyPerPowerCycleJoules: number): PlanningPower {
  const [turnOnVolts, brownOutVolts] = [4.5, 2];
  return {
    turnOnVolts,
    brownOutVolts,
    energyPerPowerCycleJoules,
    // What the decoupling takes is nothing here.
    capacitanceFarads: (2 * energyPerPowerCycleJoules) / (turnOnVolts ** 2 - brownOutVolts ** 2),
    costs: TEST_COSTS,
  };
}

/** Power under which a graph only just gets through, so that its plans have as many tasks as can be. */
export function tightPower(graph: Graph): PlanningPower {
  let tight = powerOf(1);
  // A graph of nothing but reshapes needs no energy: some power is as good as any.
  for (let joules = 1e-2; joules > TEST_COSTS.startupJoules; joules *= 0.8) {
    try {
      for (const strategy of ['planned', 'adaptive'] as const) {
        const power = powerOf(joules);
        plan(graph, { strategy, kernels: 'reference', sramBytes: 1 << 24, nvmBytes: 1 << 24, power });
      }
      tight = powerOf(joules);
    } catch (error) {
      if (error instanceof InputError && error.code === 'task-too-large') {
        return tight;
      }
      throw error;
    }
  }
  return tight;
}
