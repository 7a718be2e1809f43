/** `brownout infer`: a model on a data set, on the host build or on the virtual board, one result for both. */
import { basename } from 'node:path';
import { inferOnAllCores } from '../board/host/infer-parallel.js';
import { compileFiles, readInput } from '../campaign/prepare.js';
import { runInWorker } from '../campaign/run-in-worker.js';
import type { PowerSource, RunEvent, RunMeasures, RunPrediction, StopRules } from '../campaign/types.js';
import { accuracy } from '../common/accuracy.js';
import { argmax } from '../common/argmax.js';
import { loadDataset } from '../common/dataset.js';
import { InputError, RunError } from '../common/errors.js';
import { quantizeInput } from '../compiler/index.js';
import type { CalibrationMethod } from '../compiler/calibration-method.js';
import type { KernelSet, Strategy } from '../compiler/plan.js';
import { capacitorOf } from './models.js';

export interface InferRequest {
  modelPath: string;
  dataPath: string;
  calibrationPath: string | null;
  /** Left out: what is best. */
  calibrateBy?: CalibrationMethod;
  backend: 'host' | 'virtual';
  board: string;
  strategy: Strategy;
  kernels: KernelSet;
  /** Most samples to use; null = all. */
  limit: number | null;
  power: PowerSource;
  capacitanceFarads: number;
  /** Null = the board profile's. */
  turnOnVolts: number | null;
  brownOutVolts: number | null;
  /** Most SRAM for activations; left out: all that the board has. */
  sramBytes?: number;
  seed: number;
  stop: StopRules;
}

export interface InferResult {
  model: string;
  backend: 'host' | 'virtual';
  strategy: Strategy;
  kernels: KernelSet;
  samples: number;
  macs: number;
  parameters: number;
  peakActivationBytes: number;
  sramBytes: number;
  nvmBytes: number;
  imageBytes: number;
  tasks: number;
  accuracy: number | null;
  /** One array of int8 values per sample. */
  outputs: number[][];
  /** Null for the host backend, which has neither a clock nor a capacitor. */
  measured: RunMeasures | null;
  /** What was expected of it; null as `measured`. */
  predicted: RunPrediction | null;
}

/**
 * @throws InputError for wrong files or arguments; RunError when the virtual run failed or does not terminate
 */
export async function infer(
  request: InferRequest,
  hooks: { signal: AbortSignal; onEvent: (event: RunEvent) => void },
): Promise<InferResult> {
  const capacitor = request.power.kind === 'continuous' ? null : capacitorOf(request);
  const { profile, compiled } = await compileFiles({
    ...request,
    sramBytes: request.sramBytes ?? null,
    capacitor,
  });
  const data = loadDataset(await readInput(request.dataPath), request.dataPath);
  const samples = Math.min(request.limit ?? data.samples.length, data.samples.length);
  if (samples === 0) {
    throw new InputError({
      code: 'no-samples',
      place: request.dataPath,
      message: 'there is no sample to infer',
      remedy: 'Give a data set with at least one sample, and a --limit of at least 1',
    });
  }
  const { plan, inspection } = compiled;
  const common = {
    model: basename(request.modelPath),
    backend: request.backend,
    strategy: request.strategy,
    kernels: request.kernels,
    samples,
    macs: plan.macs,
    parameters: inspection.parameters,
    peakActivationBytes: inspection.peakActivationBytes,
    sramBytes: plan.arenaBytes,
    nvmBytes: plan.nvmBytes,
    imageBytes: compiled.image.length,
    tasks: plan.tasks.length,
  };
  if (request.backend === 'host') {
    const inputs = quantizeInput(data.samples.slice(0, samples), compiled.graph);
    const outputs = await inferOnAllCores(compiled.image, inputs, {
      signal: hooks.signal,
      onProgress: (done, total) => {
        hooks.onEvent({ kind: 'stage', stage: 'run', fraction: done / total });
      },
    });
    return {
      ...common,
      accuracy: data.labels === null ? null : accuracy(outputs.map(argmax), data.labels),
      outputs: outputs.map((output) => [...output]),
      measured: null,
      predicted: null,
    };
  }
  const outcome = await runInWorker(
    {
      ...request,
      turnOnVolts: request.turnOnVolts ?? profile.power.turnOnVolts.value,
      brownOutVolts: request.brownOutVolts ?? profile.power.brownOutVolts.value,
      firstSample: 0,
      sampleCount: samples,
    },
    { ...hooks, campaignSha256: null },
  );
  if (outcome.status !== 'finished') {
    throw new RunError({
      code: outcome.status,
      place: common.model,
      message: (outcome.reason ?? outcome.status).replace(/\.$/, ''),
      remedy: `${outcome.results.length} of ${samples} inferences had finished`,
    });
  }
  return {
    ...common,
    accuracy: outcome.measures.accuracy,
    outputs: outcome.results.map((result) => [...result.output]),
    measured: outcome.measures,
    predicted: outcome.predicted,
  };
}
