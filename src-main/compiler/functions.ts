import type { Unary } from './graph.js';

/** The real function of an element-wise operator; graph.ts has the formulas. */
export function functionOf({ kind, alpha, beta }: Unary): (x: number) => number {
  switch (kind) {
    case 'LOGISTIC':
      return (x) => 1 / (1 + Math.exp(-x));
    case 'TANH':
      return Math.tanh;
    case 'HARD_SWISH':
      return (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6;
    case 'HARD_SIGMOID':
      return (x) => Math.min(Math.max(alpha * x + beta, 0), 1);
    case 'LEAKY_RELU':
      return (x) => (x >= 0 ? x : alpha * x);
    case 'ELU':
      return (x) => (x >= 0 ? x : alpha * Math.expm1(x));
    case 'GELU':
      return alpha === 1
        ? (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
        : (x) => (x / 2) * (1 + errorFunction(x / Math.SQRT2));
    case 'QUANTIZE':
      return (x) => x;
  }
}

/** erf, by its series near 0 and the continued fraction of erfc elsewhere; to about 1e-12. */
function errorFunction(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2.5) {
    let term = magnitude;
    let sum = magnitude;
    for (let n = 1; n < 60; n++) {
      term *= -(magnitude * magnitude) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) {
    fraction = n / 2 / (magnitude + fraction);
  }
  const complement = Math.exp(-magnitude * magnitude) / ((magnitude + fraction) * Math.sqrt(Math.PI));
  return Math.sign(x) * (1 - complement);
}
