/** explore: what capacitor, SRAM and strategy are worth having. */
import { Option, type Command } from 'commander';
import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { CalibrationMethod } from '../../compiler/calibration-method.js';
import { STRATEGIES, type KernelSet, type Strategy } from '../../compiler/plan.js';
import type { PowerSource } from '../../campaign/types.js';
import { renderTable } from '../../report/table.js';
import { exploreModel, describePoint, type ExploreResult } from '../../service/explore.js';
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
  wordOption,
} from './options.js';
import { cancellable, printJson, ProgressLine, terminalWidth } from './terminal.js';

interface ExploreOptions {
  board: string;
  kernels: KernelSet;
  strategy: Strategy[];
  capacitance: number[];
  sram: number[];
  von?: number;
  voff?: number;
  power: PowerSource;
  scale: number;
  calibration?: string;
  calibrateBy?: CalibrationMethod;
  data?: string;
  verify?: number;
  out?: string;
  json?: boolean;
}

const CAPACITANCES = [100e-6, 220e-6, 470e-6, 1e-3, 2.2e-3, 4.7e-3, 10e-3];
const SRAM_LIMITS = [8192, 16384, 32768, 65536, 131_072, 1 << 20];

/** A list of values with commas between them. */
function listOption<Value>(name: string, parse: (text: string) => Value) {
  return (text: string): Value[] => {
    const words = text.split(',').map((word) => word.trim());
    if (words.some((word) => word === '')) {
      throw new InputError({
        code: 'option-value',
        place: name,
        message: `'${text}' has an empty entry`,
        remedy: 'Separate values with single commas',
      });
    }
    return words.map(parse);
  };
}

export function addExploreCommand(program: Command): void {
  program
    .command('explore <model>')
    .description('sweep capacitor, SRAM and strategy by prediction, and show what none is better than')
    .addOption(boardOption())
    .addOption(kernelsOption())
    .addOption(
      new Option('--strategy <list>', 'strategies, with commas')
        .default(STRATEGIES, 'all')
        .argParser(listOption('--strategy', wordOption('--strategy', STRATEGIES))),
    )
    .addOption(
      new Option('--capacitance <list>', 'storage capacitors, with commas')
        .default(CAPACITANCES, '100uF to 10mF, three per decade')
        .argParser(listOption('--capacitance', quantityOption('--capacitance', 'F'))),
    )
    .addOption(
      new Option('--sram <list>', 'most bytes of SRAM for activations, with commas')
        .default(SRAM_LIMITS, '8 KB to all')
        .argParser(listOption('--sram', countOption('--sram', 1))),
    )
    .addOption(new Option('--von <volts>', 'turn-on voltage').argParser(quantityOption('--von', 'V')))
    .addOption(new Option('--voff <volts>', 'brown-out voltage').argParser(quantityOption('--voff', 'V')))
    .addOption(
      new Option(
        '--power <source>',
        'continuous, a constant harvest such as 5V,10mA, or a harvest trace file',
      )
        .default({ kind: 'constant', volts: 5, amps: 0.01 }, '5V,10mA')
        .argParser(parsePower),
    )
    .addOption(
      new Option('--scale <factor>', 'factor on the current of a harvest trace')
        .default(1)
        .argParser(factorOption('--scale')),
    )
    .addOption(calibrationOption())
    .addOption(calibrateByOption())
    .option('--data <file.npz>', 'samples for --verify')
    .addOption(
      new Option('--verify <n>', 'run n points of the front on the virtual bench, too').argParser(
        countOption('--verify', 1),
      ),
    )
    .option('--out <file>', 'draw all points, as .svg or .html')
    .addOption(jsonOption())
    .action(async (modelPath: string, options: ExploreOptions) => {
      const progress = new ProgressLine();
      const { power } = options;
      const result = await cancellable(
        (signal) =>
          exploreModel(
            {
              space: {
                modelPath,
                calibrationPath: options.calibration ?? null,
                ...(options.calibrateBy === undefined ? {} : { calibrateBy: options.calibrateBy }),
                board: options.board,
                kernels: options.kernels,
                turnOnVolts: options.von ?? null,
                brownOutVolts: options.voff ?? null,
                power: power.kind === 'trace' ? { ...power, scale: options.scale } : power,
                strategies: options.strategy,
                capacitances: options.capacitance,
                sramLimits: options.sram,
              },
              dataPath: options.data ?? null,
              plotPath: options.out ?? null,
              verify: options.verify ?? 0,
            },
            {
              signal,
              onProgress: (stage, done, total) => {
                progress.show(done / total, `${stage}: ${done} of ${total}`);
              },
            },
          ),
        'Stopping; nothing is kept. Ctrl+C again ends at once.',
      ).finally(() => {
        progress.clear();
      });
      if (options.json) {
        printJson(result);
        return;
      }
      print(result);
      if (options.out !== undefined) {
        console.log(`\nplot                    ${options.out}`);
      }
    });
}

function print({ points, front, verified }: ExploreResult): void {
  const chosen = front.flatMap((index) => {
    const point = points[index];
    return point.feasible ? [point] : [];
  });
  const infeasible = points.filter((point) => !point.feasible);
  console.log(
    `${points.length} combinations, ${points.length - infeasible.length} feasible, ${front.length} on the Pareto front of latency, energy, SRAM, NVM traffic and capacitor:\n`,
  );
  const column = (heading: string, cells: string[], alignRight = true) => ({ heading, cells, alignRight });
  process.stdout.write(
    renderTable(
      [
        column(
          'strategy',
          chosen.map(({ strategy }) => strategy),
          false,
        ),
        column(
          'capacitor',
          chosen.map(({ capacitanceFarads }) => formatQuantity(capacitanceFarads, 'F', 3)),
        ),
        column(
          'SRAM limit',
          chosen.map(({ sramLimitBytes }) => String(sramLimitBytes)),
        ),
        column(
          'SRAM',
          chosen.map(({ objectives }) => String(objectives.sramBytes)),
        ),
        column(
          'latency',
          chosen.map(({ objectives }) => formatQuantity(objectives.latencySeconds, 's', 4)),
        ),
        column(
          'energy',
          chosen.map(({ objectives }) => formatQuantity(objectives.energyJoules, 'J', 4)),
        ),
        column(
          'NVM traffic',
          chosen.map(({ objectives }) => String(objectives.nvmTrafficBytes)),
        ),
        column(
          'power cycles',
          chosen.map(({ predicted }) => String(predicted.powerCycles)),
        ),
        column(
          'checkpoints',
          chosen.map(({ predicted }) => String(predicted.checkpoints)),
        ),
      ],
      terminalWidth(),
    ),
  );
  if (chosen.some(({ strategy }) => strategy === 'adaptive')) {
    console.log(
      '\nadaptive is predicted as if it worked on until the power fails; resting is not predicted: measure it with --verify.',
    );
  }
  if (infeasible.length > 0) {
    console.log(`\n${infeasible.length} not feasible:\n`);
    // What fails for the same reason is said once.
    const reasons = new Map<string, string[]>();
    for (const point of infeasible) {
      reasons.set(point.reason, [...(reasons.get(point.reason) ?? []), describePoint(point)]);
    }
    for (const [reason, which] of reasons) {
      console.log(`${which.join('\n')}\n    ${reason}`);
    }
  }
  if (verified.length > 0) {
    console.log('\nrun on the virtual bench:\n');
    const rows = verified.flatMap(({ point: index, ...rest }) => {
      const point = points[index];
      return point.feasible ? [{ point, ...rest }] : [];
    });
    const both = (predicted: number, measured: number | null | undefined, text: (value: number) => string) =>
      `${text(predicted)} / ${measured === null || measured === undefined ? '-' : text(measured)}`;
    process.stdout.write(
      renderTable(
        [
          column(
            'point',
            rows.map(({ point }) => describePoint(point)),
            false,
          ),
          column(
            'latency predicted / measured',
            rows.map(({ point, measured }) =>
              both(point.objectives.latencySeconds, measured?.latencySeconds, (value) =>
                formatQuantity(value, 's', 4),
              ),
            ),
          ),
          column(
            'energy predicted / measured',
            rows.map(({ point, measured }) =>
              both(point.objectives.energyJoules, measured?.energyJoules, (value) =>
                formatQuantity(value, 'J', 4),
              ),
            ),
          ),
          column(
            'power cycles predicted / measured',
            rows.map(({ point, measured }) =>
              both(point.predicted.powerCycles, measured?.powerCycles, String),
            ),
          ),
          column(
            'status',
            rows.map(({ status, reason }) => reason ?? status),
            false,
          ),
        ],
        terminalWidth(),
      ),
    );
  }
}
