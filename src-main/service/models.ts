/** `brownout inspect` and `brownout compile`: what is in a model, and what becomes of it. */
import { boardProfile } from '../board/profiles/index.js';
import { planningPower, type Capacitor } from '../board/planning.js';
import { predictRun } from '../campaign/prediction/index.js';
import {
  compileFiles,
  harvestWatts,
  readInput,
  resolveHarvest,
  type CompiledFiles,
  type CompileRequest,
} from '../campaign/prepare.js';
import { explainPlan, type ExplainedTask } from '../compiler/index.js';
import type { Plan } from '../compiler/plan.js';
import type { PowerSource, RunPrediction, StopRules } from '../campaign/types.js';
import { InputError } from '../common/errors.js';
import { loadDataset } from '../common/dataset.js';
import { writeWhole } from '../common/write-whole.js';
import { importModel } from '../compiler/1-import/index.js';
import { emitDataset, quantizeInput, type Compilation } from '../compiler/index.js';
import { inspectGraph, type Inspection } from '../compiler/inspect.js';
import { memoryReport, type MemoryReport } from './memory-report.js';

/** @throws InputError for a file that is not a model this compiler can read */
export async function inspectModel(path: string): Promise<Inspection> {
  return inspectGraph(importModel(await readInput(path), path));
}

/**
 * A capacitor with the thresholds that the user named, or else the board's.
 * @throws InputError for a board that is not known
 */
export function capacitorOf(named: {
  board: string;
  capacitanceFarads: number;
  turnOnVolts: number | null;
  brownOutVolts: number | null;
}): Capacitor {
  const { power } = boardProfile(named.board);
  return {
    capacitanceFarads: named.capacitanceFarads,
    turnOnVolts: named.turnOnVolts ?? power.turnOnVolts.value,
    brownOutVolts: named.brownOutVolts ?? power.brownOutVolts.value,
  };
}

export interface CompileOutput {
  /** Where the image goes. */
  imagePath: string;
  /** Samples (.npz) that are quantized for the model's input and written beside the image, for flashing; or null. */
  dataPath: string | null;
}

/** Path of the data set that belongs to an image: `brownout flash` looks for it there. */
export function datasetPathOf(imagePath: string): string {
  return `${imagePath}.dataset`;
}

/** What every task and commit of a plan cost on a board, and what a failure there would take again. */
export function explainForBoard(plan: Plan, board: string): ExplainedTask[] {
  const capacitor = capacitorOf({ ...NO_CAPACITOR, board });
  return explainPlan(plan, planningPower(capacitor, boardProfile(board)).costs);
}

/** Under power that never fails, the capacitor changes nothing. */
const NO_CAPACITOR = { capacitanceFarads: 1e-3, turnOnVolts: null, brownOutVolts: null };
/** What becomes of a run is as good as known after so many power cycles without a commit, or after a day. */
const DEFAULT_STOP: StopRules = { powerCyclesWithoutProgress: 20, maximumSeconds: 86_400 };

/**
 * Compiles, predicts one inference under the given power, and writes image and data set unless `output` is null.
 * @throws InputError for wrong files, unknown operators, models that do not fit
 */
export async function compileModel(
  request: CompileRequest & { power: PowerSource },
  output: CompileOutput | null,
): Promise<{ compiled: Compilation; predicted: RunPrediction; memory: MemoryReport }> {
  const { compiled, predicted } = await compileAndPredict(request);
  const memory = memoryReport(
    compiled.plan,
    predicted,
    compiled.plan.tiling === null ? null : await predictUnconstrained(request),
  );
  if (output === null) {
    return { compiled, predicted, memory };
  }
  if (output.dataPath !== null) {
    const { samples } = loadDataset(await readInput(output.dataPath), output.dataPath);
    await writeWhole(datasetPathOf(output.imagePath), emitDataset(quantizeInput(samples, compiled.graph)));
  }
  await writeWhole(output.imagePath, compiled.image);
  return { compiled, predicted, memory };
}

async function compileAndPredict(
  request: CompileRequest & { power: PowerSource },
): Promise<CompiledFiles & { predicted: RunPrediction }> {
  const harvest = await resolveHarvest(request.power);
  const capacitor = request.capacitor ?? capacitorOf({ ...NO_CAPACITOR, board: request.board });
  const files = await compileFiles({ ...request, harvestWatts: harvestWatts(harvest, capacitor) });
  const { profile, compiled } = files;
  const config = { ...capacitor, sampleCount: 1, stop: DEFAULT_STOP };
  return { ...files, predicted: predictRun({ config, profile, compiled, harvest }) };
}

/** With all of the board's SRAM; null where even that is too little for whole tensors, or the plan does not fit its power. */
async function predictUnconstrained(
  request: CompileRequest & { power: PowerSource },
): Promise<RunPrediction | null> {
  try {
    const { compiled, predicted } = await compileAndPredict({ ...request, sramBytes: null });
    return compiled.plan.tiling === null ? predicted : null;
  } catch (error) {
    if (error instanceof InputError) {
      return null;
    }
    throw error;
  }
}
