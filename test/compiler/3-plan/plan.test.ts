import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkNvm } from '../../../src-main/compiler/3-plan/check.js';
import { plan, type PlanningPower } from '../../../src-main/compiler/3-plan/index.js';
import { unitsOf } from '../../../src-main/compiler/3-plan/units.js';
import { elementCount, type Graph, type Operator } from '../../../src-main/compiler/graph.js';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { emit } from '../../../src-main/compiler/4-emit/index.js';
import { KERNEL_SETS, STRATEGIES, type Plan, type Step } from '../../../src-main/compiler/plan.js';
import { InputError } from '../../../src-main/common/errors.js';
import { inferWithOracle } from '../../support/int8-oracle.js';
import { powerOf, tightPower } from '../../support/planning-power.js';
import { sameShape } from '../../../src-main/compiler/shapes.js';
import { randomGraph, randomSample, seededChoices, seeds } from '../../support/random-graph.js';

const ROOMY = { kernels: 'reference', sramBytes: 1 << 20, nvmBytes: 1 << 20 } as const;

/** A memory whose bytes are known by what they hold: `tensor:index`, or nothing. */
class SymbolicMemory {
  private readonly bytes = new Map<number, string>();

  write(offset: number, contents: readonly (string | undefined)[]): void {
    contents.forEach((content, i) => {
      if (content === undefined) {
        this.bytes.delete(offset + i);
      } else {
        this.bytes.set(offset + i, content);
      }
    });
  }

  read(offset: number, bytes: number): (string | undefined)[] {
    return Array.from({ length: bytes }, (_, i) => this.bytes.get(offset + i));
  }

  clear(): void {
    this.bytes.clear();
  }
}

const ELEMENT_WISE: ReadonlySet<string> = new Set([
  'ADD',
  'SUB',
  'MUL',
  'CLAMP',
  'QUANTIZE',
  'LEAKY_RELU',
  'PRELU',
]);

/**
 * Executes a plan on symbols, with the power failing after every `period`th task or never, and checks that every
 * operator finds whole, right inputs and that the result is the output tensor. A RESHAPE passes its input's name on.
 */
function simulate({ model, graph, placements, tasks, bankBytes }: Plan, period: number): void {
  const arena = new SymbolicMemory();
  const nvm = new SymbolicMemory();
  const place = new Map(placements.map(({ tensor, arenaOffset }) => [tensor, arenaOffset]));
  const name = new Map<number, number>(graph.tensors.map(({ id }) => [id, id]));
  for (const operator of model.operators) {
    if (operator.kind === 'RESHAPE') {
      name.set(operator.outputs[0], name.get(operator.inputs[0]) ?? -1);
    }
  }
  // A stripe says in its name which rows of which tensor it has; of tensors with one name, the first is that of the model.
  const byName = new Map([...graph.tensors].reverse().map((tensor) => [tensor.name, tensor.id]));
  const origin = (tensor: number): { id: number; offset: number } => {
    const { name: text, shape } = graph.tensors[tensor];
    const [, whole, row] = /^(.*) rows (\d+)\.\.\d+$/.exec(text) ?? [text, text, '0'];
    return { id: byName.get(whole) ?? tensor, offset: Number(row) * elementCount(shape.slice(2)) };
  };
  const contents = (tensor: number, begin = 0, end = elementCount(graph.tensors[tensor].shape)): string[] => {
    const { id, offset } = origin(tensor);
    return Array.from({ length: end - begin }, (_, i) => `${name.get(id) ?? -1}:${offset + begin + i}`);
  };
  const offsetOf = (tensor: number): number =>
    place.get(tensor) ?? assert.fail(`tensor ${tensor} has no place`);

  const execute = (step: Step): void => {
    switch (step.kind) {
      case 'INPUT':
        arena.write(
          step.arenaOffset,
          contents(graph.inputs[0], step.sampleOffset, step.sampleOffset + step.bytes),
        );
        break;
      case 'LOAD':
      case 'FETCH':
        arena.write(step.arenaOffset, nvm.read(step.nvmOffset, step.bytes));
        break;
      case 'SAVE':
      case 'SPILL':
        nvm.write(step.nvmOffset, arena.read(step.arenaOffset, step.bytes));
        break;
      case 'OUTPUT':
        assert.deepEqual(arena.read(step.arenaOffset, step.bytes), contents(graph.outputs[0]));
        break;
      case 'EXECUTE': {
        const operator = graph.operators[step.operator];
        for (const tensor of operator.inputs.filter((id) => graph.tensors[id].data === null)) {
          const bytes = elementCount(graph.tensors[tensor].shape);
          const found = arena.read(offsetOf(tensor), bytes);
          for (const index of elementsRead(graph, operator, tensor, step.unitBegin, step.unitEnd)) {
            assert.equal(found[index], contents(tensor, index, index + 1)[0], `${operator.name} reads`);
          }
        }
        const [output] = operator.outputs;
        const { bytes } = unitsOf(graph, operator);
        const [begin, end] = [step.unitBegin * bytes, step.unitEnd * bytes];
        arena.write(offsetOf(output) + begin, contents(output, begin, end));
        break;
      }
    }
  };
  let [committed, bank] = [0, 0];
  const at = (step: Step, base: number): Step =>
    step.kind === 'LOAD' || step.kind === 'SAVE' ? { ...step, nvmOffset: step.nvmOffset + base } : step;
  const save = (index: number): void =>
    tasks[index].save.forEach((step) => execute(at(step, bankBytes * (1 - bank))));
  const restore = (): void => tasks[committed].restore.forEach((step) => execute(at(step, bankBytes * bank)));
  const failed = new Set<number>();
  for (let index = 0; index < tasks.length;) {
    if (period > 0 && index > 0 && index % period === 0 && !failed.has(index)) {
      failed.add(index);
      // Torn away in the middle of this task, too: whatever it saved is saved again.
      tasks[index].steps.filter(({ kind }) => kind !== 'OUTPUT').forEach(execute);
      save(index);
      arena.clear();
      restore();
      index = committed;
    }
    tasks[index].steps.forEach(execute);
    // The voltage decides where it may; here every third time.
    if (tasks[index].commit.when === 'always' || index % 3 === 0) {
      save(index);
      committed = index + 1;
      bank = bankBytes > 0 ? 1 - bank : bank;
    }
    index++;
  }
}

/** Elements of an input that units begin .. end - 1 read: by rows for windows and row by row kinds, else all of them. */
function elementsRead(
  graph: Graph,
  operator: Operator,
  tensor: number,
  begin: number,
  end: number,
): number[] {
  const { shape } = graph.tensors[tensor];
  const all = Array.from({ length: elementCount(shape) }, (_, i) => i);
  if ('padding' in operator) {
    const filterHeight =
      'filterHeight' in operator ? operator.filterHeight : graph.tensors[operator.inputs[1]].shape[1];
    const dilation = 'dilationHeight' in operator ? operator.dilationHeight : 1;
    const rows = new Set<number>();
    for (let unit = begin; unit < end; unit++) {
      for (let tap = 0; tap < filterHeight; tap++) {
        rows.add(unit * operator.strideHeight - operator.padding.top + tap * dilation);
      }
    }
    return all.filter((index) => rows.has(Math.floor(index / (shape[2] * shape[3]))));
  }
  if (ELEMENT_WISE.has(operator.kind) && sameShape(shape, graph.tensors[operator.outputs[0]].shape)) {
    const { bytes } = unitsOf(graph, operator);
    return all.slice(begin * bytes, end * bytes);
  }
  if (operator.kind === 'CONCATENATION' && operator.axis > 1 && shape.length === 4 && shape[1] > 1) {
    const row = shape[2] * shape[3];
    return all.slice(begin * row, end * row);
  }
  if (operator.kind === 'PAD' && shape.length === 4) {
    const rowBytes = shape[2] * shape[3];
    return all.filter((index) => {
      const row = Math.floor(index / rowBytes) + operator.before[1];
      return begin <= row && row < end;
    });
  }
  return all;
}

test('every operator finds its inputs, whichever tasks the power fails before', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const choices = seededChoices(seed);
      const graph = randomGraph(choices, { operators: choices.integer(1, 9) });
      fc.pre(elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024);
      for (const strategy of STRATEGIES) {
        const power = tightPower(graph);
        const planned = plan(graph, { ...ROOMY, strategy, tileUnits: choices.integer(1, 3), power });
        for (const period of [0, 1, 2, 3]) {
          simulate(planned, period);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('tasks cover every unit once, in order; only the last has an output; restores write nothing', () => {
  fc.assert(
    fc.property(seeds, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), (seed, tileUnits) => {
      const choices = seededChoices(seed);
      const graph = randomGraph(choices, { operators: choices.integer(1, 9) });
      fc.pre(elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024);
      for (const strategy of STRATEGIES) {
        const { tasks, arenaBytes, nvmBytes, placements } = plan(graph, {
          ...ROOMY,
          strategy,
          tileUnits,
          power: tightPower(graph),
        });
        const executed = tasks
          .flatMap(({ steps }) => steps)
          .flatMap((step) => (step.kind === 'EXECUTE' ? [step] : []))
          .flatMap(({ operator, unitBegin, unitEnd }) =>
            Array.from({ length: unitEnd - unitBegin }, (_, i) => `${operator}:${unitBegin + i}`),
          );
        const expected = graph.operators.flatMap((operator, index) =>
          operator.kind === 'RESHAPE'
            ? []
            : Array.from({ length: unitsOf(graph, operator).count }, (_, unit) => `${index}:${unit}`),
        );
        assert.deepEqual(executed, expected);
        tasks.forEach(({ restore, steps, save, commit }, index) => {
          assert(commit.when === 'always' || (strategy === 'adaptive' && index < tasks.length - 1));
          assert(save.every(({ kind }) => kind === 'SAVE'));
          assert(steps.every(({ kind }) => kind !== 'SAVE' && kind !== 'LOAD'));
          assert.equal(
            steps.filter(({ kind }) => kind === 'OUTPUT').length,
            index === tasks.length - 1 ? 1 : 0,
          );
          assert(restore.every(({ kind }) => kind === 'LOAD' || kind === 'INPUT'));
          for (const step of [...restore, ...steps, ...save]) {
            if (step.kind !== 'EXECUTE') {
              assert(step.arenaOffset >= 0 && step.arenaOffset + step.bytes <= arenaBytes);
            }
            if (step.kind === 'LOAD' || step.kind === 'SAVE') {
              assert(step.nvmOffset >= 0 && step.nvmOffset + step.bytes <= nvmBytes);
            }
          }
        });
        assert(placements.every(({ arenaOffset }) => arenaOffset % 16 === 0));
        assert.equal(strategy === 'restart' ? nvmBytes : 0, 0);
      }
    }),
    { numRuns: 100 },
  );
});

function smallGraph(): Graph {
  return randomGraph(seededChoices(8), { operators: 4, kinds: ['CLAMP', 'ADD'] });
}

test('checkNvm refuses a task that saves where its restore reads, and a restore of what nobody saved', () => {
  const planned = plan(smallGraph(), { ...ROOMY, strategy: 'layer' });
  checkNvm(planned);
  const index = planned.tasks.findIndex(
    ({ restore, save }) => restore.some(({ kind }) => kind === 'LOAD') && save.length > 0,
  );
  assert(index > 0);
  const [load] = planned.tasks[index].restore.filter((step) => step.kind === 'LOAD');
  const hit: Plan = {
    ...planned,
    tasks: planned.tasks.map((task, i) =>
      i === index
        ? { ...task, save: task.save.map((step) => ({ ...step, nvmOffset: load.nvmOffset })) }
        : task,
    ),
  };
  assert.throws(() => checkNvm(hit), /its own restore or its own steps read/);

  const unsaved: Plan = {
    ...planned,
    tasks: planned.tasks.map((task, i) => (i === index - 1 ? { ...task, save: [] } : task)),
  };
  assert.throws(() => checkNvm(unsaved), /no earlier task saved/);
});

/** The plan with power cycles as small as can be, to a factor. */
function withLeastPower(planWith: (power: PlanningPower) => Plan): Plan {
  for (let joules = 1e-6; ; joules *= 4) {
    try {
      return planWith(powerOf(joules));
    } catch (error) {
      if (!(error instanceof InputError && error.code === 'task-too-large')) {
        throw error;
      }
    }
  }
}

/** The SRAM that an error recommends. */
function recommended(error: unknown): number {
  assert(error instanceof InputError);
  assert.equal(error.code, 'arena-too-large');
  const [, bytes] = /--sram (\d+)/.exec(error.remedy ?? '') ?? assert.fail(error.message);
  return Number(bytes);
}

test('a graph in less SRAM than its tensors: as much as was allowed, bit-exact, whatever tasks the power fails before', () => {
  let tiled = 0;
  fc.assert(
    fc.property(seeds, fc.integer({ min: 20, max: 95 }), (seed, percent) => {
      const choices = seededChoices(seed);
      const graph = randomGraph(choices, { operators: choices.integer(2, 9) });
      fc.pre(elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024);
      const sample = randomSample(graph, choices);
      const kernels = KERNEL_SETS[choices.integer(0, 1)];
      const { arenaBytes } = plan(graph, { ...ROOMY, kernels, strategy: 'restart' });
      let sramBytes = Math.floor((arenaBytes * percent) / 100);
      for (const strategy of STRATEGIES) {
        const tileUnits = choices.integer(1, 3);
        const attempt = (): Plan =>
          withLeastPower((power) =>
            plan(graph, { ...ROOMY, kernels, strategy, tileUnits, sramBytes, power }),
          );
        let planned: Plan;
        try {
          planned = attempt();
        } catch (error) {
          sramBytes = recommended(error);
          planned = attempt();
        }
        tiled += planned.tiling === null ? 0 : 1;
        assert(planned.arenaBytes <= sramBytes);
        for (const period of [0, 1, 2, 3]) {
          simulate(planned, period);
        }
        const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
        assert.deepEqual(inferOnHost(image, [sample]), [inferWithOracle(graph, sample)]);
      }
    }),
    { numRuns: 150, includeErrorInReport: true },
  );
  assert(tiled > 200, `${tiled} plans were tiled`);
});

test('too little memory is an error that names the operator, its shapes, the need, and what does', () => {
  const graph = smallGraph();
  const { arenaBytes, nvmBytes } = plan(graph, { ...ROOMY, strategy: 'layer' });
  plan(graph, { ...ROOMY, strategy: 'layer', sramBytes: arenaBytes, nvmBytes: nvmBytes + 4096 });
  assert.throws(
    () => plan(graph, { ...ROOMY, strategy: 'layer', sramBytes: 16 }),
    (error: unknown) => {
      assert.match(
        String(error),
        /(CLAMP|ADD) "\w+" \(1 x \d+ x \d+ x \d+ to .*\) needs at least \d+ bytes of SRAM, .* there are 16; whole tensors would need \d+/,
      );
      plan(graph, { ...ROOMY, strategy: 'layer', sramBytes: recommended(error) });
      return true;
    },
  );
  assert.throws(
    () => plan(graph, { ...ROOMY, strategy: 'layer', nvmBytes: nvmBytes + 4095 }),
    (error: unknown) => error instanceof InputError && error.code === 'nvm-too-large',
  );
  assert.throws(
    () => plan(graph, { ...ROOMY, strategy: 'tile', tileUnits: 0 }),
    (error: unknown) => error instanceof InputError && error.code === 'tile-units',
  );
});
