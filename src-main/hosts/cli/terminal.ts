/** What every command shares: where text goes, progress, Ctrl+C, errors and exit statuses. */
import { BenchError, RunError } from '../../common/errors.js';

/** A line that is rewritten in place on a terminal; on anything else (a log file, a pipe) it stays silent. */
export class ProgressLine {
  #shown = false;

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  /** @param fraction 0 .. 1 */
  show(fraction: number, label: string): void {
    if (!this.stream.isTTY) {
      return;
    }
    const width = 24;
    const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
    const bar = '█'.repeat(filled) + '░'.repeat(width - filled);
    const text = `${bar} ${String(Math.floor(fraction * 100)).padStart(3)} %  ${label}`;
    this.stream.write(`\r${text.slice(0, (this.stream.columns || 80) - 1)}\u001b[K`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) {
      this.stream.write('\r\u001b[K');
      this.#shown = false;
    }
  }
}

/** Runs `work` with a signal that the first Ctrl+C aborts, which `notice` announces; the second ends the process. */
export async function cancellable<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  notice = 'Stopping; what is finished is kept. Ctrl+C again ends at once.',
): Promise<Result> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) {
      process.exit(130);
    }
    console.error(`\n${notice}`);
    controller.abort(
      new RunError({
        code: 'cancelled',
        place: 'brownout',
        message: 'stopped before it was done',
        remedy: 'Start it again',
      }),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** Prints an error as one line (or one JSON object) and sets the exit status. */
export function reportError(error: unknown, json: boolean): void {
  if (error instanceof BenchError) {
    if (json) {
      console.log(JSON.stringify({ error: error.toJSON() }));
    }
    console.error(`brownout: ${error.message}`);
    process.exitCode = error.exitStatus;
    return;
  }
  console.error('brownout: a fault of Brownout Bench itself; please report it with this text:');
  console.error(error);
  process.exitCode = 1;
}

/** Characters per line of what reads our output; unlimited for a file or a pipe. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Infinity;
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value));
}

/** `key  value` lines, keys aligned. */
export function printFields(fields: Record<string, string | number | null>): void {
  const width = Math.max(...Object.keys(fields).map((key) => key.length));
  for (const [key, value] of Object.entries(fields)) {
    console.log(`${key.padEnd(width)}  ${value ?? '-'}`);
  }
}
