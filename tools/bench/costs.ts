/**
 * Measures the constants of the planner's cost model on the virtual Pico: src-main/board/profiles/pico-fram-costs.ts holds
 * what this prints. Run it again when kernels or the virtual board change.
 */
import { readFileSync } from 'node:fs';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import type { BoardCosts, OperatorCycles } from '../../src-main/board/planning.js';
import { picoFramCosts } from '../../src-main/board/profiles/pico-fram-costs.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import type { VirtualBoard } from '../../src-main/board/virtual-board.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { unitsOf } from '../../src-main/compiler/3-plan/units.js';
import type { Graph } from '../../src-main/compiler/graph.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import { KERNEL_SETS, type KernelSet, type Plan } from '../../src-main/compiler/plan.js';
import { GraphBuilder, randomSample, seededChoices } from './random-graph.js';

/** A commit is noticed within so many cycles. */
const SLICE_CYCLES = 250;

type Shape = [height: number, width: number, channels: number];

/** Inputs and filters that span what small networks have. */
const WINDOWS: { input: Shape; filter: number; outputs: number; stride: number }[] = [
  { input: [8, 8, 1], filter: 3, outputs: 8, stride: 1 },
  { input: [8, 8, 8], filter: 3, outputs: 16, stride: 1 },
  { input: [8, 8, 32], filter: 1, outputs: 32, stride: 1 },
  { input: [12, 10, 64], filter: 1, outputs: 64, stride: 2 },
  { input: [8, 8, 48], filter: 3, outputs: 48, stride: 2 },
  { input: [6, 6, 64], filter: 3, outputs: 64, stride: 1 },
];

function chain(input: Shape, append: (graph: GraphBuilder) => void): Graph {
  const graph = new GraphBuilder('costs', [1, ...input], seededChoices(7));
  append(graph);
  // Results have at most 1 KB: a last operator makes them small, and takes no part in the figures.
  const [, height, width, channels] = [...graph.tensors[graph.last].shape, 1, 1, 1];
  if (height * width * channels > 1024) {
    graph.add(
      {
        kind: 'MAX_POOL_2D',
        inputs: [graph.last],
        filterHeight: height,
        filterWidth: width,
        strideHeight: 1,
        strideWidth: 1,
        padding: { top: 0, bottom: 0, left: 0, right: 0 },
        activation: 'NONE',
      },
      graph.tensors[graph.last].quantization,
    );
  }
  return graph.build();
}

/** Graphs whose first operator is of the kind. */
function casesOf(kind: string): Graph[] {
  const elements: Shape[] = [
    [4, 4, 4],
    [8, 8, 16],
    [12, 12, 32],
  ];
  return kind === 'FULLY_CONNECTED'
    ? [16, 64, 256, 640].map((inputs) =>
        chain([1, 1, inputs], (graph) => {
          const weights = graph.weights([24, inputs], 24, 0, inputs);
          graph.add({ kind: 'FULLY_CONNECTED', inputs: [graph.last, ...weights], activation: 'RELU' });
        }),
      )
    : ['CONV_2D', 'DEPTHWISE_CONV_2D', 'AVERAGE_POOL_2D', 'MAX_POOL_2D'].includes(kind)
      ? WINDOWS.map((shape) => chain(shape.input, (graph) => appendWindow(graph, kind, shape)))
      : elements.map((input) => chain(input, (graph) => appendElementwise(graph, kind, input)));
}

function appendWindow(
  graph: GraphBuilder,
  kind: string,
  { input, filter, outputs, stride }: (typeof WINDOWS)[number],
): void {
  const pad = (filter - 1) / 2;
  const window = {
    strideHeight: stride,
    strideWidth: stride,
    padding: { top: pad, bottom: pad, left: pad, right: pad },
    activation: 'RELU' as const,
  };
  const dilation = { dilationHeight: 1, dilationWidth: 1 };
  const channels = input[2];
  if (kind === 'CONV_2D') {
    const weights = graph.weights(
      [outputs, filter, filter, channels],
      outputs,
      0,
      filter * filter * channels,
    );
    graph.add({ kind, inputs: [graph.last, ...weights], ...window, ...dilation });
  } else if (kind === 'DEPTHWISE_CONV_2D') {
    const weights = graph.weights([1, filter, filter, channels], channels, 3, filter * filter);
    graph.add({ kind, inputs: [graph.last, ...weights], ...window, ...dilation, depthMultiplier: 1 });
  } else if (kind === 'AVERAGE_POOL_2D' || kind === 'MAX_POOL_2D') {
    const size = { filterHeight: filter, filterWidth: filter };
    graph.add({ kind, inputs: [graph.last], ...window, ...size }, graph.tensors[graph.last].quantization);
  }
}

function appendElementwise(graph: GraphBuilder, kind: string, [, , channels]: Shape): void {
  const inputs = [graph.last];
  switch (kind) {
    case 'ADD':
      graph.add({ kind, inputs: [graph.last, graph.last], activation: 'RELU' });
      break;
    case 'PAD':
      graph.add(
        { kind, inputs, before: [0, 1, 1, 0], after: [0, 1, 1, 0], value: 0 },
        graph.tensors[graph.last].quantization,
      );
      break;
    case 'MEAN':
      graph.add({ kind, inputs, axes: [1, 2], keepDims: true });
      break;
    case 'SOFTMAX':
      graph.add(
        { kind, inputs, beta: 1 },
        { scales: Float64Array.of(1 / 256), zeroPoints: Int32Array.of(-128), axis: null },
      );
      break;
    case 'CLAMP':
      graph.add({ kind, inputs, minimum: 0, maximum: channels });
      break;
  }
}

interface BoardRun {
  /** From the record that starts the run to each commit after it. */
  commitCycles: number[];
  /** From power-on to the record that counts the start. */
  bootCycles: number;
  /** From that record to the next commit: restore, task, save, commit. */
  firstTaskCycles: number;
}

/** One inference with steady power; then a second start of the board behind its first task. */
async function runOnBoard(plan: Plan, sample: Int8Array): Promise<BoardRun> {
  const firmware = readFileSync(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));
  const pico = createVirtualPico({ firmware, profile: picoFram, seed: 1 });
  const image = emit(plan, { board: picoFram.imageBoard, modelSha256: new Uint8Array(32) });
  pico.flash.set(image, picoFram.flashMap.imageOffset);
  pico.flash.set(emitDataset([sample]), picoFram.flashMap.datasetOffset);
  let now = 0;
  let commits: number[] = [];
  const board: VirtualBoard = {
    clockHertz: pico.clockHertz,
    flash: pico.flash,
    nvm: pico.nvm,
    powerOn: () => pico.powerOn(),
    powerOff: () => pico.powerOff(),
    receive: (bytes) => pico.receive(bytes),
    setCapacitorVolts: (volts) => pico.setCapacitorVolts(volts),
    onCommit: null,
    run(maximumCycles) {
      const slice = pico.run(Math.min(maximumCycles, SLICE_CYCLES));
      now += slice.cycles;
      return slice;
    },
  };
  pico.onCommit = () => commits.push(now);
  pico.powerOn();
  const link = new BoardLink(new VirtualBoardPort(board));
  await link.identify();
  await link.run(1, 0, 1);
  while ((await link.nextEvent(60))?.kind !== 'result') {
    // Frames of the start.
  }
  const commitCycles = commits.slice(1, plan.tasks.length + 1).map((cycles) => cycles - commits[0]);
  await link.acknowledge(1, 0);
  await link.nextEvent(1);
  let [bootCycles, firstTaskCycles] = [0, 0];
  if (plan.tasks.length > 1) {
    await link.run(2, 0, 1);
    commits = [];
    while (commits.length === 0) {
      board.run(SLICE_CYCLES);
    }
    pico.powerOff();
    commits = [];
    now = 0;
    pico.powerOn();
    while (commits.length < 2) {
      board.run(SLICE_CYCLES);
    }
    bootCycles = commits[0] - picoFram.power.startupSeconds.value * picoFram.clockHertz;
    firstTaskCycles = commits[1] - commits[0];
  }
  return { commitCycles, bootCycles, firstTaskCycles };
}

function layerPlan(graph: Graph, kernels: KernelSet): Plan {
  const { arenaBytes: sramBytes, nvmBytes } = picoFram;
  return plan(graph, { strategy: 'layer', kernels, sramBytes, nvmBytes });
}

function withoutWork(plan: Plan): Plan {
  return {
    ...plan,
    tasks: plan.tasks.map((task) => ({
      ...task,
      steps: task.steps.filter(({ kind }) => kind !== 'EXECUTE'),
    })),
  };
}

interface Observation {
  outputs: number;
  work: number;
  units: number;
  weightBytes: number;
  cycles: number;
}

async function observe(graph: Graph, kernels: KernelSet): Promise<Observation> {
  const planned = layerPlan(graph, kernels);
  const sample = randomSample(graph, seededChoices(3));
  const busy = await runOnBoard(planned, sample);
  const idle = await runOnBoard(withoutWork(planned), sample);
  const units = unitsOf(graph, graph.operators[0]);
  return {
    outputs: units.count * units.bytes,
    work: units.count * units.work,
    units: units.count,
    weightBytes: units.weightBytes,
    cycles: busy.commitCycles[0] - idle.commitCycles[0],
  };
}

/** Below this, what counts is that the code itself is not in the cache yet. */
const LEAST_CYCLES = 60_000;

/**
 * Least squares of the relative errors over the operators whose weights stay in the cache, neither constant negative; then
 * both raised until none of them costs more than predicted, since a plan may be too careful but not too bold. What remains
 * of operators with more weights goes to their work.
 */
function fitOperator(observations: readonly Observation[], costs: BoardCosts): OperatorCycles {
  const { stepCycles, cacheBytes } = costs;
  const isCached = ({ weightBytes }: Observation): boolean => weightBytes <= cacheBytes;
  const large = observations.filter(({ cycles }) => cycles >= LEAST_CYCLES);
  const cached = (large.length > 1 ? large : observations).filter(isCached);
  const fit = fitCached(cached, stepCycles);
  const uncached = observations
    .filter((each) => !isCached(each))
    .map(
      ({ outputs, work, units, cycles }) =>
        (cycles - units * stepCycles - outputs * fit.cyclesPerOutput) / work,
    );
  return {
    ...fit,
    cyclesPerUncachedWork: Number(Math.max(fit.cyclesPerWork, ...uncached).toPrecision(3)),
  };
}

function fitCached(
  observations: readonly Observation[],
  stepCycles: number,
): Pick<OperatorCycles, 'cyclesPerOutput' | 'cyclesPerWork'> {
  const rows = observations.map(({ outputs, work, units, cycles }) => {
    const rest = Math.max(1, cycles - units * stepCycles);
    return { a: outputs / rest, b: work / rest };
  });
  const sum = (value: (row: { a: number; b: number }) => number): number =>
    rows.reduce((total, row) => total + value(row), 0);
  const [aa, ab, bb] = [sum(({ a }) => a * a), sum(({ a, b }) => a * b), sum(({ b }) => b * b)];
  const [sa, sb] = [sum(({ a }) => a), sum(({ b }) => b)];
  const determinant = aa * bb - ab * ab;
  let perOutput = determinant > 1e-12 * aa * bb ? (sa * bb - sb * ab) / determinant : -1;
  let perWork = determinant > 1e-12 * aa * bb ? (sb * aa - sa * ab) / determinant : -1;
  if (perOutput < 0) {
    [perOutput, perWork] = [0, sb / bb];
  } else if (perWork < 0) {
    [perOutput, perWork] = [sa / aa, 0];
  }
  const least = Math.min(...rows.map(({ a, b }) => a * perOutput + b * perWork));
  const factor = Math.max(1, 1 / least);
  const round = (value: number): number => Number((value * factor).toPrecision(3));
  return { cyclesPerOutput: round(perOutput), cyclesPerWork: round(perWork) };
}

const KINDS = [
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
  'AVERAGE_POOL_2D',
  'MAX_POOL_2D',
  'ADD',
  'PAD',
  'MEAN',
  'SOFTMAX',
  'CLAMP',
];

async function measureCosts(print: (line: string) => void): Promise<BoardCosts> {
  // Two saves of different size, and two restores, without any work.
  const clamped = (input: Shape): Graph => chain(input, (graph) => appendElementwise(graph, 'CLAMP', input));
  const [small, large] = [clamped([8, 8, 17]), clamped([16, 16, 33])];
  const bytes = 16 * 16 * 33 - 8 * 8 * 17;
  const sample = (graph: Graph): Int8Array => randomSample(graph, seededChoices(3));
  const [one, other] = await Promise.all(
    [small, large].map((graph) => runOnBoard(withoutWork(layerPlan(graph, 'reference')), sample(graph))),
  );
  // The input is copied in the first task, too.
  const slope = (other.commitCycles[0] - one.commitCycles[0]) / bytes;
  const nvmReadCyclesPerByte = (other.firstTaskCycles - one.firstTaskCycles) / bytes;
  const { copyCyclesPerByte, stepCycles, senseCycles, cacheBytes } = picoFramCosts;
  const nvmWriteCyclesPerByte = slope - copyCyclesPerByte;
  const commitCycles = one.commitCycles[0] - slope * 8 * 8 * 17;
  const operators: Record<string, Record<string, OperatorCycles>> = {};
  for (const kernels of KERNEL_SETS) {
    operators[kernels] = {};
    for (const kind of KINDS) {
      const observations: Observation[] = [];
      for (const graph of casesOf(kind)) {
        observations.push(await observe(graph, kernels));
      }
      const cost = fitOperator(observations, picoFramCosts);
      operators[kernels][kind] = cost;
      const shares = observations.map(({ outputs, work, units, weightBytes, cycles }) => {
        const perWork = weightBytes > cacheBytes ? cost.cyclesPerUncachedWork : cost.cyclesPerWork;
        return (units * stepCycles + outputs * cost.cyclesPerOutput + work * perWork) / cycles;
      });
      print(
        `${kernels.padEnd(10)} ${kind.padEnd(18)} ${String(cost.cyclesPerOutput).padStart(7)} cycles per output ` +
          `${String(cost.cyclesPerWork).padStart(7)} per MAC or element, ${cost.cyclesPerUncachedWork} uncached; predicted / measured ` +
          shares.map((share) => share.toFixed(2)).join(' '),
      );
    }
  }
  return {
    bootCycles: Math.ceil(one.bootCycles),
    stepCycles,
    nvmReadCyclesPerByte: Number(nvmReadCyclesPerByte.toFixed(1)),
    nvmWriteCyclesPerByte: Number(nvmWriteCyclesPerByte.toFixed(1)),
    copyCyclesPerByte,
    commitCycles: Math.ceil(commitCycles),
    senseCycles,
    cacheBytes,
    operators,
  };
}

/** Section `costs` of `npm run bench`. */
export async function benchCosts(print: (line: string) => void): Promise<BoardCosts> {
  const costs = await measureCosts(print);
  print(JSON.stringify({ ...costs, operators: undefined }));
  return costs;
}
