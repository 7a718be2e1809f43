/** Numbers as an instrument shows them: fixed significant digits, SI prefixes, a narrow space before the unit. */

const NARROW_SPACE = '\u202f';
const MISSING = '–';
const PREFIXES = new Map([
  [-12, 'p'],
  [-9, 'n'],
  [-6, 'µ'],
  [-3, 'm'],
  [0, ''],
  [3, 'k'],
  [6, 'M'],
  [9, 'G'],
  [12, 'T'],
]);

type Maybe = number | null | undefined;

/** `si(0.0047, 'F')` is `4.70 mF`. */
export function si(value: Maybe, unit: string, significantDigits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return MISSING;
  }
  const exponent = prefixExponent(Math.abs(Number(value.toPrecision(significantDigits))));
  const scaled = value / 10 ** exponent;
  return `${significant(scaled, significantDigits)}${NARROW_SPACE}${PREFIXES.get(exponent) ?? ''}${unit}`;
}

/** Exact numbers with at most three digits in front of the point, e.g. a capacitance as it was asked for: `4.7 mF`. */
export function siExact(value: Maybe, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return MISSING;
  }
  const exponent = prefixExponent(Math.abs(value));
  return `${Number((value / 10 ** exponent).toPrecision(9))}${NARROW_SPACE}${PREFIXES.get(exponent) ?? ''}${unit}`;
}

/** Seconds as `12.3 ms`, `4.56 s`, `3 min 07 s`, `2 h 05 min`. */
export function duration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) {
    return MISSING;
  }
  if (seconds < 60) {
    return si(seconds, 's');
  }
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return whole < 3600
    ? `${Math.floor(whole / 60)}${NARROW_SPACE}min ${two(whole % 60)}${NARROW_SPACE}s`
    : `${Math.floor(whole / 3600)}${NARROW_SPACE}h ${two(Math.floor((whole % 3600) / 60))}${NARROW_SPACE}min`;
}

/** Whole numbers in groups of three. */
export function integer(value: Maybe): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return MISSING;
  }
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
}

/** Share 0 .. 1 as per cent. */
export function percent(value: Maybe, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? MISSING
    : `${(value * 100).toFixed(digits)}${NARROW_SPACE}%`;
}

/** Bytes in powers of 1024. */
export function bytes(value: Maybe): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return MISSING;
  }
  if (value < 1024) {
    return `${value}${NARROW_SPACE}B`;
  }
  const power = Math.min(3, Math.floor(Math.log2(value) / 10));
  return `${significant(value / 1024 ** power, 3)}${NARROW_SPACE}${['', 'Ki', 'Mi', 'Gi'][power]}B`;
}

/** An instant of the store (ISO 8601, UTC) in local time: `2026-11-23 21:04:05`. */
export function instant(iso: string | null): string {
  if (!iso) {
    return MISSING;
  }
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) {
    return iso;
  }
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Axis labels of one scale: one prefix for all, as many decimals as their distance needs. */
export function tickLabels(values: readonly number[], unit: string): string[] {
  const largest = Math.max(...values.map((value) => Math.abs(value)), 0);
  const exponent = prefixExponent(largest);
  const step = Math.abs((values.at(1) ?? 0) - (values.at(0) ?? 0)) / 10 ** exponent;
  const decimals = decimalsOf(step);
  return values.map(
    (value) =>
      `${(value / 10 ** exponent).toFixed(decimals)}${NARROW_SPACE}${PREFIXES.get(exponent) ?? ''}${unit}`,
  );
}

/** Last part of a path, whichever system it comes from. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

/** Fewest decimals, at most 6, that tell a step exactly: 2 for 0.25. */
function decimalsOf(step: number): number {
  let decimals = 0;
  while (decimals < 6 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6 * step) {
    decimals += 1;
  }
  return decimals;
}

function prefixExponent(magnitude: number): number {
  if (magnitude === 0) {
    return 0;
  }
  return Math.max(-12, Math.min(12, Math.floor(Math.log10(magnitude) / 3 + 1e-12) * 3));
}

function significant(value: number, digits: number): string {
  const before = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.max(0, digits - Math.max(1, before)));
}
