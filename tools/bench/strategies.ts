/** `npm run bench -- strategies`: what each strategy costs, on two harvests and three capacitors. */
import { resolve } from 'node:path';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { executeRun } from '../../src-main/campaign/run.js';
import type { RunConfig, RunMeasures } from '../../src-main/campaign/types.js';
import { InputError } from '../../src-main/common/errors.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { STRATEGIES, type KernelSet, type Strategy } from '../../src-main/compiler/plan.js';
import { benchPowers } from './powers.js';
import { sharedFile } from './shared.js';

/** From one that hardly holds the largest unit of DS-CNN to one that holds a good part of the inference. */
const CAPACITANCES = [330e-6, 1e-3, 4.7e-3];
interface StrategyResult {
  model: string;
  power: string;
  capacitanceFarads: number;
  strategy: Strategy;
  kernels: KernelSet;
  status: string;
  /** Null where the run did not finish. */
  measured: Pick<
    RunMeasures,
    | 'latencySeconds'
    | 'energyJoules'
    | 'powerCycles'
    | 'checkpoints'
    | 'restores'
    | 'tasksReexecuted'
    | 'nvmBytesRead'
    | 'nvmBytesWritten'
  > | null;
}

function modelFiles(): Pick<RunConfig, 'modelPath' | 'dataPath' | 'calibrationPath'> & { name: string } {
  const keywords = sharedFile('models', 'kws_ds_cnn_int8.tflite');
  const samples = sharedFile('eval', 'kws_25.npz');
  if (keywords !== null && samples !== null) {
    return { name: 'kws_ds_cnn', modelPath: keywords, dataPath: samples, calibrationPath: null };
  }
  const example = (name: string): string => resolve(resourcePath('dist', 'examples', name));
  return {
    name: 'digits',
    modelPath: example('digits.onnx'),
    dataPath: example('digits-eval.npz'),
    calibrationPath: example('digits-calibration.npz'),
  };
}

export async function benchStrategies(print: (line: string) => void): Promise<StrategyResult[]> {
  const { name: model, ...files } = modelFiles();
  const results: StrategyResult[] = [];
  const signal = new AbortController().signal;
  for (const { name: power, power: source } of benchPowers()) {
    for (const capacitanceFarads of CAPACITANCES) {
      print(`${model}, ${power}, ${(capacitanceFarads * 1e3).toFixed(2)} mF`);
      print(
        '  strategy   kernels     latency s  energy mJ  power cycles  checkpoints  restores  NVM written  NVM read',
      );
      for (const strategy of STRATEGIES) {
        const kernels = 'fast';
        const config: RunConfig = {
          ...files,
          strategy,
          kernels,
          board: picoFram.id,
          capacitanceFarads,
          turnOnVolts: picoFram.power.turnOnVolts.value,
          brownOutVolts: picoFram.power.brownOutVolts.value,
          power: source,
          firstSample: 0,
          sampleCount: 1,
          seed: 1,
          stop: { powerCyclesWithoutProgress: 5, maximumSeconds: 3600 },
        };
        const row = { model, power, capacitanceFarads, strategy, kernels } as const;
        const outcome = await executeRun(config, {
          signal,
          onEvent: () => undefined,
          campaignSha256: null,
        }).catch((error: unknown) => {
          if (error instanceof InputError) {
            return error;
          }
          throw error;
        });
        if (outcome instanceof InputError || outcome.status !== 'finished') {
          const status = outcome instanceof InputError ? outcome.code : outcome.status;
          results.push({ ...row, status, measured: null });
          print(`  ${strategy.padEnd(10)} ${kernels.padEnd(10)}  ${status}`);
          continue;
        }
        const { measures } = outcome;
        results.push({ ...row, status: outcome.status, measured: measures });
        const cell = (value: number | string, width: number): string => String(value).padStart(width);
        print(
          `  ${strategy.padEnd(10)} ${kernels.padEnd(10)} ${cell((measures.latencySeconds ?? 0).toFixed(3), 10)} ` +
            `${cell((1e3 * measures.energyJoules).toFixed(2), 10)} ${cell(measures.powerCycles, 13)} ` +
            `${cell(measures.checkpoints, 12)} ${cell(measures.restores, 9)} ${cell(measures.nvmBytesWritten, 12)} ` +
            cell(measures.nvmBytesRead, 9),
        );
      }
    }
  }
  return results;
}
