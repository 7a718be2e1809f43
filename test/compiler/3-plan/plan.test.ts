import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkNvm } from '../../../src-main/compiler/3-plan/check.js';
import { plan } from '../../../src-main/compiler/3-plan/index.js';
import { unitsOf } from '../../../src-main/compiler/3-plan/units.js';
import { elementCount, type Graph, type Operator } from '../../../src-main/compiler/graph.js';
import { STRATEGIES, type Plan, type Step } from '../../../src-main/compiler/plan.js';
import { InputError } from '../../../src-main/common/errors.js';
import { tightPower } from '../../support/planning-power.js';
import { sameShape } from '../../../src-main/compiler/shapes.js';
import { randomGraph, seededChoices, seeds } from '../../support/random-graph.js';

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
function simulate({ graph, placements, tasks, bankBytes }: Plan, period: number): void {
  const arena = new SymbolicMemory();
  const nvm = new SymbolicMemory();
  const place = new Map(placements.map(({ tensor, arenaOffset }) => [tensor, arenaOffset]));
  const name = new Map<number, number>(graph.tensors.map(({ id }) => [id, id]));
  for (const operator of graph.operators) {
    if (operator.kind === 'RESHAPE') {
      name.set(operator.outputs[0], name.get(operator.inputs[0]) ?? -1);
    }
  }
  const contents = (tensor: number, begin = 0, end = elementCount(graph.tensors[tensor].shape)): string[] =>
    Array.from({ length: end - begin }, (_, i) => `${name.get(tensor) ?? -1}:${begin + i}`);
  const offsetOf = (tensor: number): number =>
    place.get(tensor) ?? assert.fail(`tensor ${tensor} has no place`);

  const execute = (step: Step): void => {
    switch (step.kind) {
      case 'INPUT':
        arena.write(step.arenaOffset, contents(graph.inputs[0]));
        break;
      case 'LOAD':
        arena.write(step.arenaOffset, nvm.read(step.nvmOffset, step.bytes));
        break;
      case 'SAVE':
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
    'nvmOffset' in step ? { ...step, nvmOffset: step.nvmOffset + base } : step;
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
  assert.throws(() => checkNvm(hit), /its own restore reads/);

  const unsaved: Plan = {
    ...planned,
    tasks: planned.tasks.map((task, i) => (i === index - 1 ? { ...task, save: [] } : task)),
  };
  assert.throws(() => checkNvm(unsaved), /no earlier task saved/);
});

test('too little memory is an error that names the operator, the need and the board', () => {
  const graph = smallGraph();
  const { arenaBytes, nvmBytes } = plan(graph, { ...ROOMY, strategy: 'layer' });
  plan(graph, { ...ROOMY, strategy: 'layer', sramBytes: arenaBytes, nvmBytes: nvmBytes + 4096 });
  assert.throws(
    () => plan(graph, { ...ROOMY, strategy: 'layer', sramBytes: arenaBytes - 1 }),
    (error: unknown) => {
      assert(error instanceof InputError);
      assert.equal(error.code, 'arena-too-large');
      assert.match(
        error.message,
        new RegExp(`need ${arenaBytes} bytes.* has ${arenaBytes - 1} .*(CLAMP|ADD) "`),
      );
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
