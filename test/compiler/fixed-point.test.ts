import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frexp, quantizeMultiplier, roundHalfAwayFromZero } from '../../src-main/compiler/fixed-point.js';

test('frexp takes a number apart without loss', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const { fraction, exponent } = frexp(value);
      assert.ok(value === 0 || (Math.abs(fraction) >= 0.5 && Math.abs(fraction) < 1));
      // In two steps: 2^exponent alone is out of range at both ends.
      const half = Math.trunc(exponent / 2);
      assert.equal(fraction * 2 ** half * 2 ** (exponent - half), value);
    }),
  );
});

test('known multipliers', () => {
  assert.deepEqual(quantizeMultiplier(0), { multiplier: 0, shift: 0 });
  assert.deepEqual(quantizeMultiplier(1), { multiplier: 2 ** 30, shift: 1 });
  assert.deepEqual(quantizeMultiplier(0.5), { multiplier: 2 ** 30, shift: 0 });
  assert.deepEqual(quantizeMultiplier(0.25), { multiplier: 2 ** 30, shift: -1 });
  assert.deepEqual(quantizeMultiplier(0.0015), { multiplier: 1_649_267_442, shift: -9 });
  // The fraction rounds up to 1 and carries into the exponent.
  assert.deepEqual(quantizeMultiplier(1 - 2 ** -40), { multiplier: 2 ** 30, shift: 1 });
  assert.deepEqual(quantizeMultiplier(2 ** -32), { multiplier: 2 ** 30, shift: -31 });
  assert.deepEqual(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 });
  assert.deepEqual(quantizeMultiplier(2 ** 30), { multiplier: 2 ** 31 - 1, shift: 30 });
  assert.throws(() => quantizeMultiplier(-1), RangeError);
  assert.throws(() => quantizeMultiplier(NaN), RangeError);
});

test('a multiplier stands for its factor within half a unit of 31 bits', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e6, noNaN: true }), (real) => {
      const { multiplier, shift } = quantizeMultiplier(real);
      assert.ok(Number.isInteger(multiplier) && multiplier >= 2 ** 30 && multiplier < 2 ** 31);
      assert.ok(Math.abs(multiplier * 2 ** (shift - 31) - real) <= real * 2 ** -31);
    }),
  );
});

test('half rounds away from zero', () => {
  assert.deepEqual([-2.5, -0.5, 0.5, 2.5].map(roundHalfAwayFromZero), [-3, -1, 1, 3]);
});
