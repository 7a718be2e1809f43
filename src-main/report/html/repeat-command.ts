/** The command line that does a run again. */
import type { RunConfig } from '../../campaign/types.js';

/**
 * Words of `brownout infer` with the run's configuration, quoted for a POSIX shell; null where the command line cannot
 * say it (square waves, generated harvests, scaled traces, samples that do not start at the first): then only the campaign file can.
 */
export function repeatCommand(config: RunConfig): string | null {
  const power = powerWord(config);
  if (power === null || config.firstSample !== 0) {
    return null;
  }
  const words = [
    'brownout',
    'infer',
    config.modelPath,
    ...['--data', config.dataPath],
    ...(config.calibrationPath === null ? [] : ['--calibration', config.calibrationPath]),
    ...(config.calibrateBy === undefined ? [] : ['--calibrate-by', config.calibrateBy]),
    ...['--backend', 'virtual', '--board', config.board],
    ...['--strategy', config.strategy, '--kernels', config.kernels],
    ...['--limit', String(config.sampleCount)],
    ...['--power', power],
    ...['--capacitance', String(config.capacitanceFarads)],
    ...['--von', String(config.turnOnVolts), '--voff', String(config.brownOutVolts)],
  ];
  return words.map(shellWord).join(' ');
}

function powerWord({ power }: RunConfig): string | null {
  switch (power.kind) {
    case 'continuous':
      return 'continuous';
    case 'constant':
      return `${power.volts}V,${power.amps}A`;
    case 'trace':
      return power.scale === 1 ? power.path : null;
    case 'square':
    case 'generated':
      return null;
  }
}

/** One word of a POSIX shell command line. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
