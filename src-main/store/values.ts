/** Reading values out of SQL rows with their types checked: a wrong one is a fault of a query, not of the input. */
import type { SqlRow } from './sqlite-driver.js';

export function number(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') {
    throw new TypeError(`column ${column} holds ${describe(value)}, not a number`);
  }
  return value;
}

export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') {
    throw new TypeError(`column ${column} holds ${describe(value)}, not a text`);
  }
  return value;
}

export function blob(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`column ${column} holds ${describe(value)}, not bytes`);
  }
  return value;
}

export function numberOrNull(row: SqlRow, column: string): number | null {
  return row[column] === null ? null : number(row, column);
}

export function textOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

function describe(value: unknown): string {
  return value === undefined ? 'nothing (not selected)' : value === null ? 'NULL' : typeof value;
}
