import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzOriginals } from '../../../tools/fuzz/originals.js';
import { fuzz } from '../../../tools/fuzz/run.js';

test('a sample of the million damaged models imports or is refused, quickly and in little memory', () => {
  const { inputs, imported, refused, byKind } = fuzz(fuzzOriginals(), 0, 6000);
  assert.equal(inputs, 6000);
  assert.equal(Object.keys(byKind).length, 4);
  // Both outcomes must occur, and for many reasons, else the mutations test nothing.
  assert(imported > 500 && imported < 5500, `${imported} imported`);
  for (const code of ['model-damaged', 'model-unsupported', 'model-inconsistent', 'unknown-operator']) {
    assert(refused[code] > 10, `${code}: ${JSON.stringify(refused)}`);
  }
});
