/**
 * The capacitor while nothing but linear elements hang on it: C dV/dt = current - conductance * V, with constant
 * `current` (amperes) and `conductance` (siemens). Its exact solution over a time t, with k = conductance / C and the
 * first slope r = (current - conductance * V0) / C, is
 *
 *   V(t) = V0 + r * f(t),   f(t) = (1 - exp(-k t)) / k   (t itself for k = 0)
 *
 * which, unlike the usual form with the equilibrium voltage, loses no digits when the conductance is tiny.
 */
export interface LinearNode {
  farads: number;
  amps: number;
  siemens: number;
}

/** What a stretch of time did to the node. */
export interface LinearStretch {
  volts: number;
  /** Integrals of V and V^2 over the stretch, for the energies of current sources and resistors. */
  voltSeconds: number;
  voltSquaredSeconds: number;
}

/** Slope of the voltage at `volts`, V/s. */
export function slope(node: LinearNode, volts: number): number {
  return (node.amps - node.siemens * volts) / node.farads;
}

/** Exact advance by `seconds` from `volts`. */
export function advanceLinear(node: LinearNode, volts: number, seconds: number): LinearStretch {
  const rate = slope(node, volts);
  const x = (node.siemens / node.farads) * seconds;
  const rise = rate * seconds;
  return {
    volts: volts + rise * phi1(x),
    voltSeconds: seconds * (volts + rise * phi2(x)),
    voltSquaredSeconds: seconds * (volts * volts + 2 * volts * rise * phi2(x) + rise * rise * phi3(x)),
  };
}

/**
 * Time in seconds from `volts` until the node passes `target`; Infinity when it never does. Zero when it is there.
 * From the inverse of f: t = -ln(1 - k (target - V0) / r) / k.
 */
export function secondsToReach(node: LinearNode, volts: number, target: number): number {
  if (target === volts) {
    return 0;
  }
  const rate = slope(node, volts);
  const linear = (target - volts) / rate;
  // Zero (underflow between neighbouring subnormal numbers) counts as arrived.
  if (!(linear >= 0 && linear < Infinity)) {
    return Infinity;
  }
  const k = node.siemens / node.farads;
  const x = k * linear;
  if (x >= 1) {
    return Infinity;
  }
  return x < 1e-12 ? linear : -Math.log1p(-x) / k;
}

/** (1 - e^-x) / x: the mean of e^-u over 0..x. */
function phi1(x: number): number {
  return x < 1e-8 ? 1 - x / 2 : -Math.expm1(-x) / x;
}

/** (x - (1 - e^-x)) / x^2; by its series where the difference would cancel. */
function phi2(x: number): number {
  if (x > 0.5) {
    return (x + Math.expm1(-x)) / (x * x);
  }
  let term = 1 / 2;
  let sum = term;
  for (let n = 1; n < 14; n++) {
    term *= -x / (n + 2);
    sum += term;
  }
  return sum;
}

/** Integral of (1 - e^-u)^2 over u = 0..x, divided by x^3; by its series sum (-x)^(n-2) (2^n - 2) / ((n+1) n!), n >= 2. */
function phi3(x: number): number {
  if (x > 0.5) {
    return (x + 2 * Math.expm1(-x) - Math.expm1(-2 * x) / 2) / (x * x * x);
  }
  let power = 1 / 2;
  let twos = 4;
  let sum = 0;
  for (let n = 2; n < 18; n++) {
    sum += (power * (twos - 2)) / (n + 1);
    power *= -x / (n + 1);
    twos *= 2;
  }
  return sum;
}
