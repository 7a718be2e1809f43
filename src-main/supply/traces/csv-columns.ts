import { InputError } from '../../common/errors.js';
import { didYouMean } from '../../common/nearest.js';
import { parseQuantity, type Unit } from '../../common/quantity.js';
import { stepsFromSamples, type SampledHarvest, type TraceSample } from './samples.js';
import { shown, type TraceText } from './trace-text.js';

/** Which column of a CSV file holds what, and in which unit. */
export interface ColumnMapping {
  time: ColumnSource;
  volts: ColumnSource;
  amps: ColumnSource;
}

/** A column by its name in the header (or its number from 1), with what one of its units is; or a value that always holds. */
export type ColumnSource = { column: string; unitFactor: number } | { constant: number };

const UNITS: Readonly<Record<keyof ColumnMapping, Unit>> = { time: 's', volts: 'V', amps: 'A' };
const EXAMPLE = 'time=t[ms],volts=5V,amps=current[mA]';

/**
 * Reads a mapping such as `time=t[ms],volts=V,amps=I[mA]`: for each of the three a column, by name or number, with its unit in
 * brackets where that is not s, V or A; or a quantity with its unit, which always holds.
 *
 * @throws InputError naming the part that cannot be read
 */
export function parseColumnMapping(text: string): ColumnMapping {
  const mapping: Partial<ColumnMapping> = {};
  for (const part of text.split(',')) {
    const [key, value = ''] = part.split(/=(.*)/s).map((side) => side.trim());
    if (!isKey(key) || value === '') {
      throw refuse(
        `'${part}' is no mapping of a column`,
        `${didYouMean(key, Object.keys(UNITS))}Write it like ${EXAMPLE}`,
      );
    }
    mapping[key] = columnSource(value, UNITS[key]);
  }
  const { time, volts, amps } = mapping;
  if (!time || !volts || !amps) {
    const missing = Object.keys(UNITS).filter((key) => !(key in mapping));
    throw refuse(`${missing.join(' and ')} is missing`, `Write it like ${EXAMPLE}`);
  }
  if (!('column' in time)) {
    throw refuse('time is a constant', `Name the column of the time, like ${EXAMPLE}`);
  }
  return { time, volts, amps };
}

function isKey(key: string): key is keyof ColumnMapping {
  return Object.hasOwn(UNITS, key);
}

function columnSource(value: string, unit: Unit): ColumnSource {
  const named = /^(.*)\[([^\]]+)\]$/s.exec(value);
  if (named) {
    const unitFactor = parseQuantity(`1 ${named[2].trim()}`, unit, {
      place: `--columns ${value}`,
      positive: true,
    });
    return { column: named[1].trim(), unitFactor };
  }
  // A number with a unit is a quantity; without one it is the number of a column.
  if (/^[+-]?[\d.]+(?:e[+-]?\d+)?\s*\p{L}+$/iu.test(value)) {
    return { constant: parseQuantity(value, unit, { place: `--columns ${value}`, minimum: 0 }) };
  }
  return { column: value, unitFactor: 1 };
}

/**
 * Any CSV file (commas, semicolons or tabs; with or without a header) by a mapping of its columns. Samples hold until the
 * next; holes in the time column are cut out.
 *
 * @throws InputError naming line, value and remedy
 */
export function parseMappedCsv(text: TraceText, mapping: ColumnMapping): SampledHarvest {
  const separator = [';', '\t', ','].find((candidate) => text.lines[0].includes(candidate)) ?? ',';
  const header = text.lines[0].split(separator).map((name) => name.trim().replace(/^"(.*)"$/s, '$1'));
  const headless = header.every((cell) => cell !== '' && Number.isFinite(Number(cell)));
  const indexOf = (source: ColumnSource): number => {
    if (!('column' in source)) {
      return -1;
    }
    const byName = headless ? -1 : header.indexOf(source.column);
    const byNumber = /^\d+$/.test(source.column) ? Number(source.column) - 1 : -1;
    const index = byName >= 0 ? byName : byNumber;
    if (index < 0 || index >= header.length) {
      throw text.error(
        0,
        `there is no column ${shown(source.column)} among ${headless ? `${header.length} without names` : header.map(shown).join(', ')}`,
        `${headless ? '' : didYouMean(source.column, header)}Name one of them, or give its number from 1`,
      );
    }
    return index;
  };
  const [timeIndex, voltsIndex, ampsIndex] = [mapping.time, mapping.volts, mapping.amps].map(indexOf);
  const format = `this file has ${header.length} columns`;
  const samples: TraceSample[] = [];
  for (let line = headless ? 0 : 1; line < text.lines.length; line++) {
    const cells = text.cells(line, separator, header.length, format);
    const value = (source: ColumnSource, index: number, what: string) =>
      'column' in source ? text.notNegative(line, cells[index], what) * source.unitFactor : source.constant;
    const timeFactor = 'column' in mapping.time ? mapping.time.unitFactor : 1;
    samples.push({
      seconds: text.number(line, cells[timeIndex], 'time') * timeFactor,
      volts: value(mapping.volts, voltsIndex, 'volts'),
      amps: value(mapping.amps, ampsIndex, 'amps'),
    });
  }
  if (samples.length < 2) {
    throw text.error(
      text.lines.length - 1,
      'fewer than two samples',
      'At least two are needed, to know their interval',
    );
  }
  return stepsFromSamples(samples);
}

function refuse(message: string, remedy: string): InputError {
  return new InputError({ code: 'bad-columns', place: '--columns', message, remedy });
}
