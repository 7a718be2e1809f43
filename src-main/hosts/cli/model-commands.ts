/** inspect, compile, infer. */
import { Option, type Command } from 'commander';
import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { CalibrationMethod } from '../../compiler/calibration-method.js';
import { printQuantization, summarizeQuantization } from '../../compiler/index.js';
import type { KernelSet, Strategy } from '../../compiler/plan.js';
import { infer, type InferResult } from '../../service/infer.js';
import { memoryLines } from '../../service/memory-report.js';
import { capacitorOf, compileModel, explainForBoard, inspectModel } from '../../service/models.js';
import {
  boardOption,
  calibrateByOption,
  calibrationOption,
  countOption,
  factorOption,
  jsonOption,
  kernelsOption,
  parsePower,
  quantityOption,
  strategyOption,
  wordOption,
} from './options.js';
import type { PowerSource, RunPrediction } from '../../campaign/types.js';
import { cancellable, printFields, printJson, ProgressLine } from './terminal.js';

export function addModelCommands(program: Command): void {
  program
    .command('inspect <model>')
    .description('operators, MACs, parameters and peak activations of a .tflite or .onnx model')
    .addOption(jsonOption())
    .action(async (model: string, { json }: { json?: boolean }) => {
      const inspection = await inspectModel(model);
      if (json) {
        printJson(inspection);
        return;
      }
      for (const operator of inspection.operators) {
        const shapes = `${operator.inputShape.join('x')} -> ${operator.outputShape.join('x')}`;
        console.log(
          `${operator.kind.padEnd(18)} ${shapes.padEnd(28)} ${String(operator.macs).padStart(10)} MAC  ${operator.name}`,
        );
      }
      console.log('');
      printFields({
        macs: inspection.macs,
        parameters: inspection.parameters,
        peakActivationBytes: inspection.peakActivationBytes,
      });
    });

  interface CompileOptions {
    board: string;
    strategy: Strategy;
    kernels: KernelSet;
    sram?: number;
    calibration?: string;
    calibrateBy?: CalibrationMethod;
    quantizationReport?: boolean;
    capacitance?: number;
    von?: number;
    voff?: number;
    out?: string;
    power: PowerSource;
    scale: number;
    data?: string;
    plan?: boolean;
    explain?: boolean;
    json?: boolean;
  }
  program
    .command('compile <model>')
    .description('quantize, partition and schedule a model into an image for a board')
    .addOption(boardOption())
    .addOption(strategyOption())
    .addOption(kernelsOption())
    .addOption(sramOption())
    .addOption(
      new Option(
        '--capacitance <farads>',
        'storage capacitor that strategies planned and adaptive plan for; without it, power that never fails',
      ).argParser(quantityOption('--capacitance', 'F')),
    )
    .addOption(new Option('--von <volts>', 'turn-on voltage').argParser(quantityOption('--von', 'V')))
    .addOption(new Option('--voff <volts>', 'brown-out voltage').argParser(quantityOption('--voff', 'V')))
    .addOption(
      new Option(
        '--power <source>',
        'what to predict an inference for: continuous, a constant harvest such as 5V,10mA, or a harvest trace file',
      )
        .default({ kind: 'continuous' }, 'continuous')
        .argParser(parsePower),
    )
    .addOption(
      new Option('--scale <factor>', 'factor on the current of a harvest trace')
        .default(1)
        .argParser(factorOption('--scale')),
    )
    .addOption(calibrationOption())
    .addOption(calibrateByOption())
    .option('--quantization-report', 'print ranges, scales and what int8 costs, layer by layer')
    .option('--out <image>', 'file to write the image to')
    .option('--data <file.npz>', 'samples to write beside the image, as IMAGE.dataset, for `brownout flash`')
    .option('--plan', 'print every task of the plan')
    .option('--explain', 'print what every task and commit costs, and what a failure there would take again')
    .addOption(jsonOption())
    .action(async (model: string, options: CompileOptions) => {
      if (options.data !== undefined && options.out === undefined) {
        throw new InputError({
          code: 'option-missing',
          place: '--data',
          message: 'the samples are written beside the image, and no image is written',
          remedy: 'Add --out IMAGE',
        });
      }
      const { power } = options;
      if (power.kind !== 'continuous' && options.capacitance === undefined) {
        throw new InputError({
          code: 'option-missing',
          place: '--power',
          message: 'what a harvest does to a board depends on the capacitor between them, and none is named',
          remedy: 'Add --capacitance, or leave --power away',
        });
      }
      const { compiled, predicted, memory } = await compileModel(
        {
          modelPath: model,
          calibrationPath: options.calibration ?? null,
          ...(options.calibrateBy === undefined ? {} : { calibrateBy: options.calibrateBy }),
          reportLayers: options.quantizationReport === true,
          board: options.board,
          strategy: options.strategy,
          kernels: options.kernels,
          sramBytes: options.sram ?? null,
          power: power.kind === 'trace' ? { ...power, scale: options.scale } : power,
          capacitor:
            options.capacitance === undefined
              ? null
              : capacitorOf({
                  board: options.board,
                  capacitanceFarads: options.capacitance,
                  turnOnVolts: options.von ?? null,
                  brownOutVolts: options.voff ?? null,
                }),
        },
        options.out === undefined ? null : { imagePath: options.out, dataPath: options.data ?? null },
      );
      const { plan, inspection, image, quantization } = compiled;
      const figures = {
        quantization: summarizeQuantization(quantization.report),
        strategy: plan.strategy,
        kernels: plan.kernels,
        macs: plan.macs,
        parameters: inspection.parameters,
        peakActivationBytes: inspection.peakActivationBytes,
        sramBytes: plan.arenaBytes,
        nvmBytes: plan.nvmBytes,
        imageBytes: image.length,
        tasks: plan.tasks.length,
      };
      if (options.json) {
        printJson({
          ...figures,
          memory,
          predicted,
          predictionIgnoresRests: plan.rest !== null,
          image: options.out ?? null,
          ...(options.plan ? { plan: plan.tasks } : {}),
          ...(options.explain ? { explained: explainForBoard(plan, options.board) } : {}),
          ...(options.quantizationReport ? { quantizationReport: quantization.report } : {}),
        });
        return;
      }
      console.log(
        [
          ...memoryLines(
            memory,
            (joules) => formatQuantity(joules, 'J'),
            (seconds) => formatQuantity(seconds, 's'),
          ),
          '',
        ].join('\n'),
      );
      if (options.quantizationReport) {
        console.log([...printQuantization(quantization.report), ''].join('\n'));
      }
      if (options.plan) {
        plan.tasks.forEach((task, index) => {
          console.log(`${String(index).padStart(5)}  ${task.name}`);
        });
      }
      if (options.explain) {
        console.log('task   work       commit     saves      needs      failure    name');
        for (const each of explainForBoard(plan, options.board)) {
          const cells = [each.workJoules, each.commitJoules, null, each.neededJoules, each.failureJoules].map(
            (value) => (value === null ? `${each.saveBytes} B` : formatQuantity(value, 'J', 3)).padEnd(10),
          );
          console.log(`${String(each.task).padStart(4)}   ${cells.join(' ')} ${each.name}`);
        }
      }
      printFields({
        ...figures,
        ...predictedFields(predicted),
        ...(plan.rest === null ? {} : { 'prediction holds': RESTS_NOT_PREDICTED }),
        image: options.out ?? 'not written (give --out FILE)',
      });
    });

  interface InferOptions {
    data: string;
    backend: 'host' | 'virtual';
    board: string;
    strategy: Strategy;
    kernels: KernelSet;
    sram?: number;
    limit?: number;
    power: PowerSource;
    scale: number;
    capacitance: number;
    von?: number;
    voff?: number;
    calibration?: string;
    calibrateBy?: CalibrationMethod;
    seed: number;
    maxTime: number;
    json?: boolean;
  }
  program
    .command('infer <model>')
    .description('run a model on samples, on the host build or on the virtual board under intermittent power')
    .requiredOption('--data <file.npz>', 'samples x and, where known, labels y')
    .addOption(
      new Option('--backend <name>', 'host or virtual')
        .default('host')
        .argParser(wordOption('--backend', ['host', 'virtual'] as const)),
    )
    .addOption(boardOption())
    .addOption(strategyOption())
    .addOption(kernelsOption())
    .addOption(sramOption())
    .addOption(new Option('--limit <n>', 'use the first n samples only').argParser(countOption('--limit', 1)))
    .addOption(
      new Option(
        '--power <source>',
        'continuous, a constant harvest such as 5V,10mA, or a harvest trace file',
      )
        .default({ kind: 'continuous' }, 'continuous')
        .argParser(parsePower),
    )
    .addOption(
      new Option('--scale <factor>', 'factor on the current of a harvest trace')
        .default(1)
        .argParser(factorOption('--scale')),
    )
    .addOption(
      new Option('--capacitance <farads>', 'storage capacitor')
        .default(1e-3, '1mF')
        .argParser(quantityOption('--capacitance', 'F')),
    )
    .addOption(new Option('--von <volts>', 'turn-on voltage').argParser(quantityOption('--von', 'V')))
    .addOption(new Option('--voff <volts>', 'brown-out voltage').argParser(quantityOption('--voff', 'V')))
    .addOption(calibrationOption())
    .addOption(calibrateByOption())
    .addOption(
      new Option('--seed <n>', 'seed of everything random').default(1).argParser(countOption('--seed', 0)),
    )
    .addOption(
      new Option('--max-time <seconds>', 'give up after this much bench time')
        .default(86400, '24 h')
        .argParser(quantityOption('--max-time', 's')),
    )
    .addOption(jsonOption())
    .action(async (model: string, options: InferOptions, command: Command) => {
      assertOptionsCount(options, (name) => command.getOptionValueSource(name) === 'cli');
      const progress = new ProgressLine();
      let done = 0;
      const power: PowerSource =
        options.power.kind === 'trace' ? { ...options.power, scale: options.scale } : options.power;
      const result = await cancellable((signal) =>
        infer(
          {
            modelPath: model,
            dataPath: options.data,
            calibrationPath: options.calibration ?? null,
            ...(options.calibrateBy === undefined ? {} : { calibrateBy: options.calibrateBy }),
            backend: options.backend,
            board: options.board,
            strategy: options.strategy,
            kernels: options.kernels,
            limit: options.limit ?? null,
            ...(options.sram === undefined ? {} : { sramBytes: options.sram }),
            power,
            capacitanceFarads: options.capacitance,
            turnOnVolts: options.von ?? null,
            brownOutVolts: options.voff ?? null,
            seed: options.seed,
            stop: { powerCyclesWithoutProgress: 20, maximumSeconds: options.maxTime },
          },
          {
            signal,
            onEvent: (event) => {
              if (event.kind === 'stage') {
                progress.show(event.fraction, event.stage);
              } else if (event.kind === 'result') {
                done++;
              } else if (event.kind === 'samples') {
                const sample = event.samples[event.samples.length - 1];
                progress.show(
                  sample.progress,
                  `${done} done, ${formatQuantity(sample.timeSeconds, 's', 3)}, ${sample.capacitorVolts.toFixed(2)} V`,
                );
              }
            },
          },
        ),
      ).finally(() => {
        progress.clear();
      });
      if (options.json) {
        const { measured, ...rest } = result;
        printJson({ ...rest, ...(measured ?? {}), measured });
      } else {
        printResult(result);
      }
    });
}

function sramOption(): Option {
  return new Option(
    '--sram <bytes>',
    'most SRAM for activations; where tensors do not fit, stripes of them and NVM have to do',
  ).argParser(countOption('--sram', 1));
}

/** Options of the virtual board mean nothing on the host, which has no power to lose: silence would mislead. */
const VIRTUAL_OPTIONS = ['power', 'scale', 'capacitance', 'von', 'voff', 'seed', 'maxTime'];

function assertOptionsCount(
  { backend, power }: { backend: 'host' | 'virtual'; power: PowerSource },
  given: (name: string) => boolean,
): void {
  const idle = backend === 'host' ? VIRTUAL_OPTIONS.find(given) : undefined;
  if (idle !== undefined) {
    throw new InputError({
      code: 'option-unused',
      place: idle === 'maxTime' ? '--max-time' : `--${idle}`,
      message: 'means nothing on the host backend, which has neither power nor time',
      remedy: 'Add --backend virtual, or leave it away',
    });
  }
  if (given('scale') && power.kind !== 'trace') {
    throw new InputError({
      code: 'option-unused',
      place: '--scale',
      message: 'multiplies the current of a harvest trace, and --power names none',
      remedy: 'Name a trace file with --power, or leave --scale away',
    });
  }
}

/** An inference as it is expected to go. */
/** Said wherever a plan of `adaptive` for harvested power is predicted. */
const RESTS_NOT_PREDICTED =
  'as if it worked on until the power fails; resting is not predicted: measure it with `brownout infer`';

function predictedFields(predicted: RunPrediction | null): Record<string, string | number> {
  if (predicted === null) {
    return {};
  }
  if (!predicted.terminates) {
    return { predicted: `does not come to an end, given up after ${predicted.powerCycles} power cycles` };
  }
  return {
    'predicted latency':
      predicted.latencySeconds === null ? 'none' : formatQuantity(predicted.latencySeconds, 's', 4),
    'predicted energy': formatQuantity(predicted.energyJoules, 'J', 4),
    'predicted cycles': predicted.cycles,
    'predicted powerCycles': predicted.powerCycles,
    'predicted checkpoints': predicted.checkpoints,
  };
}

/** A measure with what was predicted of it, and how far that was off. */
function beside(
  measured: number,
  predicted: number | null | undefined,
  show: (value: number) => string,
): string {
  if (predicted === null || predicted === undefined) {
    return show(measured);
  }
  const off = measured === 0 ? 0 : 100 * (predicted / measured - 1);
  return `${show(measured)}   (predicted ${show(predicted)}, ${off < 0 ? '-' : '+'}${Math.abs(off).toFixed(1)} %)`;
}

function printResult(result: InferResult): void {
  const { measured, predicted } = result;
  const quantity = (unit: 's' | 'J') => (value: number) => formatQuantity(value, unit, 4);
  printFields({
    model: result.model,
    backend: result.backend,
    strategy: result.strategy,
    samples: result.samples,
    accuracy: result.accuracy === null ? null : `${(100 * result.accuracy).toFixed(1)} %`,
    macs: result.macs,
    tasks: result.tasks,
    sramBytes: result.sramBytes,
    nvmBytes: result.nvmBytes,
    imageBytes: result.imageBytes,
    ...(measured === null
      ? {}
      : {
          'latency per inference':
            measured.latencySeconds === null
              ? null
              : beside(measured.latencySeconds, predicted?.latencySeconds, quantity('s')),
          'active time': beside(measured.activeSeconds, predicted?.activeSeconds, quantity('s')),
          energy: beside(measured.energyJoules, predicted?.energyJoules, quantity('J')),
          cycles: beside(measured.cycles, predicted?.cycles, String),
          powerCycles: beside(measured.powerCycles, predicted?.powerCycles, String),
          checkpoints: beside(measured.checkpoints, predicted?.checkpoints, String),
          restores: beside(measured.restores, predicted?.restores, String),
          tasksReexecuted: measured.tasksReexecuted,
        }),
  });
}
