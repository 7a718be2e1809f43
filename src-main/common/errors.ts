/**
 * The two ways a command of the bench can fail. Every error names the place, the value found there, and the remedy,
 * so that the same object serves the terminal, the window and the stored log.
 */

export interface BenchErrorDetails {
  /** Stable kebab-case identifier, e.g. `unknown-operator`; documented, never reworded. */
  code: string;
  /** Where: a file (with line and column where known), port, run or node. */
  place: string;
  /** What is wrong there, with the offending value. */
  message: string;
  /** What the user can do about it. */
  remedy: string;
  cause?: unknown;
}

abstract class BenchError extends Error {
  readonly code: string;
  readonly place: string;
  readonly remedy: string;
  /** What was wrong, without place and remedy. */
  readonly reason: string;
  /** Process exit status: 2 = the input or the command is wrong, 1 = the run failed. */
  abstract readonly exitStatus: 1 | 2;

  constructor(details: BenchErrorDetails) {
    super(`${details.place}: ${details.message}. ${details.remedy}`, { cause: details.cause });
    this.code = details.code;
    this.place = details.place;
    this.reason = details.message;
    this.remedy = details.remedy;
  }

  /** A plain object that survives structured cloning, JSON and SQLite. */
  toJSON(): BenchErrorDetails & { exitStatus: 1 | 2 } {
    return {
      code: this.code,
      place: this.place,
      message: this.reason,
      remedy: this.remedy,
      exitStatus: this.exitStatus,
    };
  }
}

/** The input or the command is wrong: nothing was done, nothing was changed. Exit status 2. */
export class InputError extends BenchError {
  override readonly name = 'InputError';
  readonly exitStatus = 2;
}

/** The work was started and failed: what it had produced is kept and marked. Exit status 1. */
export class RunError extends BenchError {
  override readonly name = 'RunError';
  readonly exitStatus = 1;
}

export { BenchError };
