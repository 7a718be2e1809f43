import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  baseName,
  bytes,
  duration,
  instant,
  integer,
  percent,
  si,
  siExact,
  tickLabels,
} from '../../src-renderer/format.js';

/** Narrow no-break spaces made visible. */
function plain(text: string): string {
  return text.replaceAll('\u202f', ' ');
}

test('values carry three significant digits and the prefix that keeps them short', () => {
  const cases: [number, string, string][] = [
    [0.0047, 'F', '4.70 mF'],
    [3.3, 'V', '3.30 V'],
    [0.0234, 'A', '23.4 mA'],
    [4e-6, 'A', '4.00 µA'],
    [999.96, 'V', '1.00 kV'],
    [0.99996, 's', '1.00 s'],
    [0, 'A', '0.00 A'],
    [-0.0015, 'V', '-1.50 mV'],
    [123_456_789, 'Hz', '123 MHz'],
  ];
  for (const [value, unit, shown] of cases) {
    assert.equal(plain(si(value, unit)), shown);
  }
});

test('a value reads back to within its digits', () => {
  const factors: Record<string, number> = {
    p: 1e-12,
    n: 1e-9,
    µ: 1e-6,
    m: 1e-3,
    k: 1e3,
    M: 1e6,
    G: 1e9,
    T: 1e12,
  };
  fc.assert(
    fc.property(fc.double({ min: 1e-11, max: 1e13, noNaN: true }), (value) => {
      const match = /^([\d.]+) ([pnµmkMGT]?)V$/.exec(plain(si(value, 'V')));
      assert.ok(match, plain(si(value, 'V')));
      const back = Number(match[1]) * (factors[match[2]] ?? 1);
      assert.ok(Math.abs(back - value) <= 0.0051 * value, `${value} shown as ${match[0]}`);
      assert.ok(Number(match[1]) < 1000);
    }),
  );
});

test('what is not known is a dash everywhere', () => {
  for (const show of [
    integer,
    percent,
    bytes,
    duration,
    (value: number | null) => si(value, 'V'),
    (value: number | null) => siExact(value, 'F'),
  ]) {
    assert.equal(show(null), '–');
    assert.equal(show(NaN), '–');
  }
  assert.equal(instant(null), '–');
});

test('durations, counts, shares, bytes', () => {
  assert.equal(plain(duration(0.01234)), '12.3 ms');
  assert.equal(plain(duration(187)), '3 min 07 s');
  assert.equal(plain(duration(59.999)), '60.0 s');
  assert.equal(plain(duration(3599.7)), '1 h 00 min');
  assert.equal(plain(integer(1234567)), '1 234 567');
  assert.equal(plain(percent(0.987)), '98.7 %');
  assert.equal(plain(bytes(24_576)), '24.0 KiB');
  assert.equal(plain(bytes(512)), '512 B');
  assert.equal(plain(siExact(0.00022, 'F')), '220 µF');
  assert.equal(baseName('C:\\models\\digits.onnx'), 'digits.onnx');
});

test('the labels of one axis share a prefix and tell their steps apart', () => {
  assert.deepEqual(
    tickLabels([0, 0.25, 0.5], 's').map(plain),
    ['0.00 ms', '250.00 ms', '500.00 ms'].map((text) => text.replace('.00', '')),
  );
  assert.deepEqual(tickLabels([0, 0.25, 0.5, 0.75, 1], 's').map(plain), [
    '0.00 s',
    '0.25 s',
    '0.50 s',
    '0.75 s',
    '1.00 s',
  ]);
  assert.deepEqual(tickLabels([0, 0.01, 0.02], 'A').map(plain), ['0 mA', '10 mA', '20 mA']);
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      fc.constantFrom(1, 2, 2.5, 5),
      (scale, step) => {
        const power = 10 ** Math.round(Math.log10(scale));
        const labels = tickLabels(
          [0, 1, 2, 3, 4].map((index) => index * step * power),
          'V',
        );
        assert.equal(new Set(labels).size, labels.length);
      },
    ),
  );
});
