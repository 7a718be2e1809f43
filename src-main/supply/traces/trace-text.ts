import { InputError } from '../../common/errors.js';

/** More than the longest trace anybody plays (a day at 50 Hz), small enough to hold in memory. */
export const MAXIMUM_TRACE_SAMPLES = 5_000_000;

/** The text of a trace file with its name, for errors that point into it. */
export class TraceText {
  readonly path: string;
  readonly lines: string[];

  constructor(path: string, text: string) {
    this.path = path;
    this.lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
    while (this.lines.length > 0 && this.lines[this.lines.length - 1].trim() === '') {
      this.lines.pop();
    }
    if (this.lines.length > MAXIMUM_TRACE_SAMPLES) {
      throw this.error(
        MAXIMUM_TRACE_SAMPLES,
        `the file has ${this.lines.length} lines`,
        `Cut it to ${MAXIMUM_TRACE_SAMPLES} or thin it out`,
      );
    }
  }

  /** @param index of the line, from 0 */
  error(index: number, message: string, remedy: string): InputError {
    return new InputError({ code: 'bad-trace', place: `${this.path}:${index + 1}`, message, remedy });
  }

  /** The cells of a line. @throws InputError when there are not exactly `count` */
  cells(index: number, separator: string | RegExp, count: number, format: string): string[] {
    const cells = this.lines[index].split(separator);
    if (cells.length !== count) {
      throw this.error(
        index,
        `${cells.length} values where ${count} were expected: ${shown(this.lines[index])}`,
        `Each line of ${format}; repair or remove this one`,
      );
    }
    return cells;
  }

  /** A finite decimal number. @throws InputError naming the value */
  number(index: number, cell: string, what: string): number {
    const text = cell.trim();
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) || !Number.isFinite(Number(text))) {
      throw this.error(
        index,
        `${what} ${shown(text)} is not a number`,
        'Write it as a decimal number with a point',
      );
    }
    return Number(text);
  }

  /** A finite number of at least zero. */
  notNegative(index: number, cell: string, what: string): number {
    const value = this.number(index, cell, what);
    if (value < 0) {
      throw this.error(
        index,
        `${what} ${value} is negative`,
        'A harvest only gives; correct the value or clip it to 0',
      );
    }
    return value;
  }
}

/** A value quoted and cut to a length that fits a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
