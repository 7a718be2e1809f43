/** From a campaign to its runs: the full matrix, in a fixed order, each cell with everything that decides its outcome. */
import { basename, isAbsolute, join } from 'node:path';
import { formatQuantity } from '../common/quantity.js';
import { boardProfile } from '../board/profiles/index.js';
import { powerName } from '../store/power-name.js';
import type { CampaignDefinition, HarvestDefinition } from './definition.js';
import type { PowerSource, RunConfig } from './types.js';

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
  const turnOnVolts = definition.thresholds?.von ?? profile.power.turnOnVolts.value;
  const brownOutVolts = definition.thresholds?.voff ?? profile.power.brownOutVolts.value;
  const resolve = (path: string) => (isAbsolute(path) ? path : join(definition.folder, path));
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
                  strategy,
                  kernels,
                  board: profile.id,
                  capacitanceFarads,
                  turnOnVolts,
                  brownOutVolts,
                  power,
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
  return cells;
}

function powerSource(harvest: HarvestDefinition, resolve: (path: string) => string): PowerSource {
  if (harvest === 'continuous') {
    return { kind: 'continuous' };
  }
  if ('constant' in harvest) {
    return { kind: 'constant', ...harvest.constant };
  }
  if ('square' in harvest) {
    const { volts, amps, period, duty } = harvest.square;
    return { kind: 'square', volts, amps, periodSeconds: period, dutyShare: duty };
  }
  return { kind: 'trace', path: resolve(harvest.trace), scale: harvest.scale };
}
