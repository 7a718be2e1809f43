import { InputError } from '../../common/errors.js';
import { formatQuantity, type Unit } from '../../common/quantity.js';
import type { SupplyLimits } from '../driver.js';

/** Voltage and current limit as the instrument will get them: on its grid and within the limits. */
export interface SetPoint {
  volts: number;
  amps: number;
}

/**
 * Rounds to the instrument's resolution and refuses anything beyond the limits. Rounding never carries a value over a
 * limit. Every driver passes every set through here before a byte is sent.
 *
 * @throws InputError `supply-limit`
 */
export function checkedSetPoint(volts: number, amps: number, limits: SupplyLimits, place: string): SetPoint {
  return {
    volts: checked(
      volts,
      limits.minimumVolts ?? 0,
      limits.maximumVolts,
      limits.voltsResolution,
      'V',
      'voltage',
      place,
    ),
    amps: checked(amps, 0, limits.maximumAmps, limits.ampsResolution, 'A', 'current limit', place),
  };
}

function checked(
  value: number,
  minimum: number,
  maximum: number,
  resolution: number,
  unit: Unit,
  what: string,
  place: string,
): number {
  if (!(value >= minimum && value <= maximum)) {
    throw new InputError({
      code: 'supply-limit',
      place,
      message: `a ${what} of ${formatQuantity(value, unit, 6)} is outside ${minimum === 0 ? '0' : formatQuantity(minimum, unit, 6)} to ${formatQuantity(maximum, unit, 6)}`,
      remedy:
        'Nothing was sent. Scale the harvest down, or choose a supply or a board profile that allows it',
    });
  }
  const onGrid = (steps: number): number => Number((steps * resolution).toFixed(decimals(resolution)));
  const nearest = onGrid(Math.round(value / resolution));
  return nearest <= maximum ? nearest : onGrid(Math.max(0, Math.ceil(maximum / resolution) - 1));
}

/** Decimal places in which every multiple of `resolution` can be written: 4 for 0.0072, 6 for 1e-6; at most 9. */
export function decimals(resolution: number): number {
  for (let places = 0; places < 9; places++) {
    const units = resolution * 10 ** places;
    if (Math.round(units) >= 1 && Math.abs(units - Math.round(units)) < 1e-6) return places;
  }
  return 9;
}
