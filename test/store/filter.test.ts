import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src-main/common/errors.js';
import { parseFilter } from '../../src-main/store/filter.js';
import { throwsInputError } from '../support/rejections.js';

test('terms become filters', () => {
  assert.deepEqual(parseFilter('strategy=tile powerCycles>3'), [
    { column: 'strategy', operator: '=', value: 'tile' },
    { column: 'powerCycles', operator: '>', value: 3 },
  ]);
  assert.deepEqual(parseFilter('  latencyseconds <= 1.5e-3 AND model ~ "a \\"b\\\\" , id!=4'), [
    { column: 'latencySeconds', operator: '<=', value: 0.0015 },
    { column: 'model', operator: 'contains', value: 'a "b\\' },
    { column: 'id', operator: '!=', value: 4 },
  ]);
  assert.deepEqual(parseFilter('capacitanceFarads==.0001'), [
    { column: 'capacitanceFarads', operator: '=', value: 1e-4 },
  ]);
  assert.deepEqual(parseFilter(' \n'), []);
});

test('a wrong column names the nearest', () => {
  const nearest = (name: string) =>
    /Did you mean (\w+)\?/.exec(
      throwsInputError(() => parseFilter(`${name}=1`), 'unknown-column').remedy,
    )?.[1];
  assert.equal(nearest('stratgy'), 'strategy');
  assert.equal(nearest('latency'), 'latencySeconds');
  assert.equal(nearest('powercycle'), 'powerCycles');
  assert.equal(nearest('energy'), 'energyJoules');
  assert.equal(nearest('acuracy'), 'accuracy');
});

test('every mistake is told with its place', () => {
  const cases: [string, string][] = [
    ['strategy', '--where, character 9'],
    ['strategy tile', '--where, character 10'],
    ['strategy=', '--where, character 10'],
    ['id=3 powerCycles>many', '--where, character 18'],
    ['model="digits', '--where, character 8'],
    ['=3', '--where, character 1'],
    ['id=0x10', '--where, character 4'],
    ['cycles<1e999', '--where, character 8'],
  ];
  for (const [source, place] of cases) {
    const error = throwsInputError(() => parseFilter(source), 'invalid-filter');
    assert.equal(error.place, place, source);
  }
});

test('quantities may have their own unit', () => {
  assert.deepEqual(parseFilter('capacitanceFarads=100uF latencySeconds<"2.5 ms" turnOnVolts>=2.8'), [
    { column: 'capacitanceFarads', operator: '=', value: 1e-4 },
    { column: 'latencySeconds', operator: '<', value: 0.0025 },
    { column: 'turnOnVolts', operator: '>=', value: 2.8 },
  ]);
  const error = throwsInputError(() => parseFilter('id=1 energyJoules>3V'), 'bad-quantity');
  assert.equal(error.place, '--where, character 19');
});

test('any text is either filters or an InputError', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('strategy', 'id', '=', '<=', '~', '"', '\\', ' and ', ',', '3', 'tile'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parseFilter(pieces.join(''));
      } catch (error) {
        assert.ok(error instanceof InputError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a quoted value is read back as it was', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const quoted = value.replace(/["\\]/g, (special) => `\\${special}`);
      assert.deepEqual(parseFilter(`cell="${quoted}"`), [{ column: 'cell', operator: '=', value }]);
    }),
  );
});
