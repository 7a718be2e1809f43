import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findStairs, hasLanding, type Stairs } from '../../../src-main/compiler/4-emit/staircase.js';
import { quantizeMultiplier, requantize } from '../../../src-main/compiler/fixed-point.js';

/** SPEC.md, "Stairs", with the wrapping of 32-bit words. */
function climb(stairs: Stairs, sum: number, minimum: number, maximum: number): number {
  const x = sum - stairs.base;
  if (x < 0) {
    return minimum;
  }
  if (x >= stairs.limit) {
    return maximum;
  }
  const offset = x < stairs.kink ? stairs.offset - stairs.jump : stairs.offset;
  const word = (Math.imul(x, stairs.high) + ((Math.imul(x, stairs.low) >>> 0) >>> stairs.shift) + offset) | 0;
  return word >> 24;
}

const cases = fc.record({
  // From 1/4000 to 1/3, all orders of magnitude alike.
  real: fc.double({ min: Math.log(1 / 4000), max: Math.log(1 / 3), noNaN: true }).map(Math.exp),
  zeroPoint: fc.integer({ min: -128, max: 127 }),
  range: fc.constantFrom<[number, number]>([-128, 127], [-5, 90], [-128, -100], [3, 3]),
  atZeroPoint: fc.boolean(),
  lowest: fc.integer({ min: -2_000_000, max: 1000 }),
  width: fc.integer({ min: 0, max: 4_000_000 }),
  samples: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 20 }),
});

test('stairs give what requantization gives, at every step and everywhere', () => {
  let found = 0;
  let tried = 0;
  fc.assert(
    fc.property(cases, ({ real, zeroPoint, range, atZeroPoint, lowest, width, samples }) => {
      const multiplier = quantizeMultiplier(real);
      const minimum = atZeroPoint ? zeroPoint : range[0];
      const maximum = Math.max(minimum, range[1]);
      const highest = lowest + width;
      const stairs = findStairs({ multiplier, zeroPoint, minimum, maximum }, lowest, highest);
      tried++;
      if (stairs === null) {
        return;
      }
      found++;
      assert(stairs.limit > 0 && (hasLanding({ minimum, zeroPoint }) || stairs.kink === 0));
      const check = (sum: number): void => {
        if (sum < lowest || sum > highest) {
          return;
        }
        const expected = Math.min(maximum, Math.max(minimum, requantize(sum, multiplier) + zeroPoint));
        assert.equal(climb(stairs, sum, minimum, maximum), expected, `sum ${sum}`);
      };
      [lowest, highest, ...samples.map((share) => lowest + Math.floor(share * width))].forEach(check);
      for (let value = minimum; value <= maximum; value++) {
        // Around the sum whose output changes at `value`, found without the code under test.
        const near = Math.round((value - zeroPoint - 0.5) / real);
        for (let sum = near - 3; sum <= near + 3; sum++) {
          check(sum);
        }
      }
      check(stairs.base + stairs.limit - 1);
      check(stairs.base + stairs.limit);
    }),
    { numRuns: 400 },
  );
  assert(found > 0.7 * tried, `${found} of ${tried}`);
});

test('of the multipliers that convolutions have, hardly any has no stairs', () => {
  let missing = 0;
  for (let i = 0; i < 400; i++) {
    const real = 0.0012 * 1.01 ** i;
    for (const minimum of [-128, 4]) {
      const stairs = findStairs(
        { multiplier: quantizeMultiplier(real % 0.4), zeroPoint: 4, minimum, maximum: 127 },
        -3_000_000,
        3_000_000,
      );
      missing += stairs === null ? 1 : 0;
    }
  }
  assert(missing <= 8, `${missing} of 800`);
});
