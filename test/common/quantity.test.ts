import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src-main/common/errors.js';
import { formatQuantity, parseQuantity, type Unit } from '../../src-main/common/quantity.js';

test('the notations of a lab notebook are read, to the last bit', () => {
  const cases: [string | number, Unit, number][] = [
    ['4.7 mF', 'F', 0.0047],
    ['4.7mF', 'F', 0.0047],
    ['100uF', 'F', 1e-4],
    ['100 µF', 'F', 1e-4],
    ['100 \u03bcF', 'F', 1e-4],
    ['100u', 'F', 1e-4],
    [' 0.1 ', 'F', 0.1],
    ['1e-3 F', 'F', 1e-3],
    ['.5V', 'V', 0.5],
    ['3.', 'V', 3],
    [0.001, 'F', 0.001],
    ['-1.5 mA', 'A', -0.0015],
    ['30 kohm', 'Ω', 30000],
    ['30kΩ', 'Ω', 30000],
    ['30 k\u2126', 'Ω', 30000],
    ['125 MHz', 'Hz', 125e6],
    ['10 ms', 's', 0.01],
    ['2 min', 's', 120],
    ['24h', 's', 86400],
    ['5m', 's', 0.005],
    ['512 kB', 'B', 512000],
  ];
  for (const [text, unit, expected] of cases) {
    assert.equal(parseQuantity(text, unit), expected, `${text} in ${unit}`);
  }
});

test('what is no quantity is refused, with the value and what is accepted', () => {
  for (const text of [
    '',
    'mF',
    '4,7 mF',
    '4.7 mV',
    '4.7 KF',
    '0x10',
    '1e999',
    '1 2',
    'NaN',
    'Infinity',
    '1'.repeat(100),
    'constructor',
  ]) {
    assert.throws(
      () => parseQuantity(text, 'F', { place: '--capacitance' }),
      (error: unknown) => {
        assert.ok(error instanceof InputError, text);
        assert.equal(error.code, 'bad-quantity');
        assert.match(error.message, /--capacitance: /);
        assert.ok(error.message.includes(JSON.stringify(text.slice(0, 80))), error.message);
        assert.match(error.message, /"4\.7 mF"/);
        return true;
      },
    );
  }
  assert.throws(() => parseQuantity(NaN, 'F'), InputError);
});

test('bounds are inclusive and named in the error', () => {
  const rules = { minimum: 1e-6, maximum: 1 };
  assert.equal(parseQuantity('1 uF', 'F', rules), 1e-6);
  assert.equal(parseQuantity('1 F', 'F', rules), 1);
  assert.throws(() => parseQuantity('1.1 F', 'F', rules), /largest accepted, 1\.00 F/);
  assert.throws(() => parseQuantity('999 nF', 'F', rules), /smallest accepted, 1\.00 µF/);
  assert.throws(() => parseQuantity(0, 'F', { positive: true }), /greater than zero/);
});

test('quantities are written with the prefix a person would choose', () => {
  assert.equal(formatQuantity(0.0047, 'F'), '4.70 mF');
  assert.equal(formatQuantity(0.0047, 'F', 2), '4.7 mF');
  assert.equal(formatQuantity(1e-4, 'F'), '100 µF');
  assert.equal(formatQuantity(123456, 'Hz', 1), '100 kHz');
  assert.equal(formatQuantity(999.96, 'V'), '1.00 kV');
  assert.equal(formatQuantity(-0.0123, 'A', 4), '-12.30 mA');
  assert.equal(formatQuantity(0, 'V'), '0 V');
  assert.equal(formatQuantity(Infinity, 's'), '∞ s');
  assert.equal(formatQuantity(1e-20, 'J'), '1.00e-20 J');
});

test('property: what is written is read back, to the digits written', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-18, max: 1e17, noNaN: true }),
      fc.boolean(),
      fc.integer({ min: 1, max: 17 }),
      fc.constantFrom<Unit>('F', 'V', 'A', 's', 'J', 'W', 'C', 'Hz', 'Ω', 'B'),
      (magnitude, negative, digits, unit) => {
        const value = negative ? -magnitude : magnitude;
        const back = parseQuantity(formatQuantity(value, unit, digits), unit);
        assert.ok(
          Math.abs(back - value) <= Math.abs(value) * (0.5000001 * 10 ** (1 - digits) + 2e-16),
          `${value} -> ${back}`,
        );
      },
    ),
  );
});
