import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseColumnMapping } from '../../../src-main/supply/traces/csv-columns.js';
import { parseHarvest } from '../../../src-main/supply/traces/load-harvest.js';
import { throwsInputError } from '../../support/rejections.js';

const load = (text: string, mapping: string) =>
  parseHarvest(text, 'other.csv', { columns: parseColumnMapping(mapping) });

test('columns by name, with their units, in any order and with any separator', () => {
  for (const separator of [',', ';', '\t']) {
    const text =
      ['current', 'note', '"t"'].join(separator) +
      '\n1.5' +
      separator +
      'x' +
      separator +
      '0\n' +
      '2.5' +
      separator +
      separator +
      '20\n' +
      '3.5' +
      separator +
      separator +
      '40\n';
    const { steps, durationSeconds } = load(text, 'time=t[ms], volts=5V, amps=current[mA]');
    assert.deepEqual(steps, [
      { startSeconds: 0, volts: 5, amps: 1.5e-3 },
      { startSeconds: 0.02, volts: 5, amps: 2.5e-3 },
      { startSeconds: 0.04, volts: 5, amps: 3.5e-3 },
    ]);
    assert.ok(Math.abs(durationSeconds - 0.06) < 1e-12);
  }
});

test('columns by number, where there is no header', () => {
  const { steps } = load('0,1,2\n1,1,3\n', 'time=1,volts=2,amps=3[uA]');
  assert.deepEqual(
    steps.map(({ amps }) => amps),
    [2e-6, 3e-6],
  );
});

test('what cannot be meant is refused with what to write', () => {
  assert.match(
    throwsInputError(() => load('t,v\n0,1\n1,1\n', 'time=t,volts=u,amps=1mA'), 'bad-trace').message,
    /no column "u"/,
  );
  assert.match(
    throwsInputError(() => parseColumnMapping('time=t,volts=5V'), 'bad-columns').message,
    /amps is missing/,
  );
  assert.match(
    throwsInputError(() => parseColumnMapping('time=1s,volts=5V,amps=1mA'), 'bad-columns').message,
    /constant/,
  );
  assert.match(
    throwsInputError(() => parseColumnMapping('tim=t'), 'bad-columns').message,
    /Did you mean 'time'/,
  );
  throwsInputError(() => parseColumnMapping('time=t[kg],volts=5V,amps=1mA'), 'bad-quantity');
  assert.match(
    throwsInputError(() => load('t,a\n0,-1\n1,1\n', 'time=t,volts=5V,amps=a'), 'bad-trace').message,
    /negative/,
  );
});
