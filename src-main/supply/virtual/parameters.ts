import { ScpiFault } from './scpi-error.js';

/** IEEE 488.2, 7.7.3: multipliers before a unit; case does not matter, so that M is milli here. */
const MULTIPLIERS: Readonly<Record<string, number>> = { '': 1, N: 1e-9, U: 1e-6, M: 1e-3, K: 1e3 };

/**
 * Decimal parameter: `3.3`, `3.3 V`, `3300mV`, MINimum, MAXimum or DEFault (the minimum).
 *
 * @param resolution grid that the instrument rounds to; 0 for none
 * @throws ScpiFault -104 for no number, -131 for a wrong unit, -222 beyond the range
 */
export function parseNumber(
  text: string,
  unit: 'V' | 'A' | '',
  minimum: number,
  maximum: number,
  resolution: number,
): number {
  const word = text.toUpperCase();
  if (word === 'MIN' || word === 'MINIMUM' || word === 'DEF' || word === 'DEFAULT') return minimum;
  if (word === 'MAX' || word === 'MAXIMUM') return maximum;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d{1,3})?)\s*([A-Z]*)$/.exec(word);
  if (match === null) {
    throw new ScpiFault(-104);
  }
  const [, digits, suffix] = match;
  let factor = 1;
  if (suffix !== '') {
    const multiplier = suffix.slice(0, -1);
    if (unit === '' || !suffix.endsWith(unit) || !Object.hasOwn(MULTIPLIERS, multiplier)) {
      throw new ScpiFault(-131);
    }
    factor = MULTIPLIERS[multiplier];
  }
  const value = Number(digits) * factor;
  if (!(value >= minimum && value <= maximum)) {
    throw new ScpiFault(-222);
  }
  // To nanovolts: a multiple of 1e-6 is otherwise 0.09999999999999999.
  const rounded = resolution === 0 ? value : Number((Math.round(value / resolution) * resolution).toFixed(9));
  return Math.min(maximum, rounded);
}

/** ON, OFF or a number, which is on unless it rounds to zero (IEEE 488.2 and SCPI-99 volume 1, 7.3). */
export function parseBoolean(text: string): boolean {
  const word = text.toUpperCase();
  if (word === 'ON') return true;
  if (word === 'OFF') return false;
  if (!/^[+-]?\d{1,9}(\.\d*)?$/.test(word)) {
    throw new ScpiFault(-104);
  }
  return Math.round(Number(word)) !== 0;
}
