import { throughConverter, converterNote, type HarvestConverter } from './converter.js';
import { stepsFromSamples, type SampledHarvest, type TraceSample } from './samples.js';
import type { TraceText } from './trace-text.js';

/** The traces were recorded across this resistor behind the front end of a WISP tag (Mementos, UMass). */
const LOAD_OHMS = 30_000;

/**
 * Mementos RF traces: `milliseconds<TAB>volts`, voltage across 30 kohm, usually at 1 kHz.
 *
 * What was measured is one point of the front end's curve per instant: V volts while V / 30 kohm flowed. The source is
 * that point, voltage V and current V / 30 kohm, power V^2 / 30 kohm. The front end could give more current into a lower
 * voltage and would reach a higher one unloaded; neither was recorded, so neither is assumed.
 *
 * @param converter null for none: the front end charges the capacitor directly
 */
export function parseMementos(text: TraceText, converter: HarvestConverter | null): SampledHarvest {
  const samples: TraceSample[] = text.lines.map((_, index) => {
    const cells = text.cells(index, '\t', 2, 'a Mementos trace is milliseconds<TAB>volts');
    const seconds = text.number(index, cells[0], 'time in ms') / 1000;
    const volts = text.notNegative(index, cells[1], 'voltage');
    if (converter !== null) {
      return { seconds, ...throughConverter(volts ** 2 / LOAD_OHMS, converter) };
    }
    return { seconds, volts, amps: volts / LOAD_OHMS };
  });
  const harvest = stepsFromSamples(samples);
  harvest.notes.unshift(
    converter === null
      ? 'Each sample is taken as a source of the measured voltage V with the measured current V / 30 kohm.'
      : converterNote(converter),
  );
  return harvest;
}
