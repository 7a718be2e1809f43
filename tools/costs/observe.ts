/** Measures a specimen: cycles of its operator, cut in various ways, with weights in the cache and not. */
import { OperatorAmounts } from '../../src-main/compiler/3-plan/amounts.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import type { CommitKind, KernelSet, Step, Task } from '../../src-main/compiler/plan.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { randomSample, seededChoices } from '../bench/random-graph.js';
import { rangesOf, type Specimen } from './corpus.js';
import { timeTasks } from './task-timer.js';

export interface Observation {
  begin: number;
  end: number;
  cold: boolean;
  /** Of the kernel alone, without the commit behind it. */
  cycles: number;
}

/** Every observation of the specimen's operator in a kernel set: cold ones with nothing of it in the cache. */
export function observe(specimen: Specimen, kernels: KernelSet): Observation[] {
  return observeWith(specimen, kernels, 'light');
}

/** What a commit by a full record takes more behind the operator than elsewhere, on average over its ranges. */
export function observeRecords(
  specimen: Specimen,
  kernels: KernelSet,
  light: readonly Observation[],
): number {
  const warm = (all: readonly Observation[]): Observation[] => all.filter(({ cold }) => !cold);
  const [records, lights] = [warm(observeWith(specimen, kernels, 'record')), warm(light)];
  const sum = records.reduce((total, { cycles }, index) => total + cycles - lights[index].cycles, 0);
  return sum / Math.max(1, records.length);
}

function observeWith(specimen: Specimen, kernels: KernelSet, commits: CommitKind): Observation[] {
  const { graph, operator, evictor } = specimen;
  const base = plan(graph, {
    strategy: 'restart',
    kernels,
    sramBytes: picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
  });
  const task = (...steps: Step[]): Task => ({
    name: '',
    restore: [],
    steps,
    save: [],
    commit: { when: 'always' },
  });
  const { count } = new OperatorAmounts(graph, graph.operators[evictor], 0).units;
  const evict = task({ kind: 'EXECUTE', operator: evictor, unitBegin: 0, unitEnd: count });
  const execute = (begin: number, end: number): Task =>
    task({ kind: 'EXECUTE', operator, unitBegin: begin, unitEnd: end });
  const ranges = rangesOf(specimen);
  const whole = ranges[ranges.length - 1];
  // Weights that are used once per inference are measured as they are used: one range after the other.
  const isUsedOnce = graph.operators[operator].kind === 'FULLY_CONNECTED';
  const warm = isUsedOnce
    ? disjointRanges(new OperatorAmounts(graph, graph.operators[operator], 0).units.count)
    : ranges;
  const cold: [number, number][] = isUsedOnce ? ranges : [[0, 1], whole];
  const input = base.tasks[0].steps[0];
  const output = base.tasks[0].steps[base.tasks[0].steps.length - 1];
  const tasks = [
    task(input),
    task(),
    task(),
    // Twice, so that code, and weights that stay, are in the cache.
    ...(isUsedOnce ? [] : warm.map((range) => execute(...range))),
    ...(isUsedOnce ? [evict, execute(0, 1)] : []),
    ...warm.map((range) => execute(...range)),
    ...cold.flatMap((range) => [evict, task(), execute(...range)]),
    task(output),
  ];
  const { taskCycles } = timeTasks({ ...base, tasks, commits }, randomSample(graph, seededChoices(3)));
  const commitCycles = taskCycles[2];
  const warmAt = 3 + (isUsedOnce ? 2 : warm.length);
  const coldAt = warmAt + warm.length;
  return [
    ...warm.map(([begin, end], index) => ({
      begin,
      end,
      cold: false,
      cycles: taskCycles[warmAt + index] - commitCycles,
    })),
    ...cold.map(([begin, end], index) => ({
      begin,
      end,
      cold: true,
      cycles: taskCycles[coldAt + 3 * index + 2] - commitCycles,
    })),
  ];
}

/** Behind the first unit: a few single ones, then pairs, then ever more. */
function disjointRanges(count: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let begin = 1; begin < count;) {
    const end = Math.min(count, begin + (begin < 6 ? 1 : begin < 10 ? 2 : begin));
    ranges.push([begin, end]);
    begin = end;
  }
  return ranges;
}
