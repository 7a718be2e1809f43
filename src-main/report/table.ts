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
  'energyJoules',
  'powerCycles',
  'predictedPowerCycles',
  'checkpoints',
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
 * @param maximumWidth characters per line. Where it does not suffice, headings are broken at spaces; where that does not
 *   either, the widest texts are shortened. Numbers never are.
 */
export function renderTable(columns: readonly FormattedColumn[], maximumWidth = Infinity): string {
  const shown = columns.map(({ heading, cells, alignRight }) => ({
    heading: visible(heading),
    cells: cells.map((cell) => characters(visible(cell))),
    alignRight,
  }));
  const oneLine = shown.map(({ heading, cells }) => widest([characters(heading), ...cells]));
  const broken = shown.map(({ heading, cells }) => widest([...heading.split(' ').map(characters), ...cells]));
  const widths = lineWidth(oneLine) <= maximumWidth ? oneLine : broken;
  shorten(
    widths,
    shown.map(({ alignRight, heading }) =>
      alignRight ? Infinity : Math.max(SHORTEST_TEXT, widest(heading.split(' ').map(characters))),
    ),
    maximumWidth,
  );
  const headings = shown.map(({ heading }, index) => breakAtSpaces(heading, widths[index]));
  const headingLines = Math.max(0, ...headings.map((lines) => lines.length));
  const lines = [
    // Short headings stand at the bottom, next to their column.
    ...Array.from({ length: headingLines }, (_, line) =>
      headings.map((texts) => characters(texts[line - headingLines + texts.length] ?? '')),
    ),
    widths.map((width) => characters('─'.repeat(width))),
    ...(shown[0]?.cells ?? []).map((_, row) => shown.map(({ cells }) => cells[row])),
  ];
  return lines
    .map((cells) => {
      const fitted = cells.map((cell, index) => fit(cell, widths[index], shown[index].alignRight));
      return `${fitted.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

const GAP = '  ';
/** Characters of a text that are left when a line must be shortened. */
const SHORTEST_TEXT = 10;

/** Takes from the widest text that still has room to give; where none has, lines stay too long rather than lose digits. */
function shorten(widths: number[], smallest: readonly number[], maximumWidth: number): void {
  while (lineWidth(widths) > maximumWidth) {
    const widestText = widths.reduce(
      (best, width, index) => (width > smallest[index] && width > (widths[best] ?? 0) ? index : best),
      -1,
    );
    if (widestText === -1) {
      return;
    }
    widths[widestText]--;
  }
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1));
}

function widest(texts: readonly (readonly string[])[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0);
}

function breakAtSpaces(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const extended = lines.length === 0 ? word : `${lines[lines.length - 1]} ${word}`;
    if (lines.length > 0 && characters(extended).length <= width) {
      lines[lines.length - 1] = extended;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

function fit(text: readonly string[], width: number, alignRight: boolean): string {
  const shown = text.length > width ? `${text.slice(0, width - 1).join('')}…` : text.join('');
  const padding = ' '.repeat(Math.max(0, width - text.length));
  return alignRight ? padding + shown : shown + padding;
}
