import type { Objectives } from './types.js';

const KEYS = [
  'latencySeconds',
  'energyJoules',
  'sramBytes',
  'nvmTrafficBytes',
  'capacitanceFarads',
] as const satisfies readonly (keyof Objectives)[];

/** Predictions are not good to more digits than this, and a point must not win by the fifth. */
const DIGITS = 4;

/** The objectives as they are compared. */
export function comparable(objectives: Objectives): Objectives {
  const rounded = { ...objectives };
  for (const key of KEYS) {
    rounded[key] = Number(objectives[key].toPrecision(DIGITS));
  }
  return rounded;
}

/** Whether `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: Objectives, b: Objectives): boolean {
  return KEYS.every((key) => a[key] <= b[key]) && KEYS.some((key) => a[key] < b[key]);
}

/**
 * The Pareto front: indices of the points that no other dominates, to four digits, by latency. Of points that are equal in everything, the
 * first stands for all.
 */
export function paretoFront(exact: readonly Objectives[]): number[] {
  const points = exact.map(comparable);
  // Sorted, only what comes before can dominate; and what a dominated point dominates, a point of the front does, too.
  const order = [...points.keys()].sort((a, b) => compare(points[a], points[b]) || a - b);
  const front: number[] = [];
  for (const index of order) {
    const point = points[index];
    if (!front.some((other) => dominates(points[other], point) || compare(points[other], point) === 0)) {
      front.push(index);
    }
  }
  return front;
}

function compare(a: Objectives, b: Objectives): number {
  for (const key of KEYS) {
    if (a[key] !== b[key]) {
      return a[key] - b[key];
    }
  }
  return 0;
}
