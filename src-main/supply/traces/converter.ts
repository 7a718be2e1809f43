import { formatQuantity } from '../../common/quantity.js';

/** A boost converter between a harvester and the capacitor. */
export interface HarvestConverter {
  /** It stops charging there: the source's open-circuit voltage as the capacitor sees it. */
  outputVolts: number;
  /** Share of the harvester's power that comes out. */
  efficiency: number;
}

/** Outlet of common harvesting chargers (5 V) and a usual efficiency; assumptions, written into the harvest's notes. */
export const DEFAULT_CONVERTER: HarvestConverter = { outputVolts: 5, efficiency: 0.8 };

/**
 * Power behind a converter as a current source: the current that this power gives at the outlet voltage. Below that
 * voltage a real converter would give more current, so the harvest is understated, never overstated.
 */
export function throughConverter(
  watts: number,
  converter: HarvestConverter,
): { volts: number; amps: number } {
  return { volts: converter.outputVolts, amps: (watts * converter.efficiency) / converter.outputVolts };
}

export function converterNote(converter: HarvestConverter): string {
  return (
    `Charged through a converter to ${formatQuantity(converter.outputVolts, 'V')} at ` +
    `${(converter.efficiency * 100).toFixed(0)} % efficiency, as the current that gives this power at its outlet.`
  );
}
