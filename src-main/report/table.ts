/** Plain text tables for the terminal. */
import type { RunColumn, RunRow } from '../store/types.js';
import { characters, formatColumn, visible, type FormattedColumn } from './format.js';

/** What `brownout runs` and the demo show unless told otherwise. */
export const DEFAULT_TABLE_COLUMNS: readonly RunColumn[] = [
  'id',
  'model',
  'strategy',
  'capacitanceFarads',
  'power',
  'status',
  'latencySeconds',
  'activeSeconds',
  'energyJoules',
  'powerCycles',
  'checkpoints',
  'tasksReexecuted',
  'accuracy',
];

/**
 * One line per run, numbers at the right under a heading that names the unit of the whole column.
 *
 * @param maximumWidth characters per line; texts are shortened to fit where they can be
 * @returns lines ending in a line feed; an empty table is one line saying so
 */
export function renderRunTable(
  rows: readonly RunRow[],
  columns: readonly RunColumn[] = DEFAULT_TABLE_COLUMNS,
  maximumWidth = Infinity,
): string {
  return rows.length === 0
    ? 'No runs.\n'
    : renderTable(
        columns.map((column) => formatColumn(column, rows)),
        maximumWidth,
      );
}

/**
 * @param columns every column has the same number of cells
 * @param maximumWidth characters per line; the widest texts are shortened first, numbers never
 */
export function renderTable(columns: readonly FormattedColumn[], maximumWidth = Infinity): string {
  const gap = '  ';
  const shown = columns.map((column) => ({
    ...column,
    lines: [column.heading, ...column.cells].map((cell) => characters(visible(cell))),
  }));
  const widths = shown.map(({ lines }) => Math.max(...lines.map((cell) => cell.length)));
  const shrinkable = shown.map(({ alignRight, heading }) =>
    alignRight ? Infinity : characters(heading).length,
  );
  while (widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) > maximumWidth) {
    // The widest text that still has room to give; where none has, the line stays too long rather than lose digits.
    const widest = widths.reduce(
      (best, width, index) => (width > shrinkable[index] && width > (widths[best] ?? 0) ? index : best),
      -1,
    );
    if (widest === -1) {
      break;
    }
    widths[widest]--;
  }
  const line = (row: number): string =>
    shown
      .map(({ lines, alignRight }, index) => fit(lines[row], widths[index], alignRight))
      .join(gap)
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join(gap);
  const rowCount = shown[0]?.cells.length ?? 0;
  return [line(0), rule, ...Array.from({ length: rowCount }, (_, row) => line(row + 1))]
    .map((text) => `${text}\n`)
    .join('');
}

function fit(characters: readonly string[], width: number, alignRight: boolean): string {
  const text =
    characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : characters.join('');
  const padding = ' '.repeat(Math.max(0, width - Math.min(characters.length, width)));
  return alignRight ? padding + text : text + padding;
}
