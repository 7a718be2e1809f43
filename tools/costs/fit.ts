/** From observations to the coefficients of the cost model. */
import type { OperatorCycles } from '../../src-main/board/planning.js';
import { AMOUNTS, OperatorAmounts, type Amounts } from '../../src-main/compiler/3-plan/amounts.js';
import { linearCycles, shapeOf } from '../../src-main/compiler/3-plan/cost.js';
import type { Specimen } from './corpus.js';
import { nonNegativeLeastSquares } from './least-squares.js';
import type { Observation } from './observe.js';

export interface Measured {
  specimen: Specimen;
  observations: readonly Observation[];
  /** What a commit by a full record takes more behind it. */
  recordCycles: number;
}

/** Errors of less than this, which a commit's own time varies by, say nothing. */
const NOISE_CYCLES = 1000;
/** A specimen's correction goes no further than this: it is for what the amounts leave out, not for measuring errors. */
const LARGEST_CORRECTION = 0.5;

/** Least squares of the relative errors over all observations of one kernel; then what each specimen differs by. */
export function fitKernel(measured: readonly Measured[], cacheBytes: number, tiled: boolean): OperatorCycles {
  const rows = measured.flatMap(({ specimen, observations }) => {
    const { graph, operator } = specimen;
    const amounts = new OperatorAmounts(graph, graph.operators[operator], cacheBytes, tiled);
    return observations.map(({ begin, end, cold, cycles }) => ({
      specimen,
      amounts: amounts.of(begin, end, cold),
      cold,
      cycles,
      weight: 1 / (Math.max(cycles, 0) + NOISE_CYCLES),
    }));
  });
  const values = nonNegativeLeastSquares(
    rows.map(({ amounts, weight }) => Float64Array.from(AMOUNTS, (name) => (amounts[name] ?? 0) * weight)),
    rows.map(({ cycles, weight }) => cycles * weight),
  );
  const coefficients: Record<string, number> = {};
  AMOUNTS.forEach((name, index) => {
    if (values[index] > 0) {
      coefficients[name] = rounded(values[index]);
    }
  });
  const predict = (amounts: Amounts): number => linearCycles(coefficients, amounts);
  const seen = new Set<string>();
  const specimens = measured.flatMap(({ specimen }) => {
    const shape = shapeOf(specimen.graph, specimen.graph.operators[specimen.operator]);
    if (seen.has(shape.join())) {
      return [];
    }
    seen.add(shape.join());
    const mine = rows.filter((row) => row.specimen === specimen);
    return [{ shape, ...correction(mine.map((row) => ({ ...row, linear: predict(row.amounts) }))) }];
  });
  const errors = rows
    .filter(({ cycles }) => cycles > 0)
    .map(({ specimen, amounts, cold, cycles }) => {
      const shape = shapeOf(specimen.graph, specimen.graph.operators[specimen.operator]).join();
      const known = specimens.find((each) => each.shape.join() === shape);
      const { scale, executeCycles, coldCycles } = known ?? { scale: 1, executeCycles: 0, coldCycles: 0 };
      return (
        (scale * predict(amounts) + executeCycles + (cold ? coldCycles : 0)) / (cycles + NOISE_CYCLES) -
        cycles / (cycles + NOISE_CYCLES)
      );
    });
  return {
    coefficients,
    specimens,
    recordCycles: Math.max(
      0,
      Math.round(measured.reduce((sum, { recordCycles }) => sum + recordCycles, 0) / measured.length),
    ),
    rmsShare: share(Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length)),
    worstShare: share(Math.max(...errors.map(Math.abs))),
    observations: rows.length,
  };
}

/** scale x linear + executeCycles + coldCycles where cold, by least squares of the relative errors. */
function correction(rows: readonly { linear: number; cold: boolean; cycles: number; weight: number }[]) {
  // Differences from the linear part, with a little pull towards none.
  const pull = 1e-3 * rows.length;
  const columns = rows.map(({ linear, cold, weight }) => [
    linear * weight,
    1e4 * weight,
    cold ? 1e4 * weight : 0,
  ]);
  const target = rows.map(({ linear, cycles, weight }) => (cycles - linear) * weight);
  const gram = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) => columns.reduce((sum, row) => sum + row[i] * row[j], i === j ? pull : 0)),
  );
  const right = [0, 1, 2].map((i) => columns.reduce((sum, row, at) => sum + row[i] * target[at], 0));
  const [scale, execute, cold] = solveThree(gram, right);
  return {
    scale: rounded(1 + Math.min(LARGEST_CORRECTION, Math.max(-LARGEST_CORRECTION, scale))),
    executeCycles: Math.round(1e4 * execute),
    coldCycles: Math.round(1e4 * cold),
  };
}

/** By Cramer's rule. */
function solveThree(a: readonly number[][], b: readonly number[]): number[] {
  const determinant = (m: readonly (readonly number[])[]): number =>
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  const whole = determinant(a);
  return [0, 1, 2].map(
    (column) => determinant(a.map((row, i) => row.map((value, j) => (j === column ? b[i] : value)))) / whole,
  );
}

const rounded = (value: number): number => Number(value.toPrecision(5));
const share = (value: number): number => Number(value.toFixed(5));
