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
    volts: checked(volts, limits.maximumVolts, limits.voltsResolution, 'V', 'voltage', place),
    amps: checked(amps, limits.maximumAmps, limits.ampsResolution, 'A', 'current limit', place),
  };
}

function checked(
  value: number,
  maximum: number,
  resolution: number,
  unit: Unit,
  what: string,
  place: string,
): number {
  if (!(value >= 0 && value <= maximum)) {
    throw new InputError({
      code: 'supply-limit',
      place,
      message: `a ${what} of ${formatQuantity(value, unit, 6)} is outside 0 to ${formatQuantity(maximum, unit, 6)}`,
      remedy:
        'Nothing was sent. Scale the harvest down, or choose a supply or a board profile that allows it',
    });
  }
  const nearest = Math.round(value / resolution);
  const steps = nearest * resolution > maximum ? Math.floor(maximum / resolution) : nearest;
  return Number((steps * resolution).toFixed(decimals(resolution)));
}

/** Decimal places that hold one step of `resolution` exactly enough to be sent as text. */
export function decimals(resolution: number): number {
  return Math.min(9, Math.max(0, Math.ceil(-Math.log10(resolution) - 1e-9)));
}
