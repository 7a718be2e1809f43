/** Measures what does not depend on the operators: transfers, commits, starts. */
import type { CommonCycles } from '../../src-main/board/planning.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import type { Commit, CommitKind, Plan, Step, Task } from '../../src-main/compiler/plan.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { GraphBuilder, seededChoices } from '../bench/random-graph.js';
import { nonNegativeLeastSquares } from './least-squares.js';
import { timeTasks, type TimedTasks } from './task-timer.js';

const TRANSFER_BYTES = [16, 64, 256, 1024, 2048, 4096];
/** Tasks that do nothing, until the report of a start has gone out. */
const TASKS_AFTER_START = 100;

const ALWAYS: Commit = { when: 'always' };
const emptyTask = (commit: Commit = ALWAYS): Task => ({ name: '', restore: [], steps: [], save: [], commit });
const withSteps = (steps: Step[]): Task => ({ ...emptyTask(), steps });

export function measureCommon(): CommonCycles {
  const light = time('light', [emptyTask(), emptyTask(), emptyTask(), emptyTask()], true);
  const record = time('record', [emptyTask(), emptyTask(), emptyTask(), emptyTask()], true);
  const [lightCommit, recordCommit] = [light, record].map(({ taskCycles, nvmCycles }) => ({
    cycles: Math.round((taskCycles[2] + taskCycles[3]) / 2),
    nvmCycles: Math.round((nvmCycles[1] + nvmCycles[2] + nvmCycles[3]) / 3),
  }));
  const transfer = (step: (bytes: number) => Task): { stepCycles: number; byteCycles: number } => {
    const tasks = [64, ...TRANSFER_BYTES].map(step);
    const { taskCycles } = time('record', tasks, true);
    const [stepCycles, byteCycles] = nonNegativeLeastSquares(
      TRANSFER_BYTES.map((bytes, index) => Float64Array.of(1, bytes).map((x) => x / taskCycles[index + 1])),
      TRANSFER_BYTES.map((_, index) => (taskCycles[index + 1] - recordCommit.cycles) / taskCycles[index + 1]),
    );
    return { stepCycles: Math.round(stepCycles), byteCycles: Number(byteCycles.toFixed(2)) };
  };
  const started = time(
    'record',
    Array.from({ length: TASKS_AFTER_START }, () => emptyTask()),
    false,
  );
  const sensing: Commit = { when: 'below', millivolts: 1, goMillivolts: 1, planned: false };
  const sensed = 40;
  const { taskCycles: bankCycles } = time(
    'record',
    [emptyTask(), emptyTask(), ...Array.from({ length: sensed }, () => emptyTask(sensing)), emptyTask()],
    true,
  );
  return {
    bootCycles: Math.round(started.bootCycles),
    bootNvmCycles: Math.round(started.bootNvmCycles),
    reportCycles: Math.round(
      started.taskCycles.reduce((sum, cycles) => sum + cycles - recordCommit.cycles, 0),
    ),
    commit: recordCommit,
    lightCommit,
    load: transfer((bytes) => withSteps([{ kind: 'LOAD', arenaOffset: 0, nvmOffset: 0, bytes }])),
    save: transfer((bytes) => ({
      ...emptyTask(),
      save: [{ kind: 'SAVE', arenaOffset: 0, nvmOffset: 0, bytes }],
    })),
    input: transfer((bytes) => withSteps([{ kind: 'INPUT', sampleOffset: 0, arenaOffset: 0, bytes }])),
    senseCycles: Math.round((bankCycles[2] - recordCommit.cycles) / sensed),
  };
}

/** Of a board that does nothing but these tasks. */
function time(commits: CommitKind, tasks: Task[], quiet: boolean): TimedTasks {
  const graph = new GraphBuilder('common', [1, 64, 64, 1], seededChoices(5));
  graph.add({ kind: 'MEAN', inputs: [graph.last], axes: [1, 2], keepDims: true });
  const base: Plan = plan(graph.build(), {
    strategy: 'restart',
    kernels: 'fast',
    sramBytes: picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
  });
  const steps = base.tasks[0].steps;
  const hasBanks = tasks.some(({ commit }) => commit.when === 'below');
  return timeTasks(
    {
      ...base,
      commits,
      nvmBytes: 2 * 8192,
      bankBytes: hasBanks ? 8192 : 0,
      tasks: [...tasks, withSteps([steps[steps.length - 1]])],
    },
    new Int8Array(64 * 64),
    quiet,
  );
}
