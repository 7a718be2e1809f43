import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostBoard, inferOnHost, PowerFailure } from '../../src-main/board/host/host-board.js';
import { crc32 } from '../../src-main/common/crc32.js';
import { currentRecord } from '../../src-main/board/record.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import type { Graph } from '../../src-main/compiler/graph.js';
import { STRATEGIES, type Plan, type Strategy } from '../../src-main/compiler/plan.js';
import { inferWithOracle } from '../support/int8-oracle.js';
import { powerOf, tightPower } from '../support/planning-power.js';
import { tiledGraph, tiledPlan } from '../support/tiled-model.js';
import { GraphBuilder, randomSample, seededChoices, type Choices } from '../support/random-graph.js';

/** A board with a run of a small model with a residual branch, and what an undisturbed run of it gives. */
interface Bench {
  board: HostBoard;
  planned: Plan;
  expected: Int8Array[];
}

const RUN = 7;
const INFERENCES = 3;

/** A bench of the model whose tensors do not fit SRAM: some are spilled, and operators work on stripes. */
function createTiledBench(strategy: Strategy, senseMillivolts: () => number = () => 5000): Bench {
  const choices = seededChoices(2025);
  const graph = tiledGraph(choices);
  const planned = tiledPlan(graph, strategy, powerOf(3e-5));
  const steps = planned.tasks.flatMap(({ steps }) => steps).map(({ kind }) => kind);
  assert(steps.includes('FETCH') && (steps.includes('SPILL') || !['restart', 'adaptive'].includes(strategy)));
  return benchOf(graph, planned, choices, senseMillivolts);
}

function createBench(strategy: Strategy, senseMillivolts: () => number = () => 5000): Bench {
  const choices = seededChoices(2024);
  const builder = new GraphBuilder('branches', [1, 4, 4, 2], choices);
  const window = {
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    activation: 'RELU' as const,
    padding: { top: 1, bottom: 1, left: 1, right: 1 },
  };
  const [input] = [builder.last];
  const conv = builder.add({
    kind: 'CONV_2D',
    inputs: [input, ...builder.weights([3, 3, 3, 2], 3, 0, 18)],
    ...window,
  });
  const depthwise = builder.add({
    kind: 'DEPTHWISE_CONV_2D',
    inputs: [conv, ...builder.weights([1, 3, 3, 3], 3, 3, 9)],
    depthMultiplier: 1,
    ...window,
  });
  const sum = builder.add({ kind: 'ADD', inputs: [conv, depthwise], activation: 'NONE' });
  builder.add({
    kind: 'FULLY_CONNECTED',
    inputs: [sum, ...builder.weights([5, 48], 5, 0, 48)],
    activation: 'NONE',
  });
  const graph = builder.build();
  const planned = plan(graph, {
    strategy,
    kernels: 'fast',
    sramBytes: 4096,
    nvmBytes: 8192,
    tileUnits: 2,
    power: tightPower(graph),
  });
  return benchOf(graph, planned, choices, senseMillivolts);
}

function benchOf(graph: Graph, planned: Plan, choices: Choices, senseMillivolts: () => number): Bench {
  const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
  const samples = Array.from({ length: INFERENCES }, () => randomSample(graph, choices));
  const expected = inferOnHost(image, samples);
  assert.notDeepEqual(expected[0], expected[1]);
  assert.deepEqual(
    expected,
    samples.map((sample) => inferWithOracle(graph, sample)),
  );
  return {
    board: new HostBoard({ image, dataset: emitDataset(samples), senseMillivolts }),
    planned,
    expected,
  };
}

interface Outcome {
  results: Map<number, Int8Array>;
  /** Power failures that happened. */
  failures: number;
}

/** What the host knows across power failures of the board. */
interface HostView {
  results: Map<number, Int8Array>;
  /** Commits that it saw complete: 0 = the run was not started yet, then 1 + tasks. */
  committed: number;
}

/**
 * What a host does: starts the run, takes results, acknowledges, and goes on after every power failure.
 *
 * @param limits NVM bytes that each power cycle may write, in order; after the last, power stays
 */
function runToEnd({ board }: Bench, limits: readonly number[]): Outcome {
  board.nvm.fill(0xa5);
  const view: HostView = { results: new Map(), committed: 0 };
  let failures = 0;
  for (let cycle = 0; ; cycle++) {
    try {
      board.boot(cycle < limits.length ? limits[cycle] : null);
      takeUntilFinished(board, view);
      board.powerOff();
      return { results: view.results, failures };
    } catch (error) {
      assert(error instanceof PowerFailure);
      failures++;
    }
  }
}

function takeUntilFinished(board: HostBoard, view: HostView): void {
  const { results } = view;
  if (board.record().state === 'idle') {
    assert.equal(view.committed, 0, 'a run that was started is never forgotten');
    assert.equal(board.start(RUN, 0, INFERENCES).code, 0);
  }
  while (board.record().state === 'running') {
    const committed = 1 + board.record().tasksExecuted;
    assert(committed >= view.committed, 'what was committed once stays committed');
    view.committed = committed;
    const pending = board.pendingResult();
    if (pending === null) {
      board.advance();
      continue;
    }
    const known = results.get(pending.inference);
    if (known === undefined) {
      assert.equal(pending.inference, results.size, 'results come in order, none is skipped');
      results.set(pending.inference, pending.output);
    } else {
      assert.deepEqual(pending.output, known, 'a repeated result is the same');
    }
    board.acknowledge(RUN, pending.inference);
  }
}

function assertExact(bench: Bench, { results, failures }: Outcome): void {
  assert.deepEqual([...results.values()], bench.expected);
  const record = currentRecord(bench.board.nvm);
  assert(record !== null);
  assert.equal(record.state, 'finished');
  assert.equal(record.runId, RUN);
  assert.equal(record.inference, INFERENCES);
  assert.equal(record.acknowledged, INFERENCES);
  assert.equal(record.tasksExecuted, INFERENCES * bench.planned.tasks.length);
  if (bench.planned.strategy === 'adaptive') {
    assert(record.checkpoints >= INFERENCES && record.checkpoints <= record.tasksExecuted);
  } else {
    assert.equal(record.checkpoints, record.tasksExecuted);
  }
  assert(record.powerCycles <= failures + 1);
  assert(record.restores <= record.tasksReexecuted && record.tasksReexecuted < record.powerCycles);
}

/** NVM bytes that an undisturbed run writes; the counter is a sum over all its writes. */
function bytesOfUndisturbedRun(bench: Bench): number {
  const outcome = runToEnd(bench, []);
  assertExact(bench, outcome);
  const record = currentRecord(bench.board.nvm);
  assert(record !== null);
  assert.equal(record.powerCycles, 1);
  assert.equal(record.restores, 0);
  assert.equal(record.tasksReexecuted, 0);
  return record.nvmBytesWritten;
}

for (const strategy of STRATEGIES) {
  test(`${strategy}: the power fails at each byte of each NVM write, and every result is exact and there once`, () => {
    const bench = createBench(strategy);
    const total = bytesOfUndisturbedRun(bench);
    for (let limit = 0; limit < total; limit++) {
      const outcome = runToEnd(bench, [limit]);
      assert.equal(outcome.failures, 1, `byte ${limit}`);
      assertExact(bench, outcome);
    }
    assert.equal(runToEnd(bench, [total]).failures, 0);
  });

  test(`${strategy}: power that fails again and again, anywhere`, () => {
    const bench = createBench(strategy);
    const total = bytesOfUndisturbedRun(bench);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: total }), { maxLength: 12 }), (limits) => {
        assertExact(bench, runToEnd(bench, limits));
      }),
      { numRuns: 300 },
    );
  });
}

for (const strategy of STRATEGIES) {
  test(`${strategy}, tensors in NVM and stripes: the power fails once or again and again, anywhere`, () => {
    for (const sense of [() => 5000, () => 0, () => 2200]) {
      const bench = createTiledBench(strategy, sense);
      const total = bytesOfUndisturbedRun(bench);
      // Prime, so that in the end every kind of byte has been cut.
      for (let limit = 0; limit < total; limit += strategy === 'adaptive' ? 23 : 7) {
        assertExact(bench, runToEnd(bench, [limit]));
      }
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: total }), { maxLength: 12 }), (limits) => {
          assertExact(bench, runToEnd(bench, limits));
        }),
        { numRuns: 60 },
      );
      if (strategy !== 'adaptive') {
        break;
      }
    }
  });
}

const SENSES: Record<string, () => () => number> = {
  'far too high': () => () => 5500,
  'far too low': () => () => 0,
  'stuck in the middle': () => () => 2200,
  noise: () => {
    const choices = seededChoices(77);
    return () => choices.integer(0, 5500);
  },
};

for (const [name, sense] of Object.entries(SENSES)) {
  test(`adaptive with sensing that is ${name}: exact and once, whatever byte the power fails at`, () => {
    const bench = createBench('adaptive', sense());
    const total = bytesOfUndisturbedRun(bench);
    for (let limit = 0; limit < total; limit++) {
      assertExact(bench, runToEnd(bench, [limit]));
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: total }), { maxLength: 12 }), (limits) => {
        assertExact(bench, runToEnd(bench, limits));
      }),
      { numRuns: 100 },
    );
  });
}

/** Runs with the power failing after every `advances` tasks; null when it comes to no end. */
function powerCyclesNeeded(bench: Bench, advances: number): number | null {
  const { board } = bench;
  board.nvm.fill(0);
  board.boot();
  board.start(RUN, 0, INFERENCES);
  for (let cycle = 1; cycle < 500; cycle++) {
    for (let done = 0; done < advances && board.record().state === 'running'; done++) {
      const pending = board.pendingResult();
      if (pending !== null) {
        assert.deepEqual(pending.output, bench.expected[pending.inference]);
        board.acknowledge(RUN, pending.inference);
      }
      board.advance();
    }
    if (board.record().state === 'finished') {
      return cycle;
    }
    board.powerOff();
    board.boot();
  }
  return null;
}

test('adaptive without working sensing still gets on: after one lost power cycle, planned commits are made', () => {
  const blind = createBench('adaptive', () => 5500);
  const sequence = blind.planned.tasks.map(({ commit }) => commit.when === 'always' || commit.planned);
  // Longest way between planned commits; tasks of the plan fit a power cycle, so that many tasks do.
  const longest = sequence
    .join()
    .split('true')
    .reduce((most, gap) => Math.max(most, gap.split('false').length), 0);
  const cycles = powerCyclesNeeded(blind, longest + 1);
  assert(cycles !== null, 'it ends');
  assert(cycles > INFERENCES, 'the power failed within inferences');
  const record = currentRecord(blind.board.nvm);
  assert(record !== null && record.checkpoints > INFERENCES, 'planned commits were made');

  const timid = createBench('adaptive', () => 0);
  assert(powerCyclesNeeded(timid, 1) !== null, 'a commit after every task ends with a task per power cycle');
});

test('the byte counters are the sum of what the steps and records of a run move', () => {
  const bench = createBench('tile');
  bytesOfUndisturbedRun(bench);
  const record = currentRecord(bench.board.nvm);
  assert(record !== null);
  const written = bench.planned.tasks
    .flatMap(({ steps, save }) => [...steps, ...save])
    .reduce((sum, step) => sum + (step.kind === 'SAVE' || step.kind === 'OUTPUT' ? step.bytes : 0), 0);
  const records = 1 + INFERENCES * bench.planned.tasks.length + 1;
  assert.equal(record.nvmBytesWritten, INFERENCES * written + 128 * records);
  // One look at both slots after power-on, before the run; results are read once each.
  assert.equal(record.nvmBytesRead, INFERENCES * bench.expected[0].length);
});

test('a light commit writes 16 bytes, and its counters are as exact', () => {
  const bench = createBench('loop');
  bytesOfUndisturbedRun(bench);
  const record = currentRecord(bench.board.nvm);
  const { tasks } = bench.planned;
  const written = tasks
    .flatMap(({ steps, save }) => [...steps, ...save])
    .reduce((sum, step) => sum + (step.kind === 'SAVE' || step.kind === 'OUTPUT' ? step.bytes : 0), 0);
  const perInference = written + 16 * (tasks.length - 1) + 128;
  assert.equal(record?.nvmBytesWritten, INFERENCES * perInference + 2 * 128);

  // In the middle of an inference the record in NVM says what the board knows.
  const { board } = bench;
  board.nvm.fill(0);
  board.boot();
  board.start(RUN, 0, INFERENCES);
  for (let task = 1; task < tasks.length; task++) {
    board.advance();
    assert.deepEqual(currentRecord(board.nvm), board.record());
    assert.equal(board.record().task, task);
  }
});

test('a light record counts only beside the record that it continues', () => {
  const bench = createBench('loop');
  const { board } = bench;
  const progressAfter = (tasks: number, runId: number): void => {
    board.boot();
    board.start(runId, 0, INFERENCES);
    for (let task = 0; task < tasks; task++) {
      board.advance();
    }
    board.powerOff();
  };
  board.nvm.fill(0);
  progressAfter(5, RUN);
  const lights = board.nvm.slice(0x100, 0x120);
  assert.equal(currentRecord(board.nvm)?.task, 5);
  // The same sequence numbers in another life of the board: its records were lost, the light ones were not.
  board.nvm.fill(0);
  progressAfter(0, RUN + 1);
  board.nvm.set(lights, 0x100);
  assert.equal(currentRecord(board.nvm)?.task, 0);
  board.boot();
  assert.equal(board.record().task, 0);
  // A torn one does not count either: the one before it does.
  board.nvm.fill(0);
  progressAfter(5, RUN);
  board.nvm[0x100 + 16 * ((currentRecord(board.nvm)?.sequence ?? 0) & 1)] ^= 1;
  assert.equal(currentRecord(board.nvm)?.task, 4);
  board.boot();
  const { task, tasksExecuted, checkpoints } = board.record();
  assert.deepEqual({ task, tasksExecuted, checkpoints }, { task: 4, tasksExecuted: 4, checkpoints: 4 });
});

test('a power cycle in the middle of an inference counts as one restore and one task executed again', () => {
  const bench = createBench('layer');
  const { board } = bench;
  board.nvm.fill(0);
  board.boot();
  board.start(RUN, 0, INFERENCES);
  board.advance();
  board.advance();
  board.powerOff();
  board.boot();
  const { powerCycles, restores, tasksReexecuted, task } = board.record();
  assert.deepEqual(
    { powerCycles, restores, tasksReexecuted, task },
    { powerCycles: 2, restores: 1, tasksReexecuted: 1, task: 2 },
  );
});

test('a power cycle while a result waits costs nothing but itself', () => {
  const { board } = createBench('layer');
  board.nvm.fill(0);
  board.boot();
  board.start(RUN, 0, INFERENCES);
  while (board.advance() !== 'result') {
    // The next task.
  }
  board.powerOff();
  board.boot();
  const { powerCycles, restores, tasksReexecuted } = board.record();
  assert.deepEqual(
    { powerCycles, restores, tasksReexecuted },
    { powerCycles: 2, restores: 0, tasksReexecuted: 0 },
  );
  assert.equal(board.advance(), 'none');
  board.acknowledge(RUN + 1, 0);
  board.acknowledge(RUN, 1);
  assert.equal(board.advance(), 'none', 'acknowledgements of other runs and inferences are ignored');
  board.acknowledge(RUN, 0);
  assert.equal(board.advance(), 'task');
});

test('sequence numbers may wrap around', () => {
  const bench = createBench('layer');
  const { board } = bench;
  board.nvm.fill(0);
  board.boot();
  board.start(RUN, 0, INFERENCES);
  // Both slots as they would be shortly before the wrap.
  const view = new DataView(board.nvm.buffer, board.nvm.byteOffset);
  board.advance();
  for (const [slot, sequence] of [
    [0, 0xfffffffe],
    [1, 0xffffffff],
  ]) {
    view.setUint32(128 * slot + 4, sequence, true);
    view.setUint32(128 * slot + 124, crc32(board.nvm.subarray(128 * slot, 128 * slot + 124)), true);
  }
  board.powerOff();
  board.boot();
  assert.equal(board.record().sequence, 0);
  assert.equal(currentRecord(board.nvm)?.sequence, 0);
  const host: HostView = { results: new Map(), committed: 0 };
  takeUntilFinished(board, host);
  assert.deepEqual([...host.results.values()], bench.expected);
});
