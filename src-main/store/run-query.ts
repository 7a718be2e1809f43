/** Turns a RunQuery into SQL: columns from the allowlist, values only ever as parameters. */
import { InputError } from '../common/errors.js';
import { RUN_COLUMNS, requireRunColumn } from './columns.js';
import type { SqlValue } from './sqlite-driver.js';
import type { RunFilter, RunQuery } from './types.js';

export interface SqlText {
  sql: string;
  parameters: SqlValue[];
}

/** Most rows one call of listRuns returns; more is asked for with offset. */
export const MAXIMUM_LIST_LIMIT = 10_000;

const OPERATORS: Readonly<Record<RunFilter['operator'], (column: string) => string>> = {
  '=': (column) => `${column} = ?`,
  // A run without the measure is different from any value.
  '!=': (column) => `${column} IS NOT ?`,
  '<': (column) => `${column} < ?`,
  '<=': (column) => `${column} <= ?`,
  '>': (column) => `${column} > ?`,
  '>=': (column) => `${column} >= ?`,
  contains: (column) => `${column} LIKE ? ESCAPE '\\'`,
};

const SELECTED = Object.entries(RUN_COLUMNS)
  .map(([name, { sql }]) => `${sql} AS "${name}"`)
  .join(', ');

/**
 * @throws InputError `unknown-column`, `invalid-filter`
 */
export function selectRuns(query: RunQuery): SqlText {
  const where = whereClause(query.filters);
  const sort = RUN_COLUMNS[requireRunColumn(query.sortBy, 'sort order')].sql;
  const direction = query.descending ? 'DESC' : 'ASC';
  const limit = wholeNumber('limit', query.limit, MAXIMUM_LIST_LIMIT);
  const offset = wholeNumber('offset', query.offset, Number.MAX_SAFE_INTEGER);
  // Every index ends in the row id, so the tie-break costs nothing and makes paging stable.
  const order = sort === 'r.id' ? `r.id ${direction}` : `${sort} ${direction}, r.id ${direction}`;
  return {
    sql: `SELECT ${SELECTED} FROM runs r LEFT JOIN campaigns c ON c.id = r.campaign_id
          ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`,
    parameters: [...where.parameters, limit, offset],
  };
}

/** @throws InputError `unknown-column`, `invalid-filter` */
export function countRuns(filters: readonly RunFilter[]): SqlText {
  const where = whereClause(filters);
  return { sql: `SELECT count(*) AS total FROM runs r ${where.sql}`, parameters: where.parameters };
}

export const SELECT_ONE_RUN = `SELECT ${SELECTED} FROM runs r LEFT JOIN campaigns c ON c.id = r.campaign_id WHERE r.id = ?`;

function whereClause(filters: readonly RunFilter[]): SqlText {
  const conditions = filters.map(condition);
  return {
    sql: conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
}

function condition(filter: RunFilter): SqlText {
  const column = requireRunColumn(filter.column, 'filter');
  const { sql, type } = RUN_COLUMNS[column];
  if (!Object.hasOwn(OPERATORS, filter.operator)) {
    throw invalid(
      `"${filter.operator}" is no comparison`,
      `Use one of ${Object.keys(OPERATORS).join('  ')} after ${column}`,
    );
  }
  let value: SqlValue = filter.value;
  if (filter.operator === 'contains') {
    value = `%${String(filter.value).replace(/[\\%_]/g, (special) => `\\${special}`)}%`;
  } else if (type === 'number') {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw invalid(
        `${column} is compared with "${filter.value}"`,
        `Give a number, for example ${column}>=1`,
      );
    }
  } else if (typeof value !== 'string') {
    value = String(value);
  }
  const comparison = OPERATORS[filter.operator];
  if (column === 'campaignName') {
    // Names live in another table: look them up first, so that the index over campaign_id can be used.
    const found = `r.campaign_id IN (SELECT id FROM campaigns WHERE ${comparison('name')})`;
    return {
      sql: filter.operator === '!=' ? `(${found} OR r.campaign_id IS NULL)` : found,
      parameters: [value],
    };
  }
  return { sql: comparison(sql), parameters: [value] };
}

function wholeNumber(name: string, value: number, maximum: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > maximum) {
    throw invalid(`${name} is ${value}`, `Give a whole number from 0 to ${maximum}`);
  }
  return value;
}

function invalid(message: string, remedy: string): InputError {
  return new InputError({ code: 'invalid-filter', place: 'filter', message, remedy });
}
