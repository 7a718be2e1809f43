import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planningPower } from '../../src-main/board/planning.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { OperatorCycles } from '../../src-main/compiler/3-plan/cost.js';
import { KERNEL_SETS } from '../../src-main/compiler/plan.js';
import { MEASURED_KINDS, specimensOf } from '../../tools/costs/corpus.js';
import { nonNegativeLeastSquares } from '../../tools/costs/least-squares.js';
import { measureCommon } from '../../tools/costs/common.js';
import { observe } from '../../tools/costs/observe.js';

const { costs } = planningPower({ capacitanceFarads: 1e-3, turnOnVolts: 4.5, brownOutVolts: 2 }, picoFram);
/** A kernel that has become this much faster or slower than the profile says makes plans and predictions wrong. */
const TOLERANCE = 0.1;
const REMEDY = 'run `npm run bench -- costs` and commit src-main/board/profiles/pico-fram-costs.ts';

describe("costs of the board's profile", () => {
  for (const kernels of KERNEL_SETS) {
    for (const kind of MEASURED_KINDS) {
      it(`are what ${kind} takes with ${kernels} kernels`, () => {
        const specimens = specimensOf(kind);
        const [specimen] = specimens.slice(kind.startsWith('CONV') ? 3 : 0);
        const predicted = new OperatorCycles(specimen.graph, kernels, costs);
        let [sum, measured] = [0, 0];
        for (const { begin, end, cold, cycles } of observe(specimen, kernels)) {
          sum += predicted.of(specimen.operator, begin, end, cold);
          measured += cycles;
        }
        assert.ok(
          Math.abs(sum / measured - 1) < TOLERANCE,
          `${kind} takes ${measured} cycles where ${Math.round(sum)} are predicted: ${REMEDY}`,
        );
      });
    }
  }

  it('are what starts, commits and transfers take', () => {
    const measured = measureCommon();
    const pairs: [string, number, number][] = [
      ['bootCycles', costs.bootCycles, measured.bootCycles],
      ['commit', costs.commit.cycles, measured.commit.cycles],
      ['lightCommit', costs.lightCommit.cycles, measured.lightCommit.cycles],
      ['load', costs.load.byteCycles, measured.load.byteCycles],
      ['save', costs.save.byteCycles, measured.save.byteCycles],
      ['senseCycles', costs.senseCycles, measured.senseCycles],
    ];
    for (const [name, fitted, now] of pairs) {
      assert.ok(
        Math.abs(fitted / now - 1) < TOLERANCE,
        `${name} is ${now}, the profile says ${fitted}: ${REMEDY}`,
      );
    }
  });
});

describe('least squares without negative coefficients', () => {
  it('finds what the numbers were made of', () => {
    const value = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 3, maxLength: 3 }),
        fc.array(fc.tuple(value, value, value), { minLength: 12, maxLength: 20 }),
        (truth, rows) => {
          const matrix = rows.map((row) => Float64Array.from(row));
          const target = matrix.map((row) => row.reduce((sum, x, j) => sum + x * truth[j], 0));
          const found = nonNegativeLeastSquares(matrix, target);
          const error = matrix.map((row, i) => row.reduce((sum, x, j) => sum + x * found[j], 0) - target[i]);
          assert.ok(Math.max(...error.map(Math.abs)) < 1e-3 * Math.max(...target));
          assert.ok(found.every((x) => x >= 0));
        },
      ),
    );
  });

  it('is no worse than any other choice of coefficients that are not negative', () => {
    const value = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value, value), { minLength: 5, maxLength: 9 }),
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (rows, other) => {
          const matrix = rows.map(([a, b]) => Float64Array.of(a, b, a + 0.3 * b ** 2));
          const target = rows.map(([, , c]) => c);
          const loss = (x: readonly number[]): number =>
            matrix.reduce(
              (sum, row, i) => sum + (row.reduce((s, v, j) => s + v * x[j], 0) - target[i]) ** 2,
              0,
            );
          assert.ok(loss(nonNegativeLeastSquares(matrix, target)) <= loss(other) + 1e-6 * (1 + loss(other)));
        },
      ),
    );
  });
});
