import { InputError } from './errors.js';

/** Units that the bench's files and command line use. Values are always in these, without prefix. */
export type Unit = 'F' | 'V' | 'A' | 's' | 'J' | 'W' | 'C' | 'Hz' | 'Ω' | 'B';

export interface QuantityRules {
  /** Where the value stands, for the error: `--capacitance`, `campaign.yaml:12:7`. */
  place?: string;
  /** Smallest and largest value accepted, inclusive, in SI units. */
  minimum?: number;
  maximum?: number;
  /** Refuse zero and less. */
  positive?: boolean;
}

/** SI prefixes from femto to tera; the empty prefix is 1. */
const PREFIX_EXPONENTS: Readonly<Record<string, number>> = {
  f: -15,
  p: -12,
  n: -9,
  µ: -6,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
};

/** Prefixes in the order that formatQuantity chooses from. */
const OUTPUT_PREFIXES: readonly (string | undefined)[] = ['f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T'];

const EXAMPLES: Readonly<Record<Unit, string>> = {
  F: '"4.7 mF", "100uF" or 0.0047',
  V: '"2.8 V", "900mV" or 2.8',
  A: '"5 mA", "250uA" or 0.005',
  s: '"10 ms", "2 min", "24 h" or 0.01',
  J: '"3.2 mJ" or 0.0032',
  W: '"1.5 mW" or 0.0015',
  C: '"20 uC" or 2e-5',
  Hz: '"125 MHz" or 125000000',
  Ω: '"30 kohm", "30kΩ" or 30000',
  B: '"64 kB" or 64000',
};

/** Number, optional space, optional prefix and unit. The prefix is taken apart later, since `m` may be either. */
const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\p{L}*)$/u;

/**
 * Reads a physical quantity: `4.7 mF`, `100uF`, `100 µF`, `0.0047`, or a number, which is taken as SI already. The unit
 * may be left out ("100u"); prefixes are case-sensitive (m = milli, M = mega). Times also know `min` and `h`, resistances
 * `ohm`.
 *
 * @returns the value in SI units, correctly rounded: `4.7 mF` is exactly the number 0.0047
 * @throws InputError `bad-quantity` naming the value and what is accepted
 */
export function parseQuantity(text: string | number, unit: Unit, rules: QuantityRules = {}): number {
  const value = typeof text === 'number' ? text : parseText(text, unit);
  if (!Number.isFinite(value)) {
    throw refuse(text, unit, rules, `is not a quantity in ${unit}`);
  }
  if (rules.positive === true && value <= 0) {
    throw refuse(text, unit, rules, 'must be greater than zero');
  }
  if (rules.minimum !== undefined && value < rules.minimum) {
    throw refuse(text, unit, rules, `is below the smallest accepted, ${formatQuantity(rules.minimum, unit)}`);
  }
  if (rules.maximum !== undefined && value > rules.maximum) {
    throw refuse(text, unit, rules, `is above the largest accepted, ${formatQuantity(rules.maximum, unit)}`);
  }
  return value;
}

function parseText(text: string, unit: Unit): number {
  // Longer than any sensible quantity: refuse before the expression sees it.
  const match = text.length > 64 ? null : QUANTITY.exec(text.normalize('NFKC').trim());
  if (match === null) {
    return NaN;
  }
  const [, digits, suffix] = match;
  const factor = suffixFactor(suffix, unit);
  if (factor === null) {
    return NaN;
  }
  // "4.7e-3" parsed as decimal text is exactly 0.0047; 4.7 * 1e-3 would be one rounding away from it.
  if ('exponent' in factor) {
    const [mantissa, exponent = '0'] = digits.toLowerCase().split('e');
    return Number(`${mantissa}e${Number(exponent) + factor.exponent}`);
  }
  return Number(digits) * factor.multiple;
}

function suffixFactor(suffix: string, unit: Unit): { exponent: number } | { multiple: number } | null {
  if (unit === 's') {
    if (suffix === 'min') return { multiple: 60 };
    if (suffix === 'h') return { multiple: 3600 };
  }
  for (const name of unitNames(unit)) {
    if (suffix.endsWith(name)) {
      const exponent = prefixExponent(suffix.slice(0, suffix.length - name.length));
      if (exponent !== null) return { exponent };
    }
  }
  const exponent = prefixExponent(suffix);
  return exponent === null ? null : { exponent };
}

/** NFKC turns the micro sign into a Greek mu and the ohm sign into a Greek omega. */
function unitNames(unit: Unit): string[] {
  return unit === 'Ω' ? ['Ω', 'ohm', 'Ohm', 'ohms'] : [unit];
}

function prefixExponent(prefix: string): number | null {
  const key = prefix === 'μ' ? 'µ' : prefix;
  return Object.hasOwn(PREFIX_EXPONENTS, key) ? PREFIX_EXPONENTS[key] : null;
}

function refuse(text: string | number, unit: Unit, rules: QuantityRules, problem: string): InputError {
  const shown = typeof text === 'number' ? String(text) : JSON.stringify(text.slice(0, 80));
  return new InputError({
    code: 'bad-quantity',
    place: rules.place ?? 'quantity',
    message: `${shown} ${problem}`,
    remedy: `Write a number with an SI prefix and the unit ${unit}, for example ${EXAMPLES[unit]}`,
  });
}

/**
 * Writes a quantity for a person: `formatQuantity(0.0047, 'F')` is `4.70 mF`.
 *
 * @param digits significant digits, 1 to 17; with 17 parseQuantity gives the value back to within two units in the last
 *   place
 * @returns values that no prefix reaches are written with an exponent; values that are not finite as `∞ V` or `? V`
 */
export function formatQuantity(value: number, unit: Unit, digits = 3): string {
  if (!Number.isFinite(value)) {
    return `${Number.isNaN(value) ? '?' : value > 0 ? '∞' : '-∞'} ${unit}`;
  }
  if (value === 0) {
    return `0 ${unit}`;
  }
  // toExponential rounds first, so that 999.96 becomes 1.00 k and not 1000.
  const [mantissa, exponentText] = value.toExponential(digits - 1).split('e');
  const exponent = Number(exponentText);
  const step = Math.floor(exponent / 3);
  const prefix = OUTPUT_PREFIXES[step + 5];
  if (prefix === undefined) {
    return `${mantissa}e${exponent} ${unit}`;
  }
  return `${shiftPoint(mantissa, exponent - step * 3)} ${prefix}${unit}`;
}

/** Moves the decimal point of `d.ddd` to the right by 0, 1 or 2 places without computing, which would round again. */
function shiftPoint(mantissa: string, places: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const figures = mantissa.replace(/[-.]/g, '').padEnd(places + 1, '0');
  const whole = figures.slice(0, places + 1);
  const fraction = figures.slice(places + 1);
  return sign + whole + (fraction === '' ? '' : `.${fraction}`);
}
