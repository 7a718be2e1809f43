/** The models that crash points are tried on, compiled for one strategy, with what an undisturbed inference gives. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { planningPower } from '../../src-main/board/planning.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { loadDataset } from '../../src-main/common/dataset.js';
import { InputError } from '../../src-main/common/errors.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import {
  compile,
  emitDataset,
  quantizeInput,
  type CompileOptions,
  type PlanningPower,
} from '../../src-main/compiler/index.js';
import { elementCount, type Graph } from '../../src-main/compiler/graph.js';
import { KERNEL_SETS, type Strategy } from '../../src-main/compiler/plan.js';
import { NoiseSource } from '../../src-main/board/virtual/random.js';

export interface CrashModel {
  /** Board number of the Pico, so that host and virtual board take the same bytes. */
  image: Uint8Array;
  /** As many samples as `expected` has outputs. */
  dataset: Uint8Array;
  /** Of the host build without a failure, one per sample; the compiler's tests compare them with TFLite Micro. */
  expected: Int8Array[];
  tasksPerInference: number;
  /** False where the board decides by what it senses which tasks it commits. */
  fixedCommits: boolean;
}

interface ModelSource {
  /** Path below the examples of the build, or below the folder of shared material. */
  model: string;
  data: string | null;
  calibration: string | null;
  shared: boolean;
  /** Less than its tensors need, so that stripes and NVM have to do; left out: all of the board's. */
  sramBytes?: number;
}

const SOURCES = {
  hello_world: source('models/hello_world_int8.tflite', null),
  digits: {
    model: 'digits.onnx',
    data: 'digits-eval.npz',
    calibration: 'digits-calibration.npz',
    shared: false,
  },
  digits_tiled: {
    model: 'digits.onnx',
    data: 'digits-eval.npz',
    calibration: 'digits-calibration.npz',
    shared: false,
    sramBytes: 1536,
  },
  micro_speech: source('models/micro_speech_int8.tflite', null),
  kws_ds_cnn: source('models/kws_ds_cnn_int8.tflite', 'eval/kws_25.npz'),
  kws_ds_cnn_8k: { ...source('models/kws_ds_cnn_int8.tflite', 'eval/kws_25.npz'), sramBytes: 8192 },
  ic_resnet8: source('models/ic_resnet8_int8.tflite', 'eval/ic_25.npz'),
  ic_resnet8_16k: { ...source('models/ic_resnet8_int8.tflite', 'eval/ic_25.npz'), sramBytes: 16384 },
} satisfies Record<string, ModelSource>;

export type ModelName = keyof typeof SOURCES;

/** Strategies whose plan depends on the capacitor; without one they plan for power that never fails. */
const PLANNED_FOR_POWER: readonly Strategy[] = ['planned', 'adaptive'];
const LARGEST_FARADS = 10e-3;
const CAPACITANCE_STEP = 0.8;

/** From small to large. */
export const MODEL_NAMES = Object.keys(SOURCES) as ModelName[];

/** The models whose files are here: those of the folder `shared` lie beside the checkout or are missing. */
export function availableModels(): ModelName[] {
  const shared = sharedFolder();
  return MODEL_NAMES.filter((name) => !SOURCES[name].shared || shared !== null);
}

/**
 * @param samples how many inferences there are to do
 * @throws Error when the folder `shared` is needed and not there; InputError of the compiler
 */
export function crashModel(name: ModelName, strategy: Strategy, samples: number): CrashModel {
  const { model, data, calibration, sramBytes }: ModelSource = SOURCES[name];
  const bytes = read(name, model);
  const options = {
    strategy,
    // The fastest there is: results are the same, and more cuts fit the time.
    kernels: KERNEL_SETS[KERNEL_SETS.length - 1],
    boardNumber: picoFram.imageBoard,
    sramBytes: sramBytes ?? picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
    ...(calibration === null
      ? {}
      : { calibration: samplesOf(name, calibration).map((sample) => Float32Array.from(sample)) }),
  };
  const unpowered = compile(bytes, model, options);
  const power = PLANNED_FOR_POWER.includes(strategy) ? tightPower(unpowered.graph, options) : null;
  const compiled = power === null ? unpowered : compile(bytes, model, { ...options, power });
  const { graph } = compiled;
  const values =
    data === null
      ? randomSamples(elementCount(graph.tensors[graph.inputs[0]].shape), samples)
      : samplesOf(name, data);
  const inputs = quantizeInput(
    Array.from({ length: samples }, (_, index) => values[index % values.length]),
    graph,
  );
  return {
    image: compiled.image,
    dataset: emitDataset(inputs),
    expected: inferOnHost(compiled.image, inputs),
    tasksPerInference: compiled.plan.tasks.length,
    fixedCommits: compiled.plan.tasks.every(({ commit }) => commit.when === 'always'),
  };
}

/** The smallest capacitor, by steps, that a plan still fits: it gives the most tasks. */
function tightPower(graph: Graph, options: CompileOptions): PlanningPower {
  const { turnOnVolts, brownOutVolts } = picoFram.power;
  let tight: PlanningPower | null = null;
  for (let capacitanceFarads = LARGEST_FARADS; ; capacitanceFarads *= CAPACITANCE_STEP) {
    const capacitor = {
      capacitanceFarads,
      turnOnVolts: turnOnVolts.value,
      brownOutVolts: brownOutVolts.value,
    };
    const power = planningPower(capacitor, picoFram);
    try {
      plan(graph, { ...options, power });
      tight = power;
    } catch (error) {
      if (tight !== null && error instanceof InputError) {
        return tight;
      }
      throw error;
    }
  }
}

function source(model: string, data: string | null): ModelSource {
  return { model, data, calibration: null, shared: true };
}

function samplesOf(name: ModelName, path: string): (Float32Array | Int8Array | Uint8Array)[] {
  return loadDataset(read(name, path), path).samples;
}

function randomSamples(elements: number, count: number): Int8Array[] {
  const noise = new NoiseSource(count);
  return Array.from({ length: count }, () => Int8Array.from({ length: elements }, () => noise.next() >> 24));
}

function read(name: ModelName, path: string): Uint8Array {
  if (!SOURCES[name].shared) {
    return readFileSync(resourcePath('dist', 'examples', path));
  }
  const shared = sharedFolder();
  if (shared === null) {
    throw new Error(`model ${name} needs the folder "shared" beside the checkout`);
  }
  return readFileSync(join(shared, path));
}

/** Real models and samples of other projects; recognised by its DESIGN.md. */
function sharedFolder(): string | null {
  for (let folder = resourcePath(); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'shared', 'DESIGN.md'))) {
      return join(folder, 'shared');
    }
  }
  return null;
}
