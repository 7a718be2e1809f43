/** A comparison for the terminal: what differs, then what came out, one column per run. */
import type { RunRow } from '../store/types.js';
import { PRESENTATION } from './columns.js';
import { compareRuns } from './compare.js';
import { formatRatio, formatValue } from './format.js';
import { renderTable } from './table.js';

/**
 * Only configuration that differs between the runs is shown. Measures carry their ratio to the baseline, the first run
 * that finished.
 *
 * @param maximumWidth characters per line
 */
export function renderComparison(rows: readonly RunRow[], maximumWidth = Infinity): string {
  const { differing, measures, baselineId } = compareRuns(rows);
  const lines = [
    ...differing.map((column) => ({
      name: PRESENTATION[column].label,
      cells: rows.map((row) => formatValue(column, row[column])),
    })),
    { name: PRESENTATION.status.label, cells: rows.map((row) => row.status) },
    ...measures.map(({ column, values, ratios }) => ({
      name: PRESENTATION[column].label,
      cells: values.map((value, index) => {
        const ratio = ratios[index];
        const text = formatValue(column, value);
        return ratio === null || rows[index].id === baselineId ? text : `${text} (${formatRatio(ratio)})`;
      }),
    })),
  ];
  return renderTable(
    [
      { heading: '', cells: lines.map((line) => line.name), alignRight: false },
      ...rows.map((row, index) => ({
        heading: row.id === baselineId ? `run ${row.id} (baseline)` : `run ${row.id}`,
        cells: lines.map((line) => line.cells[index]),
        alignRight: true,
      })),
    ],
    maximumWidth,
  );
}
