/** Options that several commands take, and how their text becomes a value. */
import { Option } from 'commander';
import { InputError } from '../../common/errors.js';
import { didYouMean } from '../../common/nearest.js';
import { parseQuantity, type Unit } from '../../common/quantity.js';
import { CALIBRATION_METHODS } from '../../compiler/calibration-method.js';
import { KERNEL_SETS, STRATEGIES } from '../../compiler/plan.js';
import type { PowerSource } from '../../campaign/types.js';

/** Parser for an option with a unit: `4.7mF`, `0.0047`. */
export function quantityOption(place: string, unit: Unit) {
  return (text: string): number => parseQuantity(text, unit, { place, positive: true });
}

/** Parser for a count of at least `minimum`. */
export function countOption(name: string, minimum: number) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InputError({
        code: 'option-range',
        place: name,
        message: `'${text}' is not a whole number of at least ${minimum}`,
        remedy: `Give a whole number, for example ${name} ${Math.max(minimum, 3)}`,
      });
    }
    return value;
  };
}

/** Parser for a factor greater than zero. */
export function factorOption(name: string) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!(value > 0 && value < Infinity)) {
      throw new InputError({
        code: 'option-range',
        place: name,
        message: `'${text}' is no factor greater than zero`,
        remedy: `Give a number, for example ${name} 2.5`,
      });
    }
    return value;
  };
}

/** Parser for a TCP port; 0 takes any free one. */
export function portOption(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InputError({
      code: 'invalid-port',
      place: '--port',
      message: `'${text}' is no TCP port`,
      remedy: 'Give a number from 1 to 65535, or leave it away to get a free one',
    });
  }
  return port;
}

/** Parser for a fixed set of words. */
export function wordOption<Word extends string>(name: string, words: readonly Word[]) {
  return (text: string): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) {
      throw new InputError({
        code: 'option-value',
        place: name,
        message: `'${text}' is not known`,
        remedy: `${didYouMean(text, words)}Known: ${words.join(', ')}`,
      });
    }
    return word;
  };
}

export const boardOption = () => new Option('--board <id>', 'board profile').default('pico-fram');

export const strategyOption = () =>
  new Option('--strategy <name>', `how progress is preserved: ${STRATEGIES.join(', ')}`)
    .default('tile')
    .argParser(wordOption('--strategy', STRATEGIES));

export const kernelsOption = () =>
  new Option('--kernels <name>', `kernels of the firmware: ${KERNEL_SETS.join(', ')}`)
    .default('fast')
    .argParser(wordOption('--kernels', KERNEL_SETS));

export const calibrationOption = () =>
  new Option('--calibration <file.npz>', 'samples that a float model is quantized with');

export const calibrateByOption = () =>
  new Option(
    '--calibrate-by <method>',
    `how ranges are chosen from the calibration data: ${CALIBRATION_METHODS.join(', ')}`,
  ).argParser(wordOption('--calibrate-by', CALIBRATION_METHODS));

export const jsonOption = () => new Option('--json', 'print one JSON object instead of text');

/** `continuous`, `5V,10mA`, or the path of a harvest trace. */
export function parsePower(text: string): PowerSource {
  if (text === 'continuous') {
    return { kind: 'continuous' };
  }
  const constant = /^(?:constant:)?([^,/]*V),([^,/]*A)$/.exec(text);
  if (constant) {
    return {
      kind: 'constant',
      volts: quantityOption('--power', 'V')(constant[1]),
      amps: quantityOption('--power', 'A')(constant[2]),
    };
  }
  if (text.trim() === '' || (/^[-+.\d]/.test(text) && !/\.[a-z]+$/i.test(text))) {
    throw new InputError({
      code: 'option-value',
      place: '--power',
      message: `'${text}' is neither a source nor a trace file`,
      remedy:
        "Give continuous, a constant harvest such as '5V,10mA', or the path of a trace (./name for an odd one)",
    });
  }
  return { kind: 'trace', path: text, scale: 1 };
}
