/** trace: what a harvest trace holds, and any CSV, HDF5 or generated one as the bench's own CSV. */
import { Option, type Command } from 'commander';
import { InputError } from '../../common/errors.js';
import { formatQuantity, parseQuantity } from '../../common/quantity.js';
import {
  examineTrace,
  GENERATED_SHAPES,
  type TraceDescription,
  type TraceRequest,
} from '../../service/trace.js';
import type { GeneratedShape } from '../../campaign/types.js';
import { TRACE_FORMATS, type TraceFormat } from '../../supply/traces/load-harvest.js';
import { countOption, factorOption, jsonOption, quantityOption, wordOption } from './options.js';
import { printFields, printJson } from './terminal.js';

interface TraceOptions {
  generate?: GeneratedShape;
  volts: number;
  amps: number;
  duration: number;
  seed: number;
  format?: TraceFormat;
  columns?: string;
  trim?: { fromSeconds: number; toSeconds: number };
  scale: number;
  loop: number;
  step?: number;
  out?: string;
  plot?: string;
  json?: boolean;
}

export function addTraceCommand(program: Command): void {
  program
    .command('trace [file]')
    .description('describe, cut, scale, convert or generate a harvest trace')
    .addOption(
      new Option(
        '--generate <shape>',
        `make one instead of reading a file: ${GENERATED_SHAPES.join(', ')}`,
      ).argParser(wordOption('--generate', GENERATED_SHAPES)),
    )
    .addOption(
      new Option('--volts <v>', 'of the generated source')
        .default(5)
        .argParser(quantityOption('--volts', 'V')),
    )
    .addOption(
      new Option('--amps <a>', 'most current of the generated source')
        .default(0.02)
        .argParser(quantityOption('--amps', 'A')),
    )
    .addOption(
      new Option('--duration <s>', 'of the generated harvest')
        .default(60)
        .argParser(quantityOption('--duration', 's')),
    )
    .addOption(
      new Option('--seed <n>', 'of the generated harvest').default(1).argParser(countOption('--seed', 0)),
    )
    .addOption(
      new Option(
        '--format <name>',
        `of the file, where it is not recognised: ${TRACE_FORMATS.join(', ')}`,
      ).argParser(wordOption('--format', TRACE_FORMATS)),
    )
    .option(
      '--columns <mapping>',
      'what the columns of any CSV hold, like time=t[ms],volts=5V,amps=current[mA]',
    )
    .addOption(new Option('--trim <from..to>', 'keep a part, like 2s..30s').argParser(trimOption))
    .addOption(
      new Option('--scale <factor>', 'multiply the current').default(1).argParser(factorOption('--scale')),
    )
    .addOption(
      new Option('--loop <n>', 'play it so many times in a row')
        .default(1)
        .argParser(countOption('--loop', 1)),
    )
    .addOption(
      new Option(
        '--step <s>',
        'merge steps shorter than a supply can follow; energy and charge stay',
      ).argParser(quantityOption('--step', 's')),
    )
    .option('--out <file.csv>', "write it as the bench's own CSV")
    .option('--plot <file.svg>', 'draw its power over time')
    .addOption(jsonOption())
    .action(async (file: string | undefined, options: TraceOptions) => {
      const description = await examineTrace(requestOf(file, options));
      if (options.json) {
        printJson(description);
      } else {
        print(description, options);
      }
    });
}

function requestOf(file: string | undefined, options: TraceOptions): TraceRequest {
  const { generate, format, columns, trim, scale, loop, step, out, plot } = options;
  if ((file === undefined) === (generate === undefined)) {
    throw new InputError({
      code: 'trace-source',
      place: 'trace',
      message: file === undefined ? 'no trace is named' : 'a file and --generate are both given',
      remedy: `Give a file, or --generate with one of ${GENERATED_SHAPES.join(', ')}`,
    });
  }
  const { volts, amps, duration, seed } = options;
  return {
    source:
      generate === undefined
        ? { kind: 'file', path: file ?? '', format: format ?? null, columns: columns ?? null }
        : { kind: 'generated', shape: generate, volts, amps, durationSeconds: duration, seed },
    trim: trim ?? null,
    scale,
    repeat: loop,
    stepSeconds: step ?? null,
    csvPath: out ?? null,
    plotPath: plot ?? null,
  };
}

function trimOption(text: string): { fromSeconds: number; toSeconds: number } {
  const [from, to, more] = text.split('..');
  if (to === undefined || more !== undefined) {
    throw new InputError({
      code: 'option-value',
      place: '--trim',
      message: `'${text}' is no part of a trace`,
      remedy: 'Give its begin and end, like 2s..30s',
    });
  }
  const seconds = (part: string) => parseQuantity(part, 's', { place: '--trim', minimum: 0 });
  return { fromSeconds: seconds(from), toSeconds: seconds(to) };
}

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

function print(description: TraceDescription, { out, plot }: TraceOptions): void {
  const { name, durationSeconds, steps, statistics, mergedPowerShare, notes, bins } = description;
  const percent = (share: number) => `${(share * 100).toPrecision(3)} %`;
  printFields({
    trace: name,
    duration: formatQuantity(durationSeconds, 's'),
    steps,
    'shortest step': formatQuantity(statistics.shortestStepSeconds, 's'),
    'mean power': formatQuantity(statistics.meanWatts, 'W'),
    'peak power': formatQuantity(statistics.peakWatts, 'W'),
    'highest voltage': formatQuantity(statistics.maximumVolts, 'V'),
    'highest current': formatQuantity(statistics.maximumAmps, 'A'),
    'time with power': percent(statistics.onShare),
    'longest gap': Number.isFinite(statistics.longestGapSeconds)
      ? formatQuantity(statistics.longestGapSeconds, 's')
      : 'all of it',
    ...(mergedPowerShare > 0
      ? { 'power changed by merging': `${percent(mergedPowerShare)} of the mean (RMS)` }
      : {}),
  });
  const peak = bins.reduce((most, { meanWatts }) => Math.max(most, meanWatts), 0);
  const bar = bins.map(({ meanWatts }) =>
    peak === 0 ? BLOCKS[0] : BLOCKS[Math.max(meanWatts > 0 ? 1 : 0, Math.round((meanWatts / peak) * 8))],
  );
  console.log(`\n|${bar.join('')}|  mean power, at most ${formatQuantity(peak, 'W')}\n`);
  for (const note of notes) {
    console.log(`- ${note}`);
  }
  for (const path of [out, plot]) {
    if (path !== undefined) {
      console.log(`Written: ${path}`);
    }
  }
}
