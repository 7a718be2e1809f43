import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { InputError } from '../../src-main/common/errors.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { smallCampaign } from '../support/small-campaign.js';

const GOOD = `name: Test
models:
  - file: m.tflite
    data: d.npz
strategies: [layer, tile]
capacitances: [1 mF, 0.0047]
harvests:
  - constant: { volts: 5 V, amps: 5 mA }
  - trace: rf.txt
    scale: 10
  - continuous
`;

const parse = (text: string) => parseCampaign(text, { place: 'c.yaml', folder: '/bench' });

function refusal(text: string): InputError {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error;
  }
  assert.fail('was accepted');
}

test('reads quantities with units and fills in what is left out', () => {
  const campaign = parse(GOOD);
  assert.deepEqual(campaign.capacitances, [0.001, 0.0047]);
  assert.deepEqual(campaign.harvests[0], { constant: { volts: 5, amps: 0.005 } });
  assert.equal(campaign.board, 'pico-fram');
  assert.equal(campaign.stop.maximumTime, 3600);
  assert.equal(campaign.source, GOOD);
});

test('the bundled example is valid', () => {
  parse(readFileSync(resourcePath('src-main', 'examples', 'example-campaign.yaml'), 'utf8'));
});

/** What is wrong, how the text says it, where, and what the remedy must name. */
const MISTAKES: [string, string, string, RegExp, RegExp][] = [
  [
    'a misspelt key',
    GOOD.replace('capacitances', 'capacitnces'),
    'c.yaml:6:1',
    /capacitnces/,
    /'capacitances'/,
  ],
  ['a misspelt key in a model', GOOD.replace('    data:', '    dta:'), 'c.yaml:4:5', /dta/, /'data'/],
  ['a misspelt key in a harvest', GOOD.replace('amps:', 'ampers:'), 'c.yaml:8:29', /ampers/, /'amps'/],
  [
    'a wrong strategy',
    GOOD.replace('layer', 'layers'),
    'c.yaml:5:14',
    /layers/,
    /'layer'.*restart, layer, tile/,
  ],
  ['a wrong quantity', GOOD.replace('1 mF', '1 mX'), 'c.yaml:6:16', /1 mX/, /./],
  ['a negative quantity', GOOD.replace('0.0047', '-1'), 'c.yaml:6:22', /-1/, /./],
  ['no strategies', GOOD.replace('[layer, tile]', '[]'), 'c.yaml:5:1', /strategies/, /./],
  ['a missing key', GOOD.replace('name: Test\n', ''), 'c.yaml:1:1', /name/, /name/],
  ['broken YAML', `${GOOD}x: [1, 2\n`, 'c.yaml:', /YAML/, /./],
  ['an empty file', '', 'c.yaml:1:1', /./, /./],
];

for (const [what, text, place, message, remedy] of MISTAKES) {
  test(`refuses ${what}, naming place, value and remedy`, () => {
    const error = refusal(text);
    assert.ok(error.place.startsWith(place), `${error.place} should be ${place}`);
    assert.match(error.reason, message);
    assert.match(error.remedy, remedy);
    assert.ok(!error.message.includes('\n'), 'one line');
  });
}

test('what YAML or a type has wrong is said in the words of the file, with its place', () => {
  const wrong: [string, RegExp][] = [
    ['name: *s\nstrategies: &s [tile]\n', /^c\.yaml:1:7: not valid YAML: .*\bs\b/],
    ['', /the campaign is empty, not keys with values/],
    ['- 1\n', /the campaign is a list, not keys/],
    [smallCampaign({ strategies: '[]' }), /strategies has 0 entries\. Give at least 1 entries/],
    [smallCampaign({ samples: '1.5' }), /samples is 1\.5, not a whole number/],
    [smallCampaign({ samples: '"1"' }), /samples is "1", not a number/],
    [smallCampaign({ repeats: '100000' }), /repeats: 100000 is out of range\. Give at most 10000/],
    [smallCampaign({ thresholds: '{ von: 3 V }' }), /thresholds\.voff is missing\. Add 'voff'/],
    [`${smallCampaign()}---\nname: b\n`, /a second document starts here/],
  ];
  for (const [source, message] of wrong) {
    assert.throws(
      () => parseCampaign(source, { place: 'c.yaml', folder: '/' }),
      (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
