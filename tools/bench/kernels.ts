/** `npm run bench -- kernels`: cycles of every operator of the MLPerf Tiny models against TensorFlow Lite Micro. */
import { readFileSync } from 'node:fs';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { readNpz } from '../../src-main/common/npz.js';
import { compile, quantizeInput } from '../../src-main/compiler/index.js';
import { elementCount } from '../../src-main/compiler/graph.js';
import { operatorMacs } from '../../src-main/compiler/inspect.js';
import { KERNEL_SETS, type KernelSet } from '../../src-main/compiler/plan.js';
import { operatorCycles } from './kernel-cycles.js';
import { sharedFile } from './shared.js';
import { autoencoder, mobileNetV1 } from './random-models.js';

/**
 * Cycles of one inference of TensorFlow Lite Micro with CMSIS-NN on a Cortex-M0+: pico-tflmicro of 2024-12-26, one core,
 * arm-none-eabi-gcc 12.2 -O2, in rp2040js 1.4.1 around MicroInterpreter::Invoke, with SRAM and flash without wait states.
 */
interface BenchModel {
  name: string;
  peerCycles: number;
  /** null: neither here nor generated. */
  load: () => { bytes: Uint8Array; sample: Int8Array | null } | null;
}

const MODELS: readonly BenchModel[] = [
  { name: 'ic_resnet8', peerCycles: 136_658_027, load: () => loadShared('ic_resnet8_int8', 'ic_25') },
  { name: 'kws_ds_cnn', peerCycles: 39_479_579, load: () => loadShared('kws_ds_cnn_int8', 'kws_25') },
  {
    name: 'vww_mobilenetv1_025_96',
    peerCycles: 118_428_377,
    load: () => ({ bytes: mobileNetV1(), sample: null }),
  },
  { name: 'ad_autoencoder', peerCycles: 2_359_079, load: () => ({ bytes: autoencoder(), sample: null }) },
];

export interface OperatorResult {
  name: string;
  kind: string;
  macs: number;
  cycles: number;
}

export interface ModelResult {
  model: string;
  kernels: KernelSet;
  macs: number;
  cycles: number;
  /** With flash that answers at once: the conditions under which the peer was measured. */
  cyclesWithoutWaitStates: number;
  peerCycles: number;
  ratio: number;
  ratioWithoutWaitStates: number;
  outputsAgree: boolean;
  operators: OperatorResult[];
}

export interface KernelResults {
  models: ModelResult[];
  geometricMean: Partial<Record<KernelSet, { ratio: number; ratioWithoutWaitStates: number }>>;
  absent: string[];
}

/**
 * Measures and prints.
 *
 * @param sets kernel sets to measure; default all
 */
export async function benchKernels(
  print: (line: string) => void,
  sets: readonly KernelSet[] = KERNEL_SETS,
): Promise<KernelResults> {
  const results: KernelResults = { models: [], geometricMean: {}, absent: [] };
  for (const model of MODELS) {
    const loaded = model.load();
    if (loaded === null) {
      results.absent.push(model.name);
      print(`${model.name}: not measured, the folder "shared" with its file is not beside the checkout`);
      continue;
    }
    for (const kernels of sets) {
      const result = await measure(model, loaded, kernels);
      results.models.push(result);
      printModel(result, print);
    }
  }
  for (const kernels of sets) {
    const chosen = results.models.filter((result) => result.kernels === kernels);
    const ratio = geometricMean(chosen.map((result) => result.ratio));
    const ratioWithoutWaitStates = geometricMean(chosen.map((result) => result.ratioWithoutWaitStates));
    results.geometricMean[kernels] = { ratio, ratioWithoutWaitStates };
    print(
      `${kernels}: fewer cycles than TensorFlow Lite Micro with CMSIS-NN, geometric mean of ${chosen.length} models: ` +
        `${ratio.toFixed(2)}x, flash without wait states as the peer ${ratioWithoutWaitStates.toFixed(2)}x`,
    );
  }
  return results;
}

async function measure(
  { name, peerCycles }: BenchModel,
  { bytes, sample }: { bytes: Uint8Array; sample: Int8Array | null },
  kernels: KernelSet,
): Promise<ModelResult> {
  const { graph, plan, image } = compile(bytes, name, {
    strategy: 'layer',
    kernels,
    boardNumber: picoFram.imageBoard,
    sramBytes: picoFram.arenaBytes,
    nvmBytes: picoFram.nvmBytes,
  });
  const input = sample ?? noise(elementCount(graph.tensors[graph.inputs[0]].shape));
  const [expected] = inferOnHost(image, quantizeInput([input], graph));
  const real = await operatorCycles(plan, input, false);
  const ideal = await operatorCycles(plan, input, true);
  const operators = plan.tasks.map(({ name: task, steps }, index): OperatorResult => {
    const execute = steps.find((step) => step.kind === 'EXECUTE');
    const operator = execute?.kind === 'EXECUTE' ? graph.operators[execute.operator] : null;
    return {
      name: operator?.name ?? task,
      kind: operator?.kind ?? '-',
      macs: operator === null ? 0 : operatorMacs(graph, operator),
      cycles: real.cycles[index],
    };
  });
  const cycles = sum(real.cycles);
  const cyclesWithoutWaitStates = sum(ideal.cycles);
  return {
    model: name,
    kernels,
    macs: plan.macs,
    cycles,
    cyclesWithoutWaitStates,
    peerCycles,
    ratio: peerCycles / cycles,
    ratioWithoutWaitStates: peerCycles / cyclesWithoutWaitStates,
    outputsAgree: Buffer.compare(Buffer.from(real.output), Buffer.from(expected)) === 0,
    operators,
  };
}

function printModel(result: ModelResult, print: (line: string) => void): void {
  print(`${result.model}, kernels ${result.kernels}: ${result.macs.toLocaleString('en')} MACs`);
  for (const { name, kind, macs, cycles } of result.operators) {
    print(
      `  ${kind.padEnd(18)} ${name.slice(-28).padEnd(28)} ${cycles.toLocaleString('en').padStart(12)} cycles` +
        (macs > 0 ? `${(cycles / macs).toFixed(2).padStart(8)} / MAC` : ''),
    );
  }
  print(
    `  ${result.cycles.toLocaleString('en')} cycles, ${(result.cycles / result.macs).toFixed(2)} / MAC, ` +
      `peer ${result.peerCycles.toLocaleString('en')}: ${result.ratio.toFixed(2)}x; ` +
      `flash without wait states ${result.cyclesWithoutWaitStates.toLocaleString('en')}: ` +
      `${result.ratioWithoutWaitStates.toFixed(2)}x; host and board ${result.outputsAgree ? 'agree' : 'DIFFER'}`,
  );
}

function loadShared(model: string, samples: string): { bytes: Uint8Array; sample: Int8Array } | null {
  const modelPath = sharedFile('models', `${model}.tflite`);
  const samplesPath = sharedFile('eval', `${samples}.npz`);
  if (modelPath === null || samplesPath === null) {
    return null;
  }
  const x = readNpz(readFileSync(samplesPath), samples).get('x');
  if (!(x?.data instanceof Int8Array)) {
    return null;
  }
  return { bytes: readFileSync(modelPath), sample: x.data.slice(0, x.data.length / x.shape[0]) };
}

/** Any values do: time does not depend on them. */
function noise(length: number): Int8Array {
  let state = 0x9e3779b9;
  return Int8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >> 24;
  });
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((total, value) => total + Math.log(value), 0) / values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
