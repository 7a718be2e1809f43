/** From a campaign to its runs: the full matrix, in a fixed order, each cell with everything that decides its outcome. */
import { basename, isAbsolute, join } from 'node:path';
import { InputError } from '../common/errors.js';
import { formatQuantity } from '../common/quantity.js';
import { boardProfile } from '../board/profiles/index.js';
import { powerName } from '../store/power-name.js';
import type { CampaignDefinition, HarvestDefinition } from './definition.js';
import type { PowerSource, RealBenchSpec, RunConfig } from './types.js';

export interface Cell {
  /** Identity within the campaign, readable: `digits.onnx · tile · reference · 1.00 mF · 5 V 5 mA · #1`. */
  key: string;
  repeat: number;
  /** What the power is called in lists. */
  power: string;
  config: RunConfig;
}

/**
 * @throws InputError for a board that is not known. Files are not opened here; a run reports what is wrong with them.
 */
export function expandCampaign(definition: CampaignDefinition): Cell[] {
  const profile = boardProfile(definition.board);
  assertNotTooMany(definition);
  const turnOnVolts = definition.thresholds?.von ?? profile.power.turnOnVolts.value;
  const brownOutVolts = definition.thresholds?.voff ?? profile.power.brownOutVolts.value;
  const resolve = (path: string) => (isAbsolute(path) ? path : join(definition.folder, path));
  const bench = benchOf(definition);
  const cells: Cell[] = [];
  for (const model of definition.models) {
    for (const harvest of definition.harvests) {
      for (const capacitanceFarads of definition.capacitances) {
        for (const strategy of definition.strategies) {
          for (const kernels of definition.kernels) {
            for (let repeat = 1; repeat <= definition.repeats; repeat++) {
              const power = powerSource(harvest, resolve);
              const name = powerName(power);
              const key = [
                basename(model.file),
                strategy,
                kernels,
                formatQuantity(capacitanceFarads, 'F', 3),
                name,
                `#${repeat}`,
              ].join(' · ');
              cells.push({
                key,
                repeat,
                power: name,
                config: {
                  modelPath: resolve(model.file),
                  dataPath: resolve(model.data),
                  calibrationPath: model.calibration === undefined ? null : resolve(model.calibration),
                  ...(model.calibrateBy === undefined ? {} : { calibrateBy: model.calibrateBy }),
                  strategy,
                  kernels,
                  board: profile.id,
                  capacitanceFarads,
                  turnOnVolts,
                  brownOutVolts,
                  power,
                  ...(bench === undefined ? {} : { bench }),
                  firstSample: definition.firstSample,
                  sampleCount: definition.samples,
                  seed: definition.seed + repeat - 1,
                  stop: {
                    powerCyclesWithoutProgress: definition.stop.powerCyclesWithoutProgress,
                    maximumSeconds: definition.stop.maximumTime,
                  },
                },
              });
            }
          }
        }
      }
    }
  }
  return distinct(cells, definition.name);
}

/** Runs of one campaign; more would not fit into memory at once, nor into a lifetime. */
const MAXIMUM_RUNS = 100_000;

/**
 * Gives cells whose readable key is the same (files of one name, capacitances that differ in the fourth digit) keys of
 * their own, since a resume goes by them.
 * @throws InputError `cell-twice` when two cells are the same in everything
 */
function distinct(cells: Cell[], place: string): Cell[] {
  const configs = new Map<string, string[]>();
  for (const cell of cells) {
    const config = JSON.stringify(cell.config);
    const sameKey = configs.get(cell.key) ?? [];
    configs.set(cell.key, sameKey);
    if (sameKey.includes(config)) {
      throw new InputError({
        code: 'cell-twice',
        place,
        message: `the run ${cell.key} stands in it twice`,
        remedy: 'Remove what is listed twice; to run something several times, set repeats',
      });
    }
    sameKey.push(config);
    if (sameKey.length > 1) {
      cell.key += ` · (${sameKey.length})`;
    }
  }
  return cells;
}

function benchOf({ bench }: CampaignDefinition): RealBenchSpec | undefined {
  if (bench === undefined) {
    return undefined;
  }
  const { board, supply, mode } = bench;
  return { boardPort: board, supplyPort: supply.port, supply: supply.profile, mode };
}

function assertNotTooMany(definition: CampaignDefinition): void {
  const { models, harvests, capacitances, strategies, kernels, repeats } = definition;
  const runs =
    models.length * harvests.length * capacitances.length * strategies.length * kernels.length * repeats;
  if (runs > MAXIMUM_RUNS) {
    throw new InputError({
      code: 'too-many-runs',
      place: definition.name,
      message: `the campaign has ${runs} runs`,
      remedy: `Cut it into campaigns of at most ${MAXIMUM_RUNS} runs`,
    });
  }
}

function powerSource(harvest: HarvestDefinition, resolve: (path: string) => string): PowerSource {
  if (harvest === 'continuous') {
    return { kind: 'continuous' };
  }
  if ('constant' in harvest) {
    return { kind: 'constant', ...harvest.constant };
  }
  if ('generated' in harvest) {
    const { duration, ...generated } = harvest.generated;
    return { kind: 'generated', ...generated, durationSeconds: duration };
  }
  if ('square' in harvest) {
    const { volts, amps, period, duty } = harvest.square;
    return { kind: 'square', volts, amps, periodSeconds: period, dutyShare: duty };
  }
  return { kind: 'trace', path: resolve(harvest.trace), scale: harvest.scale };
}
