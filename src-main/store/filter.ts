/** The filter language of `brownout runs --where "strategy=tile powerCycles>3"`. */
import { InputError } from '../common/errors.js';
import { parseQuantity, type Unit } from '../common/quantity.js';
import { isRunColumn, nearestColumn, RUN_COLUMNS } from './columns.js';
import type { RunColumn, RunFilter } from './types.js';

/** `~` is short for contains. Longer operators first, so that `<=` is not read as `<`. */
const OPERATORS: readonly [string, RunFilter['operator']][] = [
  ['!=', '!='],
  ['<=', '<='],
  ['>=', '>='],
  ['==', '='],
  ['=', '='],
  ['<', '<'],
  ['>', '>'],
  ['~', 'contains'],
];

const UNITS: readonly [string, Unit][] = [
  ['Farads', 'F'],
  ['Volts', 'V'],
  ['Seconds', 's'],
  ['Joules', 'J'],
];

/**
 * Reads terms `column operator value`, separated by spaces, commas or `and`; a run must satisfy all of them. Values
 * with spaces are put in double quotes, in which `\"` and `\\` stand for themselves. Column names may be written in any
 * case.
 *
 * @returns one filter per term; none for an empty text
 * @throws InputError `unknown-column` naming the nearest column, `invalid-filter` or `bad-quantity`; with the position
 */
export function parseFilter(source: string): RunFilter[] {
  const filters: RunFilter[] = [];
  const reader = new Reader(source);
  reader.skipSeparators();
  while (!reader.atEnd()) {
    filters.push(readTerm(reader));
    reader.skipSeparators();
  }
  return filters;
}

function readTerm(reader: Reader): RunFilter {
  const start = reader.position;
  const name = reader.match(/[A-Za-z][A-Za-z0-9]*/y);
  if (name === null) {
    throw invalid(
      start,
      `"${reader.rest()}" does not begin with the name of a column`,
      'Write terms like strategy=tile',
    );
  }
  const column = columnNamed(name, start);
  reader.match(/\s+/y);
  const operator = OPERATORS.find(([symbol]) => reader.take(symbol))?.[1];
  if (operator === undefined) {
    throw invalid(
      reader.position,
      reader.atEnd()
        ? `nothing follows ${name}`
        : `"${reader.rest()}" follows ${name}, which is no comparison`,
      `Use one of ${OPERATORS.map(([symbol]) => symbol).join('  ')} after ${column}`,
    );
  }
  reader.match(/\s+/y);
  const at = reader.position;
  const text = readValue(reader, column);
  if (RUN_COLUMNS[column].type === 'text' || operator === 'contains') {
    return { column, operator, value: text };
  }
  return { column, operator, value: readNumber(text, column, at) };
}

/** A number in the unit that the column's name ends in, or with a unit of its own: `100uF`, `2.5 ms` in quotes. */
function readNumber(text: string, column: RunColumn, position: number): number {
  const unit = UNITS.find(([suffix]) => column.endsWith(suffix))?.[1];
  if (unit !== undefined) {
    return parseQuantity(text, unit, { place: place(position) });
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) || !Number.isFinite(Number(text))) {
    throw invalid(
      position,
      `${column} is compared with "${text}", which is no number`,
      `Give a plain number, for example ${column}>=1`,
    );
  }
  return Number(text);
}

function readValue(reader: Reader, column: RunColumn): string {
  if (reader.take('"')) {
    const start = reader.position;
    const quoted = reader.match(/(?:[^"\\]|\\["\\])*/y) ?? '';
    if (!reader.take('"')) {
      throw invalid(start, 'the quotation mark at the value is never closed', 'Close it with a second "');
    }
    return quoted.replace(/\\(["\\])/g, '$1');
  }
  const bare = reader.match(/[^\s,"]+/y);
  if (bare === null) {
    throw invalid(
      reader.position,
      `nothing follows the comparison of ${column}`,
      'Give a value to compare with',
    );
  }
  return bare;
}

function columnNamed(name: string, position: number): RunColumn {
  if (isRunColumn(name)) {
    return name;
  }
  const columns = Object.keys(RUN_COLUMNS).filter(isRunColumn);
  const sameLetters = columns.find((column) => column.toLowerCase() === name.toLowerCase());
  if (sameLetters !== undefined) {
    return sameLetters;
  }
  throw new InputError({
    code: 'unknown-column',
    place: place(position),
    message: `runs have no column "${name}"`,
    remedy: `Did you mean ${nearestColumn(name)}? Columns: ${columns.join(', ')}`,
  });
}

function invalid(position: number, message: string, remedy: string): InputError {
  return new InputError({ code: 'invalid-filter', place: place(position), message, remedy });
}

function place(position: number): string {
  return `--where, character ${position + 1}`;
}

class Reader {
  position = 0;
  constructor(private readonly source: string) {}

  atEnd(): boolean {
    return this.position >= this.source.length;
  }

  /** The next word, shortened, for messages. */
  rest(): string {
    const word = /\S*/y;
    word.lastIndex = this.position;
    const found = word.exec(this.source)?.[0] ?? '';
    return found.length > 40 ? `${found.slice(0, 40)}...` : found;
  }

  /** Takes what a sticky expression matches here. */
  match(expression: RegExp): string | null {
    expression.lastIndex = this.position;
    const found = expression.exec(this.source)?.[0] ?? null;
    this.position += found?.length ?? 0;
    return found;
  }

  take(symbol: string): boolean {
    const found = this.source.startsWith(symbol, this.position);
    this.position += found ? symbol.length : 0;
    return found;
  }

  skipSeparators(): void {
    this.match(/(?:[\s,]+|and(?=\s))*/iy);
  }
}
