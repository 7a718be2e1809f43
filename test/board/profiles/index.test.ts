import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boardProfile, boardProfiles } from '../../../src-main/board/profiles/index.js';
import { InputError } from '../../../src-main/common/errors.js';

test('profiles are found by id, and an unknown id names the known ones', () => {
  for (const profile of boardProfiles) {
    assert.equal(boardProfile(profile.id), profile);
  }
  assert.throws(
    () => boardProfile('pico-farm'),
    (error: unknown) => error instanceof InputError && error.message.includes('pico-fram'),
  );
});

test('every profile is plausible and every electrical constant has a source', () => {
  for (const { power, flashMap, flashBytes } of boardProfiles) {
    for (const [name, { value, source }] of Object.entries(power)) {
      assert.ok(Number.isFinite(value) && value >= 0, name);
      assert.ok(source.length > 10, `${name} needs a source`);
    }
    assert.ok(power.brownOutVolts.value < power.turnOnVolts.value);
    assert.ok(power.turnOnVolts.value <= power.maximumVolts.value);
    assert.ok(power.sleepAmps.value < power.activeAmps.value);
    assert.ok(power.converterEfficiency.value <= 1);
    assert.ok(flashMap.imageOffset + flashMap.imageBytes <= flashMap.datasetOffset);
    assert.ok(flashMap.datasetOffset + flashMap.datasetBytes <= flashBytes);
  }
});
