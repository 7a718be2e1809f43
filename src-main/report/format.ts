/** Numbers and texts as a report shows them: the same characters everywhere, whatever the locale of the machine. */
import { formatQuantity } from '../common/quantity.js';
import type { RunColumn, RunRow } from '../store/types.js';
import { PRESENTATION } from './columns.js';

export type CellValue = string | number | null;

/** What stands where there is no value. */
export const MISSING = '–';

/** One value on its own, with its unit: `4.70 mF`, `1,234`, `98.5 %`. */
export function formatValue(column: RunColumn, value: CellValue): string {
  if (value === null) {
    return MISSING;
  }
  const { values } = PRESENTATION[column];
  if (typeof value === 'string') {
    return values.kind === 'date' ? formatDate(value) : value;
  }
  switch (values.kind) {
    case 'quantity':
      return formatQuantity(value, values.unit);
    case 'share':
      return `${(value * 100).toFixed(1)} %`;
    case 'count':
      return isNumberOfSomething(column) ? formatCount(value) : String(value);
    default:
      return String(value);
  }
}

export interface FormattedColumn {
  /** With the unit of all its values: `Latency (ms)`. */
  heading: string;
  cells: string[];
  /** Numbers stand at the right. */
  alignRight: boolean;
}

/** All values of one column with one unit and the same decimals, so that a column of numbers can be compared by eye. */
export function formatColumn(column: RunColumn, rows: readonly RunRow[]): FormattedColumn {
  const { label, values } = PRESENTATION[column];
  const cells = rows.map((row) => row[column]);
  const numbers = cells.filter((cell) => typeof cell === 'number');
  if (values.kind === 'quantity') {
    const scale = commonScale(numbers);
    return {
      heading: `${label} (${scale.prefix}${values.unit})`,
      cells: cells.map((cell) =>
        typeof cell === 'number' ? (cell / scale.factor).toFixed(scale.decimals) : MISSING,
      ),
      alignRight: true,
    };
  }
  if (values.kind === 'share') {
    return {
      heading: `${label} (%)`,
      cells: cells.map((cell) => (typeof cell === 'number' ? (cell * 100).toFixed(1) : MISSING)),
      alignRight: true,
    };
  }
  return {
    heading: label,
    cells: cells.map((cell) => formatValue(column, cell)),
    alignRight: values.kind === 'count',
  };
}

export interface Scale {
  prefix: string;
  /** Values are divided by it. */
  factor: number;
  /** Digits after the point, so that even the smallest value shows three significant ones (at most four decimals). */
  decimals: number;
}

const PREFIXES: readonly [string, number][] = [
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
  ['', 1],
  ['m', 1e-3],
  ['µ', 1e-6],
  ['n', 1e-9],
  ['p', 1e-12],
];

/** One SI prefix for several values: the one in which the largest has one to three digits before the point. */
export function commonScale(values: readonly number[]): Scale {
  const magnitudes = values.map(Math.abs).filter((value) => value > 0 && Number.isFinite(value));
  if (magnitudes.length === 0) {
    return { prefix: '', factor: 1, decimals: 0 };
  }
  const largest = magnitudes.reduce((a, b) => Math.max(a, b));
  const smallest = magnitudes.reduce((a, b) => Math.min(a, b));
  // Half a unit in the third digit, so that 999.9 ms becomes 1.00 s and not 1000 ms.
  const [prefix, factor] =
    PREFIXES.find(([, candidate]) => largest * 1.0005 >= candidate) ?? PREFIXES[PREFIXES.length - 1];
  const decimals = Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(smallest / factor))));
  return { prefix, factor, decimals };
}

/** Whole numbers in groups of three: `156,250,000`. */
export function formatCount(value: number): string {
  return Number.isSafeInteger(value)
    ? String(value).replace(/\B(?=(\d{3})+$)/g, ',')
    : Number(value.toPrecision(4)).toString();
}

/** `2.34×`, `0.127×`, `41×`: a measure relative to the baseline's. */
export function formatRatio(ratio: number): string {
  return `${ratio >= 100 ? ratio.toFixed(0) : ratio >= 10 ? ratio.toFixed(1) : ratio.toPrecision(3)}×`;
}

/** `2026-02-03 04:05:06 UTC` of an ISO 8601 time in UTC; anything else unchanged. */
export function formatDate(iso: string): string {
  return iso.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?Z$/, '$1 $2 UTC');
}

/** Control characters, terminal escapes among them, made visible: a name must not be able to draw on the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** Code points, of which one takes about one place in a line of text. */
export function characters(text: string): string[] {
  return Array.from(text);
}

/** Run numbers and seeds are names: no separators in them. */
function isNumberOfSomething(column: RunColumn): boolean {
  return !['id', 'campaignId', 'seed', 'repeat'].includes(column);
}
