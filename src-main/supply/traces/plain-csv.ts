import type { Harvest, HarvestStep } from '../harvest.js';
import { pushStep, type SampledHarvest } from './samples.js';
import type { TraceText } from './trace-text.js';

export const PLAIN_CSV_HEADER = 'time_seconds,volts,amps';

/**
 * The bench's own format: the header `time_seconds,volts,amps`, then one line per change of the source, which holds until
 * the next. Times increase strictly and may be as far apart as one likes. The last line holds as long as the one before
 * it did, or for one second when it is the only one; a line that repeats the values of the one before sets the end.
 */
export function parsePlainCsv(text: TraceText): SampledHarvest {
  if (text.lines.length < 2) {
    throw text.error(0, 'there is no line after the header', `Add lines of ${PLAIN_CSV_HEADER}`);
  }
  const steps: HarvestStep[] = [];
  let first = 0;
  let previous = 0;
  let lastHeld = 1;
  for (let line = 1; line < text.lines.length; line++) {
    const cells = text.cells(line, ',', 3, `this file is ${PLAIN_CSV_HEADER}`);
    const seconds = text.number(line, cells[0], 'time');
    if (line === 1) {
      first = seconds;
    } else if (seconds - first <= previous) {
      throw text.error(
        line,
        `the time ${seconds} s does not come after the ${first + previous} s before it`,
        'Sort the lines by time and remove double ones',
      );
    } else {
      lastHeld = seconds - first - previous;
    }
    previous = seconds - first;
    pushStep(steps, {
      startSeconds: previous,
      volts: text.notNegative(line, cells[1], 'volts'),
      amps: text.notNegative(line, cells[2], 'amps'),
    });
  }
  return { steps, durationSeconds: previous + lastHeld, notes: [] };
}

export function looksLikePlainCsv(lines: readonly string[]): boolean {
  return lines.length > 0 && lines[0].replace(/\s/g, '').toLowerCase() === PLAIN_CSV_HEADER;
}

/** A harvest in this format; reading it again gives the same steps and duration. */
export function formatPlainCsv({ steps, durationSeconds }: Harvest): string {
  const lines = steps.map(({ startSeconds, volts, amps }) => `${startSeconds},${volts},${amps}`);
  // The last line holds as long as the one before it did: one that repeats the values says when the harvest ends.
  const { volts, amps } = steps[steps.length - 1];
  const previous =
    steps.length > 1 ? steps[steps.length - 1].startSeconds - steps[steps.length - 2].startSeconds : 1;
  const held = durationSeconds - steps[steps.length - 1].startSeconds;
  if (Math.abs(held - previous) > 1e-9 * durationSeconds) {
    const half = steps[steps.length - 1].startSeconds + held / 2;
    lines.push(`${half},${volts},${amps}`);
  }
  return [PLAIN_CSV_HEADER, ...lines, ''].join('\n');
}
