import { throughConverter, converterNote, type HarvestConverter } from './converter.js';
import { stepsFromSamples, type SampledHarvest, type TraceSample } from './samples.js';
import type { TraceText } from './trace-text.js';

/** 2^12 + 1 points of a curve are more than any recorder gives. */
const MAXIMUM_LOG2_POINTS = 12;

/**
 * Ekho IV curves: line 1 holds n, line 2 `vmin,vmax`, then each line `t,I0..I_2^n`: the currents at 2^n + 1 voltages
 * equally spaced from vmin to vmax, at time t in seconds. The format names no unit of current; amperes are taken.
 *
 * A source here is a rectangle (a voltage and a current limit), a curve is not. The rectangle used is the one at the
 * maximum-power point: the largest that lies wholly under a falling curve. It gives what a harvester with maximum-power
 * tracking takes, and never more than the curve; open-circuit voltage with short-circuit current would.
 *
 * @param converter null for none: charged directly, at the voltage of the maximum-power point
 */
export function parseEkho(text: TraceText, converter: HarvestConverter | null): SampledHarvest {
  const exponent = text.number(0, text.lines[0], 'n');
  if (!Number.isInteger(exponent) || exponent < 0 || exponent > MAXIMUM_LOG2_POINTS) {
    throw text.error(
      0,
      `n is ${exponent}`,
      `Line 1 of an Ekho file is n, 0 to ${MAXIMUM_LOG2_POINTS}: 2^n + 1 currents a line`,
    );
  }
  if (text.lines.length < 4) {
    throw text.error(
      text.lines.length - 1,
      'fewer than two curves',
      'An Ekho file needs at least two, to know their interval',
    );
  }
  const points = 2 ** exponent + 1;
  const [lowest, highest] = text
    .cells(1, ',', 2, 'an Ekho file starts with n, then vmin,vmax')
    .map((cell) => text.notNegative(1, cell, 'voltage'));
  if (highest <= lowest) {
    throw text.error(
      1,
      `vmax ${highest} is not above vmin ${lowest}`,
      'Line 2 of an Ekho file is vmin,vmax in volts',
    );
  }
  const samples: TraceSample[] = [];
  for (let line = 2; line < text.lines.length; line++) {
    const cells = text.cells(
      line,
      ',',
      points + 1,
      `an Ekho file with n = ${exponent} is t and ${points} currents`,
    );
    let best = { watts: 0, volts: 0, amps: 0 };
    for (let point = 0; point < points; point++) {
      // Recorders leave small negative currents beyond the open-circuit voltage; they are no harvest.
      const amps = Math.max(0, text.number(line, cells[point + 1], `current ${point + 1}`));
      const volts = lowest + ((highest - lowest) * point) / (points - 1);
      if (volts * amps > best.watts) best = { watts: volts * amps, volts, amps };
    }
    const seconds = text.number(line, cells[0], 'time');
    const source = converter === null ? best : throughConverter(best.watts, converter);
    samples.push({ seconds, volts: source.volts, amps: source.amps });
  }
  const harvest = stepsFromSamples(samples);
  harvest.notes.unshift(
    'Each IV curve is taken at its maximum-power point; currents are taken as amperes.',
    ...(converter === null ? [] : [converterNote(converter)]),
  );
  return harvest;
}

/** Whether the first two lines look like this format. */
export function looksLikeEkho(lines: readonly string[]): boolean {
  return lines.length > 2 && /^\d{1,2}\s*$/.test(lines[0]) && lines[1].split(',').length === 2;
}
