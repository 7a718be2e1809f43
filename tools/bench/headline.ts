/**
 * `npm run bench -- headline`: what planning and resting win over other ways to keep progress, with the fast kernels against the
 * same ways with fast and with reference kernels, on two models, two harvests and three capacitors.
 */
import { availableParallelism } from 'node:os';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { runInWorker } from '../../src-main/campaign/run-in-worker.js';
import type { PowerSource, RunConfig, RunMeasures } from '../../src-main/campaign/types.js';
import { InputError } from '../../src-main/common/errors.js';
import type { KernelSet, Strategy } from '../../src-main/compiler/plan.js';
import { benchPowers } from './powers.js';
import { sharedFile } from './shared.js';

const CAPACITANCES = [100e-6, 1e-3, 10e-3];
const MODELS: [name: string, model: string, data: string][] = [
  ['ResNet8', 'ic_resnet8_int8.tflite', 'ic_25.npz'],
  ['DS-CNN', 'kws_ds_cnn_int8.tflite', 'kws_25.npz'],
];
const OURS: [Strategy, KernelSet][] = [
  ['adaptive', 'fast'],
  ['planned', 'fast'],
];
const BASELINES: [Strategy, KernelSet][] = (['restart', 'layer', 'tile', 'loop'] as const).flatMap(
  (strategy): [Strategy, KernelSet][] => [
    [strategy, 'reference'],
    [strategy, 'fast'],
  ],
);
/** What the claims are made against. */
const REFERENCE = 'tile + reference';

type Figures = Pick<RunMeasures, 'energyJoules' | 'powerCycles' | 'checkpoints'> & { latencySeconds: number };

interface Cell {
  model: string;
  power: string;
  capacitanceFarads: number | null;
  way: string;
  /** Why there is no figure, or null. */
  status: string | null;
  figures: Figures | null;
}

interface Job {
  cell: Omit<Cell, 'status' | 'figures'>;
  config: RunConfig;
}

export async function benchHeadline(print: (line: string) => void): Promise<Cell[]> {
  const jobs = allJobs();
  if (jobs.length === 0) {
    print('the shared models are not here: no headline table');
    return [];
  }
  const cells = await runAll(jobs);
  for (const [model] of MODELS) {
    printModel(
      cells.filter((cell) => cell.model === model),
      print,
    );
  }
  for (const way of OURS.map(nameOf)) {
    printClaims(way, cells, print);
  }
  return cells;
}

function nameOf([strategy, kernels]: [Strategy, KernelSet]): string {
  return `${strategy} + ${kernels}`;
}

function allJobs(): Job[] {
  return MODELS.flatMap(([model, modelFile, dataFile]) => {
    const modelPath = sharedFile('models', modelFile);
    const dataPath = sharedFile('eval', dataFile);
    if (modelPath === null || dataPath === null) {
      return [];
    }
    const job = (
      way: [Strategy, KernelSet],
      power: { name: string; power: PowerSource },
      capacitanceFarads: number | null,
    ): Job => ({
      cell: { model, power: power.name, capacitanceFarads, way: nameOf(way) },
      config: {
        modelPath,
        dataPath,
        calibrationPath: null,
        strategy: way[0],
        kernels: way[1],
        board: picoFram.id,
        capacitanceFarads: capacitanceFarads ?? CAPACITANCES[1],
        turnOnVolts: picoFram.power.turnOnVolts.value,
        brownOutVolts: picoFram.power.brownOutVolts.value,
        power: power.power,
        firstSample: 0,
        sampleCount: 1,
        seed: 1,
        stop: { powerCyclesWithoutProgress: 5, maximumSeconds: 600 },
      },
    });
    const continuous = { name: 'continuous', power: { kind: 'continuous' } as const };
    return [
      job(['restart', 'fast'], continuous, null),
      ...benchPowers().flatMap((power) =>
        CAPACITANCES.flatMap((capacitance) =>
          [...OURS, ...BASELINES].map((way) => job(way, power, capacitance)),
        ),
      ),
    ];
  });
}

async function runAll(jobs: Job[]): Promise<Cell[]> {
  const cells: Cell[] = [];
  const queue = jobs.entries();
  const lane = async () => {
    for (const [index, job] of queue) {
      cells[index] = await run(job);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return cells;
}

async function run({ cell, config }: Job): Promise<Cell> {
  try {
    const { status, measures } = await runInWorker(config, {
      signal: new AbortController().signal,
      onEvent: () => undefined,
      campaignSha256: null,
    });
    const { latencySeconds, energyJoules, powerCycles, checkpoints } = measures;
    return status === 'finished' && latencySeconds !== null
      ? { ...cell, status: null, figures: { latencySeconds, energyJoules, powerCycles, checkpoints } }
      : { ...cell, status, figures: null };
  } catch (error) {
    if (error instanceof InputError) {
      return { ...cell, status: error.code, figures: null };
    }
    throw error;
  }
}

function printModel(cells: Cell[], print: (line: string) => void): void {
  const bound = cells.find(({ power }) => power === 'continuous')?.figures;
  print(
    `${cells[0].model}: continuous power, restart + fast: ${bound?.latencySeconds.toFixed(3)} s, ${millijoules(bound)} mJ`,
  );
  const harvested = cells.filter(({ capacitanceFarads }) => capacitanceFarads !== null);
  let shown = '';
  for (const { power, capacitanceFarads, way, status, figures } of harvested) {
    const title = `${power}, ${(capacitanceFarads ?? 0) * 1e3} mF`;
    if (title !== shown) {
      shown = title;
      print(`  ${title}`);
      print('    way                    latency s  energy mJ  x continuous  power cycles  checkpoints');
    }
    print(
      figures === null
        ? `    ${way.padEnd(20)}  ${status}`
        : `    ${way.padEnd(20)} ${figures.latencySeconds.toFixed(3).padStart(11)} ${millijoules(figures).padStart(10)} ` +
            `${(bound ? figures.energyJoules / bound.energyJoules : NaN).toFixed(2).padStart(13)} ` +
            `${String(figures.powerCycles).padStart(13)} ${String(figures.checkpoints).padStart(12)}`,
    );
  }
}

function millijoules(figures: Figures | null | undefined): string {
  return figures ? (1e3 * figures.energyJoules).toFixed(2) : '-';
}

/** Best cell and geometric mean over the cells that both finish; those that only one finishes are counted, not averaged. */
function printClaims(way: string, cells: Cell[], print: (line: string) => void): void {
  const harvested = cells.filter(({ capacitanceFarads }) => capacitanceFarads !== null);
  const key = ({ model, power, capacitanceFarads }: Cell) =>
    JSON.stringify([model, power, capacitanceFarads]);
  const ours = harvested.filter((cell) => cell.way === way);
  const against = new Map(
    harvested.filter((cell) => cell.way === REFERENCE).map((cell) => [key(cell), cell]),
  );
  const both = ours.flatMap(({ figures, ...cell }) => {
    const other = against.get(key({ figures, ...cell }))?.figures;
    return figures && other
      ? [
          {
            latency: other.latencySeconds / figures.latencySeconds,
            energy: other.energyJoules / figures.energyJoules,
          },
        ]
      : [];
  });
  const onlyOurs = ours.filter((cell) => cell.figures && !against.get(key(cell))?.figures).length;
  const mean = (values: number[]) =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const text = (ratios: number[]) =>
    `best ${Math.max(...ratios).toFixed(1)}x, geometric mean ${mean(ratios).toFixed(1)}x`;
  print(
    `${way} against ${REFERENCE}, over ${both.length} of ${ours.length} cells (${onlyOurs} more only it finishes, ${ours.filter(({ figures }) => !figures).length} it does not):`,
  );
  print(`  latency ${text(both.map(({ latency }) => latency))} (bars 5.6x, 4x)`);
  print(`  energy  ${text(both.map(({ energy }) => energy))} (bars 4.4x, 3.3x)`);
  const slower = ours.flatMap((cell) => {
    const rivals = harvested.filter(
      (other) => key(other) === key(cell) && BASELINES.some((b) => nameOf(b) === other.way),
    );
    const best = Math.min(...rivals.map(({ figures }) => figures?.latencySeconds ?? Infinity));
    const own = cell.figures?.latencySeconds ?? Infinity;
    return own > best
      ? [
          `${cell.model}, ${cell.power}, ${(cell.capacitanceFarads ?? 0) * 1e3} mF: ${own.toFixed(3)} s for ${best.toFixed(3)} s`,
        ]
      : [];
  });
  print(
    `  slower than the best baseline in ${slower.length} of ${ours.length} cells${slower.length > 0 ? ':' : ''}`,
  );
  slower.forEach((line) => print(`    ${line}`));
}
