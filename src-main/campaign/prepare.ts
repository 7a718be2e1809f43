/** Everything a run needs before the bench is touched: files read and hashed, model compiled, samples quantized. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { boardProfile } from '../board/profiles/index.js';
import { costModel, planningPower, type Capacitor } from '../board/planning.js';
import type { BoardProfile } from '../board/profile.js';
import { loadDataset, type Dataset } from '../common/dataset.js';
import { InputError } from '../common/errors.js';
import { sha256 } from '../common/sha256.js';
import { resourcePath } from '../common/resources.js';
import {
  compileQuantized,
  emitDataset,
  quantizeInput,
  quantizeModel,
  type Compilation,
  type QuantizedModel,
} from '../compiler/index.js';
import type { CalibrationMethod } from '../compiler/calibration-method.js';
import type { KernelSet, Strategy } from '../compiler/plan.js';
import { constantHarvest, GENERATORS, squareHarvest } from '../supply/traces/generated.js';
import { loadHarvest } from '../supply/traces/load-harvest.js';
import type { Harvest } from '../supply/harvest.js';
import type { Artifact, PowerSource, RunConfig, RunPrediction } from './types.js';

/** What decides an image. */
export interface CompileRequest {
  modelPath: string;
  calibrationPath: string | null;
  /** Left out: what is best. */
  calibrateBy?: CalibrationMethod;
  /** Whether the quantization report says for each layer what it costs. */
  reportLayers?: boolean;
  board: string;
  strategy: Strategy;
  kernels: KernelSet;
  /** Most SRAM for activations; null = all the board has. */
  sramBytes: number | null;
  /** What strategies `planned` and `adaptive` plan for; null = power that never fails. */
  capacitor: Capacitor | null;
  /** Mean power that the capacitor gets while the board runs; left out: none. */
  harvestWatts?: number;
}

export interface CompiledFiles {
  profile: BoardProfile;
  compiled: Compilation;
  /** Model, calibration and image. */
  artifacts: Artifact[];
}

export interface PreparedRun {
  config: RunConfig;
  profile: BoardProfile;
  compiled: Compilation;
  /** Data-set image with this run's samples only, in order. */
  datasetImage: Uint8Array;
  /** The same samples, quantized as the model's input. */
  samples: Int8Array[];
  labels: (number | null)[];
  /** null for continuous power. */
  harvest: Harvest | null;
  firmware: Uint8Array;
  artifacts: Artifact[];
  /** What the run is expected to measure; null until that was computed. */
  predicted: RunPrediction | null;
}

/** A model file, read and quantized. */
export interface LoadedModel {
  model: QuantizedModel;
  /** Model and calibration. */
  artifacts: Artifact[];
}

/** @throws InputError for files that are missing or wrong, operators that are not known */
export async function loadModel(
  request: Pick<CompileRequest, 'modelPath' | 'calibrationPath' | 'calibrateBy' | 'reportLayers'>,
): Promise<LoadedModel> {
  const file = await readArtifact('model', request.modelPath);
  const artifacts = [file];
  let calibration: Float32Array[] | null = null;
  if (request.calibrationPath !== null) {
    const samples = await readArtifact('calibration', request.calibrationPath);
    calibration = floatSamples(loadDataset(samples.bytes, request.calibrationPath), request.calibrationPath);
    artifacts.push(samples);
  }
  const model = quantizeModel(file.bytes, request.modelPath, {
    ...(calibration === null ? {} : { calibration }),
    ...(request.calibrateBy === undefined ? {} : { calibrateBy: request.calibrateBy }),
    reportLayers: request.reportLayers === true,
  });
  return { model, artifacts };
}

/** @throws InputError for models that do not fit */
export function compileLoaded(
  { model }: LoadedModel,
  request: Pick<
    CompileRequest,
    'board' | 'strategy' | 'kernels' | 'sramBytes' | 'capacitor' | 'harvestWatts'
  >,
): { profile: BoardProfile; compiled: Compilation } {
  const profile = boardProfile(request.board);
  const compiled = compileQuantized(model, {
    strategy: request.strategy,
    kernels: request.kernels,
    boardNumber: profile.imageBoard,
    sramBytes: Math.min(request.sramBytes ?? profile.arenaBytes, profile.arenaBytes),
    boardSramBytes: profile.arenaBytes,
    costs: costModel(profile),
    nvmBytes: profile.nvmBytes,
    power:
      request.capacitor === null ? null : planningPower(request.capacitor, profile, request.harvestWatts),
  });
  return { profile, compiled };
}

/**
 * Compiles a model file for a board.
 * @throws InputError for files that are missing or wrong, operators that are not known, models that do not fit
 */
export async function compileFiles(request: CompileRequest): Promise<CompiledFiles> {
  boardProfile(request.board);
  const loaded = await loadModel(request);
  const { profile, compiled } = compileLoaded(loaded, request);
  const name = `${basename(request.modelPath)}.${request.strategy}.image`;
  return { profile, compiled, artifacts: [...loaded.artifacts, artifact('image', name, compiled.image)] };
}

/**
 * @throws InputError as compileFiles, and for samples or traces that are not there
 */
export async function prepareRun(config: RunConfig): Promise<PreparedRun> {
  const capacitor = config.power.kind === 'continuous' ? null : config;
  const harvest = await resolveHarvest(config.power);
  const { profile, compiled, artifacts } = await compileFiles({
    ...config,
    sramBytes: config.sramBytes ?? null,
    capacitor,
    harvestWatts: harvestWatts(harvest, config),
  });
  const dataFile = await readArtifact('data', config.dataPath);
  const firmware = await readArtifact('firmware', resourcePath('firmware', 'prebuilt', `${profile.id}.bin`));
  artifacts.push(dataFile, firmware);
  if (config.power.kind === 'trace') {
    artifacts.push(await readArtifact('harvest', config.power.path));
  }
  const data = loadDataset(dataFile.bytes, config.dataPath);
  const chosen = chooseSamples(data, config);
  const samples = quantizeInput(chosen.samples, compiled.graph);
  return {
    config,
    profile,
    compiled,
    datasetImage: emitDataset(samples),
    samples,
    labels: chosen.labels,
    harvest,
    firmware: firmware.bytes,
    artifacts,
    predicted: null,
  };
}

/** Mean power of a harvest into a capacitor that stands halfway between its thresholds. */
export function harvestWatts(
  harvest: Harvest | null,
  { turnOnVolts, brownOutVolts }: Pick<Capacitor, 'turnOnVolts' | 'brownOutVolts'>,
): number {
  if (harvest === null) {
    return 0;
  }
  const capacitorVolts = (turnOnVolts + brownOutVolts) / 2;
  const { steps, durationSeconds } = harvest;
  const joules = steps.reduce((sum, { startSeconds, volts, amps }, index) => {
    const seconds = (steps[index + 1]?.startSeconds ?? durationSeconds) - startSeconds;
    return sum + (volts > capacitorVolts ? amps * capacitorVolts * seconds : 0);
  }, 0);
  return joules / durationSeconds;
}

/** Reads a file the user named. @throws InputError naming the path when it cannot be read */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new InputError({
      code: 'cannot-read',
      place: path,
      message: code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`,
      remedy: 'Check the path; relative paths in a campaign count from the folder of the campaign file',
      cause,
    });
  }
}

/** The harvest a power source stands for; null for continuous power. */
export async function resolveHarvest(power: PowerSource): Promise<Harvest | null> {
  switch (power.kind) {
    case 'continuous':
      return null;
    case 'constant':
      return constantHarvest(power);
    case 'square':
      return squareHarvest(power);
    case 'generated':
      return GENERATORS[power.shape](power);
    case 'trace':
      return loadHarvest(power.path, { scale: power.scale });
  }
}

async function readArtifact(kind: Artifact['kind'], path: string): Promise<Artifact> {
  return artifact(kind, basename(path), await readInput(path));
}

function artifact(kind: Artifact['kind'], name: string, bytes: Uint8Array): Artifact {
  return { sha256: sha256(bytes), kind, name, bytes };
}

/** Samples of a calibration set as float32. @throws InputError when they are not */
function floatSamples(data: Dataset, place: string): Float32Array[] {
  return data.samples.map((sample) => {
    if (!(sample instanceof Float32Array)) {
      throw new InputError({
        code: 'calibration-type',
        place,
        message: 'calibration samples must be float32',
        remedy: 'Store x as float32 in the range the model was trained with',
      });
    }
    return sample;
  });
}

function chooseSamples(data: Dataset, { firstSample, sampleCount, dataPath }: RunConfig) {
  const end = firstSample + sampleCount;
  if (end > data.samples.length) {
    throw new InputError({
      code: 'sample-range',
      place: dataPath,
      message: `samples ${firstSample} to ${end - 1} were asked for, but it has ${data.samples.length}`,
      remedy: 'Ask for fewer samples or start at an earlier one',
    });
  }
  return {
    samples: data.samples.slice(firstSample, end),
    labels: Array.from({ length: sampleCount }, (_, index) => data.labels?.[firstSample + index] ?? null),
  };
}
