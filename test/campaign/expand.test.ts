/** The matrix of a campaign: every cell has a key of its own, since a resume goes by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { expandCampaign } from '../../src-main/campaign/expand.js';
import { InputError } from '../../src-main/common/errors.js';
import { smallCampaign } from '../support/small-campaign.js';

const expand = (changes: Record<string, string>) =>
  expandCampaign(parseCampaign(smallCampaign(changes), { place: 'test', folder: '/bench' }));

test('cells that read the same but are not have different keys, the same ones every time', () => {
  const changes = {
    models: '[{ file: a/m.onnx, data: d.npz }, { file: b/m.onnx, data: d.npz }]',
    capacitances: '[470 uF, 470.1 uF]',
  };
  const keys = expand(changes).map((cell) => cell.key);
  assert.equal(new Set(keys).size, 4, keys.join('\n'));
  assert.deepEqual(
    keys,
    expand(changes).map((cell) => cell.key),
  );
});

test('a cell that is listed twice is refused', () => {
  assert.throws(
    () => expand({ capacitances: '[470 uF, 0.00047]' }),
    (error: unknown) => error instanceof InputError && /twice/.test(error.message),
  );
});

test('more runs than a campaign can hold are refused before they are laid out', () => {
  const capacitances = `[${Array.from({ length: 100 }, (_, index) => `${index + 1} mF`).join(', ')}]`;
  assert.throws(
    () => expand({ capacitances, repeats: '10000' }),
    (error: unknown) => error instanceof InputError && /1000000 runs/.test(error.message),
  );
});
