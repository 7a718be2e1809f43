/** Linear least squares with coefficients that are not negative: Lawson and Hanson, Solving Least Squares Problems, 1974. */

/**
 * Minimises |A x - b| with x >= 0.
 *
 * @param rows of A, all of the same length
 */
export function nonNegativeLeastSquares(rows: readonly Float64Array[], target: readonly number[]): number[] {
  const count = rows[0].length;
  // Normal equations of columns scaled to length 1; a breath of ridge keeps equal columns apart.
  const lengths = Array.from({ length: count }, (_, j) => Math.hypot(...rows.map((row) => row[j])) || 1);
  const gram = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: count }, (_, j) => {
      let sum = i === j ? 1e-9 : 0;
      for (const row of rows) {
        sum += (row[i] / lengths[i]) * (row[j] / lengths[j]);
      }
      return sum;
    }),
  );
  const right = Float64Array.from({ length: count }, (_, i) =>
    rows.reduce((sum, row, at) => sum + (row[i] / lengths[i]) * target[at], 0),
  );
  const x = new Float64Array(count);
  const passive = new Set<number>();
  const tolerance = 1e-10 * Math.max(...right.map(Math.abs));
  for (let round = 0; round < 3 * count; round++) {
    let best = -1;
    let steepest = tolerance;
    for (let i = 0; i < count; i++) {
      const gradient = right[i] - gram[i].reduce((sum, value, j) => sum + value * x[j], 0);
      if (!passive.has(i) && gradient > steepest) {
        [best, steepest] = [i, gradient];
      }
    }
    if (best < 0) {
      break;
    }
    passive.add(best);
    for (;;) {
      const indices = [...passive];
      const solution = solve(
        indices.map((i) => indices.map((j) => gram[i][j])),
        indices.map((i) => right[i]),
      );
      if (solution.every((value) => value > 0)) {
        x.fill(0);
        indices.forEach((i, at) => (x[i] = solution[at]));
        break;
      }
      // As far towards the solution as no coefficient becomes negative; those that arrive at zero leave.
      const share = Math.min(
        ...indices.map((i, at) => (solution[at] <= 0 ? x[i] / (x[i] - solution[at]) : Infinity)),
      );
      indices.forEach((i, at) => {
        x[i] += share * (solution[at] - x[i]);
        if (x[i] <= 1e-14 || (solution[at] <= 0 && x[i] <= 1e-12)) {
          x[i] = 0;
          passive.delete(i);
        }
      });
    }
  }
  return Array.from(x, (value, i) => value / lengths[i]);
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: number[][], right: number[]): number[] {
  const n = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row][column]) > Math.abs(a[pivot][column])) {
        pivot = row;
      }
    }
    [a[column], a[pivot]] = [a[pivot], a[column]];
    for (let row = column + 1; row < n; row++) {
      const factor = a[row][column] / a[column][column];
      for (let at = column; at <= n; at++) {
        a[row][at] -= factor * a[column][at];
      }
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let row = n - 1; row >= 0; row--) {
    let sum = a[row][n];
    for (let column = row + 1; column < n; column++) {
      sum -= a[row][column] * x[column];
    }
    x[row] = sum / a[row][row];
  }
  return x;
}
