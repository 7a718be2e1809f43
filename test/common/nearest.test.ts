import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearest } from '../../src-main/common/nearest.js';

const WORDS = ['restart', 'layer', 'tile', 'loop'];

test('the nearest word is the one that takes the fewest letters to reach, whatever the case', () => {
  assert.equal(nearest('layr', WORDS), 'layer');
  assert.equal(nearest('TILES', WORDS), 'tile');
  assert.equal(nearest('x', []), undefined);
});

test('a word that is like none of them gets no suggestion', () => {
  assert.equal(didYouMean('tiles', WORDS), "Did you mean 'tile'? ");
  assert.equal(didYouMean('resttart', WORDS), "Did you mean 'restart'? ");
  assert.equal(didYouMean('foo', WORDS), '');
  assert.equal(didYouMean('', WORDS), '');
  assert.equal(didYouMean('x', []), '');
});
