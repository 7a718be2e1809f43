/** What differs between runs, and by how much. */
import type { RunColumn, RunRow } from '../store/types.js';
import { columnsOf, PRESENTATION } from './columns.js';
import type { CellValue } from './format.js';

export interface Comparison {
  runIds: number[];
  /** The run that ratios refer to; null when none has finished. */
  baselineId: number | null;
  /** Configuration that is not the same in all runs. */
  differing: RunColumn[];
  /** Configuration, plan and counts that are, with their value. */
  constant: { column: RunColumn; value: CellValue }[];
  measures: ComparedMeasure[];
}

export interface ComparedMeasure {
  column: RunColumn;
  /** One per run, in the order of runIds. */
  values: (number | null)[];
  /** value / baseline's value; null where either is missing or the baseline's is zero. */
  ratios: (number | null)[];
  /** Index of the best finished run; null where no direction is better, or where all are equal. */
  best: number | null;
}

/**
 * @param rows runs to compare, in the order to show them
 * @param baselineId by default the first run that finished
 */
export function compareRuns(rows: readonly RunRow[], baselineId?: number): Comparison {
  const chosen = rows.find((row) =>
    baselineId === undefined ? row.status === 'finished' : row.id === baselineId,
  );
  const baseline = chosen ?? null;
  const settings = columnsOf('configuration', 'plan');
  const differs = (column: RunColumn): boolean => rows.some((row) => row[column] !== rows[0][column]);
  const differing = settings.filter(differs);
  return {
    runIds: rows.map((row) => row.id),
    baselineId: baseline?.id ?? null,
    differing: differing.filter((column) => PRESENTATION[column].role === 'configuration'),
    constant:
      rows.length === 0
        ? []
        : [...settings, ...COUNTS]
            .filter((column) => !differs(column))
            .map((column) => ({ column, value: rows[0][column] })),
    measures: [...columnsOf('measure'), ...differing.filter((column) => PRESENTATION[column].role === 'plan')]
      .filter((column) => PRESENTATION[column].values.kind !== 'text')
      .map((column) => compareMeasure(column, rows, baseline)),
  };
}

/** Measures that say little about a run when all runs share them. */
const COUNTS: readonly RunColumn[] = [
  'inferences',
  'checkpoints',
  'restores',
  'tasksReexecuted',
  'nvmBytesWritten',
];

function compareMeasure(
  column: RunColumn,
  rows: readonly RunRow[],
  baseline: RunRow | null,
): ComparedMeasure {
  const values = rows.map((row) => numberOrNull(row[column]));
  const reference = baseline === null ? null : numberOrNull(baseline[column]);
  return {
    column,
    values,
    ratios: values.map((value) =>
      value === null || reference === null || reference === 0 ? null : value / reference,
    ),
    best: bestIndex(
      // A run that gave up early has low totals; it is not the best for that.
      values.map((value, index) => (rows[index].status === 'finished' ? value : null)),
      PRESENTATION[column].better,
    ),
  };
}

function bestIndex(values: readonly (number | null)[], better: 'less' | 'more' | undefined): number | null {
  const known = values.filter((value) => value !== null);
  if (better === undefined || known.every((value) => value === known[0])) {
    return null;
  }
  return values.indexOf(better === 'less' ? Math.min(...known) : Math.max(...known));
}

function numberOrNull(value: CellValue): number | null {
  return typeof value === 'number' ? value : null;
}

/**
 * What tells each run from the others, in few words: the values of what differs, `tile · 220 µF`. Runs that differ in
 * nothing that was asked for are told apart by their number.
 */
export function distinguishingColumns(comparison: Comparison): RunColumn[] {
  // Repeats have a seed of their own; the number of the repeat says as much, shorter.
  const repeats = comparison.differing.includes('repeat');
  return comparison.differing.filter((column) => !(column === 'seed' && repeats));
}
