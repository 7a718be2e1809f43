import { boardProfile } from '../../board/profiles/index.js';
import { BenchError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { Harvest } from '../../supply/harvest.js';
import { predictRun } from '../prediction/index.js';
import { compileLoaded, harvestWatts, loadModel, resolveHarvest, type LoadedModel } from '../prepare.js';
import type { StopRules } from '../types.js';
import type { ExploredPoint, ExplorePoint, ExploreSpace } from './types.js';

/** What all points have in common. */
export interface Explorer {
  space: ExploreSpace;
  loaded: LoadedModel;
  harvest: Harvest | null;
}

/** As for `brownout compile`. */
const STOP: StopRules = { powerCyclesWithoutProgress: 20, maximumSeconds: 86_400 };

/** @throws InputError for files that are missing or wrong, operators and boards that are not known */
export async function createExplorer(space: ExploreSpace): Promise<Explorer> {
  boardProfile(space.board);
  return { space, loaded: await loadModel(space), harvest: await resolveHarvest(space.power) };
}

/** Plans and predicts one inference; what does not fit or would not end says why. */
export function evaluatePoint({ space, loaded, harvest }: Explorer, point: ExplorePoint): ExploredPoint {
  const { power } = boardProfile(space.board);
  const capacitor = {
    capacitanceFarads: point.capacitanceFarads,
    turnOnVolts: space.turnOnVolts ?? power.turnOnVolts.value,
    brownOutVolts: space.brownOutVolts ?? power.brownOutVolts.value,
  };
  try {
    const { profile, compiled } = compileLoaded(loaded, {
      board: space.board,
      strategy: point.strategy,
      kernels: space.kernels,
      sramBytes: point.sramLimitBytes,
      capacitor: harvest === null ? null : capacitor,
      harvestWatts: harvestWatts(harvest, capacitor),
    });
    const predicted = predictRun({
      config: { ...capacitor, sampleCount: 1, stop: STOP },
      profile,
      compiled,
      harvest,
    });
    const { latencySeconds } = predicted;
    if (latencySeconds === null) {
      const reason = predicted.terminates
        ? `the harvest ends before the inference does, after ${formatQuantity(predicted.totalSeconds, 's', 3)}`
        : `would not end: after ${predicted.powerCycles} power cycles the same task fails again and again`;
      return { ...point, feasible: false, reason };
    }
    return {
      ...point,
      feasible: true,
      objectives: {
        latencySeconds,
        energyJoules: predicted.energyJoules,
        sramBytes: compiled.plan.arenaBytes,
        nvmTrafficBytes: predicted.nvmBytesRead + predicted.nvmBytesWritten,
        capacitanceFarads: point.capacitanceFarads,
      },
      predicted,
      tasks: compiled.plan.tasks.length,
    };
  } catch (error) {
    if (error instanceof BenchError) {
      return { ...point, feasible: false, reason: `${error.reason}. ${error.remedy}` };
    }
    throw error;
  }
}
