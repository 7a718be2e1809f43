/** What every task of a plan takes, as plain data: what a prediction of a run is computed from. */
import type { Commit, Plan, Step } from '../plan.js';
import { commitCycles, OperatorCycles, transferCycles, type CostModel, type Cycles } from './cost.js';

/** A stretch of work of one task. */
export interface TimedTask {
  restore: Cycles;
  /** Its steps with code and weights of their operators in the cache, */
  work: Cycles;
  /** and what each operator takes more the first time after a start of the board. */
  cold: { operator: number; cycles: number }[];
  /** What is preserved, and the record. */
  save: Cycles;
  commit: Cycles;
  rule: Commit;
  /** Bytes from and to NVM, for the counters of a run. */
  restoreBytes: number;
  workBytesWritten: number;
  saveBytes: number;
}

export interface Timeline {
  tasks: TimedTask[];
  /** Of one look at the capacitor. */
  senseCycles: number;
  /** Record that ends an inference. */
  outputBytes: number;
}

const NOTHING: Cycles = { cycles: 0, nvmCycles: 0 };

/** @param measured cycles of ranges of units that were measured for this very plan, instead of the model's */
export function timelineOf(plan: Plan, costs: CostModel, measured: OperatorTiming | null = null): Timeline {
  const model: OperatorTiming = measured ?? new OperatorCycles(plan.graph, plan.kernels, costs, plan.scratch);
  const last = plan.tasks.length - 1;
  const outputBytes = plan.tasks[last].steps.reduce(
    (bytes, step) => (step.kind === 'OUTPUT' ? step.bytes : bytes),
    0,
  );
  return {
    tasks: plan.tasks.map((task, index) => {
      const executes = task.steps.flatMap((step) => (step.kind === 'EXECUTE' ? [step] : []));
      const lastOperator = executes.at(-1)?.operator;
      const recordCycles = lastOperator === undefined ? 0 : model.recordCycles(lastOperator);
      const transfers = (steps: readonly Step[]): Cycles =>
        steps.reduce(
          (sum, step) => (step.kind === 'EXECUTE' ? sum : plus(sum, stepCycles(costs, step))),
          NOTHING,
        );
      const warm = executes.map(({ operator, unitBegin, unitEnd }) =>
        model.of(operator, unitBegin, unitEnd, false),
      );
      return {
        restore: transfers(task.restore),
        work: plus(transfers(task.steps), { cycles: sum(warm), nvmCycles: 0 }),
        cold: executes.map(({ operator, unitBegin, unitEnd }, at) => ({
          operator,
          cycles: Math.max(0, model.of(operator, unitBegin, unitEnd, true) - warm[at]),
        })),
        save: transfers(task.save),
        // The record at the end of an inference is always a full one.
        commit: commitCycles(costs, index === last ? 'record' : plan.commits, recordCycles),
        rule: task.commit,
        restoreBytes: bytesOf(task.restore, 'LOAD') + bytesOf(task.restore, 'FETCH'),
        workBytesWritten: bytesOf(task.steps, 'OUTPUT') + bytesOf(task.steps, 'SPILL'),
        saveBytes: bytesOf(task.save, 'SAVE'),
      };
    }),
    senseCycles: costs.senseCycles,
    outputBytes,
  };
}

/** Where cycles of operators come from: the cost model, or a measurement of this plan. */
export interface OperatorTiming {
  /** @param cold nothing of the operator is in the cache */
  of(operator: number, begin: number, end: number, cold: boolean): number;
  /** What a commit by a full record takes more behind this operator. */
  recordCycles(operator: number): number;
}

function stepCycles(costs: CostModel, step: Exclude<Step, { kind: 'EXECUTE' }>): Cycles {
  return transferCycles(costs, step.kind, step.bytes);
}

function plus(a: Cycles, b: Cycles): Cycles {
  return { cycles: a.cycles + b.cycles, nvmCycles: a.nvmCycles + b.nvmCycles };
}

function bytesOf(steps: readonly Step[], kind: Step['kind']): number {
  return sum(steps.map((step) => (step.kind === kind && step.kind !== 'EXECUTE' ? step.bytes : 0)));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
