/** Cycles of each operator of a plan on the virtual Pico. */
import { readFileSync } from 'node:fs';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import type { VirtualBoard } from '../../src-main/board/virtual-board.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import type { Plan } from '../../src-main/compiler/plan.js';

/** A commit is noticed within so many cycles. */
const SLICE_CYCLES = 250;
const RUN_ID = 1;

export interface BoardRun {
  /** From the start of the run to each commit. */
  commitCycles: number[];
  output: Int8Array;
}

/** Runs one inference of a plan on a virtual Pico with steady power. */
export async function runOnBoard(
  plan: Plan,
  sample: Int8Array,
  flashWithoutWaitStates: boolean,
): Promise<BoardRun> {
  const firmware = readFileSync(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));
  const board = createVirtualPico({ firmware, profile: picoFram, seed: 1, flashWithoutWaitStates });
  board.flash.set(
    emit(plan, { board: picoFram.imageBoard, modelSha256: new Uint8Array(32) }),
    picoFram.flashMap.imageOffset,
  );
  board.flash.set(emitDataset([sample]), picoFram.flashMap.datasetOffset);
  board.powerOn();
  let now = 0;
  const commits: number[] = [];
  board.onCommit = () => commits.push(now);
  const observed: VirtualBoard = {
    ...board,
    clockHertz: board.clockHertz,
    receive: (bytes) => board.receive(bytes),
    run(maximumCycles) {
      const slice = board.run(Math.min(maximumCycles, SLICE_CYCLES));
      now += slice.cycles;
      return slice;
    },
  };
  const link = new BoardLink(new VirtualBoardPort(observed));
  await link.identify();
  await link.run(RUN_ID, 0, 1);
  for (;;) {
    const event = await link.nextEvent(60);
    if (event === null) {
      throw new Error('the virtual board fell silent');
    }
    if (event.kind === 'result') {
      const [start, ...tasks] = commits;
      return {
        commitCycles: tasks.slice(0, plan.tasks.length).map((cycles) => cycles - start),
        output: new Int8Array(event.output),
      };
    }
  }
}

/**
 * Cycles that each operator's EXECUTE takes: a run of a plan with one task per operator, less a run of the same plan with
 * nothing to execute. Loading, saving and committing are in both and fall out.
 *
 * @param plan of strategy `layer`
 */
export async function operatorCycles(
  plan: Plan,
  sample: Int8Array,
  flashWithoutWaitStates: boolean,
): Promise<{ cycles: number[]; output: Int8Array }> {
  const idle: Plan = {
    ...plan,
    tasks: plan.tasks.map((task) => ({
      ...task,
      steps: task.steps.filter(({ kind }) => kind !== 'EXECUTE'),
    })),
  };
  const busyRun = await runOnBoard(plan, sample, flashWithoutWaitStates);
  const idleRun = await runOnBoard(idle, sample, flashWithoutWaitStates);
  const spent = ({ commitCycles }: BoardRun): number[] =>
    commitCycles.map((cycles, task) => cycles - (commitCycles[task - 1] ?? 0));
  const idleCycles = spent(idleRun);
  return { cycles: spent(busyRun).map((cycles, task) => cycles - idleCycles[task]), output: busyRun.output };
}
