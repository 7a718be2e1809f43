import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuracy } from '../../src-main/common/accuracy.js';

test('only samples with a label count, and without any there is no accuracy', () => {
  assert.equal(accuracy([1, 2, 3, 4], [1, 2, 0, 0]), 0.5);
  assert.equal(accuracy([1, 2, 3], [1, null, 0]), 0.5);
  assert.equal(accuracy([0], [0, 7, 7]), 1);
  assert.equal(accuracy([1], [null]), null);
  assert.equal(accuracy([], []), null);
});
