import { throughConverter, converterNote, type HarvestConverter } from './converter.js';
import { stepsFromSamples, type SampledHarvest, type TraceSample } from './samples.js';
import { shown, type TraceText } from './trace-text.js';

export interface LightCell {
  /** Column of the short-circuit current: of the first or the second cell of the recording board. */
  column: 'isc_a' | 'isc_c';
  /** Voltage at which the cell is operated, V. */
  operatingVolts: number;
  /** Current there as a share of the short-circuit current. */
  currentShare: number;
}

/**
 * An assumption, since the recording gives short-circuit currents only: a small amorphous-silicon cell of four junctions
 * is operated near 1.5 V in indoor light, where it still gives about nine tenths of its short-circuit current.
 */
export const DEFAULT_LIGHT_CELL: LightCell = { column: 'isc_c', operatingVolts: 1.5, currentShare: 0.9 };

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Indoor light recordings: a header with `timestamp` and `isc_a`, `isc_c` (short-circuit currents in microamperes of two
 * cells), one line every few minutes. A cell in light is nearly a constant-current source; it is operated at a fixed
 * voltage and its power goes through a converter to the capacitor.
 */
export function parseIndoorLight(
  text: TraceText,
  converter: HarvestConverter,
  cell: LightCell,
): SampledHarvest {
  const header = text.lines[0].split(',').map((name) => name.trim());
  const timeColumn = header.indexOf('timestamp');
  const currentColumn = header.indexOf(cell.column);
  if (timeColumn < 0 || currentColumn < 0) {
    throw text.error(
      0,
      `there is no column "${timeColumn < 0 ? 'timestamp' : cell.column}" among ${shown(header.join(', '))}`,
      'An indoor-light file has a header with timestamp, isc_a and isc_c',
    );
  }
  if (text.lines.length < 3) {
    throw text.error(
      text.lines.length - 1,
      'fewer than two samples',
      'At least two are needed, to know their interval',
    );
  }
  const samples: TraceSample[] = [];
  for (let line = 1; line < text.lines.length; line++) {
    const cells = text.cells(
      line,
      ',',
      header.length,
      `this file has the columns ${shown(header.join(','))}`,
    );
    const microamps = text.notNegative(line, cells[currentColumn], cell.column);
    const watts = microamps * 1e-6 * cell.currentShare * cell.operatingVolts;
    samples.push({
      seconds: parseTimestamp(text, line, cells[timeColumn]),
      ...throughConverter(watts, converter),
    });
  }
  const harvest = stepsFromSamples(samples);
  harvest.notes.unshift(
    `Cell of column ${cell.column}, assumed to be operated at ${cell.operatingVolts} V with ` +
      `${(cell.currentShare * 100).toFixed(0)} % of its short-circuit current.`,
    converterNote(converter),
  );
  return harvest;
}

export function looksLikeIndoorLight(lines: readonly string[]): boolean {
  return lines.length > 0 && /(^|,)\s*timestamp\s*,/.test(lines[0]) && /\bisc_[ac]\b/.test(lines[0]);
}

/** `08-Mar-2020 05:27:51`, to seconds since 1970 without any time zone. */
function parseTimestamp(text: TraceText, line: number, cell: string): number {
  const match = /^\s*(\d{2})-([A-Z][a-z]{2})-(\d{4}) (\d{2}):(\d{2}):(\d{2})\s*$/.exec(cell);
  const month = match === null ? -1 : MONTHS.indexOf(match[2]);
  if (match === null || month < 0) {
    throw text.error(
      line,
      `the timestamp ${shown(cell)} cannot be read`,
      'Write it like 08-Mar-2020 05:27:51',
    );
  }
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((group) => Number(match[group]));
  return Date.UTC(year, month, day, hour, minute, second) / 1000;
}
