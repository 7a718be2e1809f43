import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boardProfile, boardProfiles } from '../../../src-main/board/profiles/index.js';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { XipCache } from '../../../src-main/board/virtual/xip-cache.js';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';

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
  for (const { power, timing, flashMap, flashBytes } of boardProfiles) {
    for (const [name, { value, source, calibrated }] of Object.entries({ ...power, ...timing })) {
      assert.ok(Number.isFinite(value) && value >= 0, name);
      assert.ok(source.length > 10, `${name} needs a source`);
      // An estimate is never passed off as a fact.
      assert.ok(
        !(calibrated && /estimate|chosen|typical|to be measured/i.test(source)),
        `${name} is not calibrated`,
      );
    }
    assert.ok(power.dropOutVolts.value < power.railVolts.value);
    assert.ok(power.brownOutVolts.value < power.turnOnVolts.value);
    assert.ok(power.turnOnVolts.value <= power.maximumVolts.value);
    assert.ok(power.sleepAmps.value < power.activeAmps.value);
    assert.ok(power.converterEfficiency.value <= 1);
    assert.ok(flashMap.imageOffset + flashMap.imageBytes <= flashMap.datasetOffset);
    assert.ok(flashMap.datasetOffset + flashMap.datasetBytes <= flashBytes);
  }
});

test('the virtual board has no times, clocks or voltages of its own: they stand, with their source, in the profile', () => {
  const folder = resourcePath('src-main', 'board', 'virtual');
  /** How long the simulation may run before it looks up; nothing that a chip does. */
  const allowed = ['SLICE_SECONDS', 'TURN_MILLISECONDS', 'PERIOD_MILLISECONDS', 'BUSY_MILLISECONDS'];
  const physical =
    /const ([A-Z0-9_]*(?:SECONDS|HERTZ|CYCLES|CLOCKS|VOLTS|AMPS|FARADS|TOLERANCE))\b[^=\n]*=\s*[\d.]/g;
  for (const name of readdirSync(folder)) {
    const own = [...readFileSync(join(folder, name), 'utf8').matchAll(physical)].map((match) => match[1]);
    assert.deepEqual(
      own.filter((constant) => !allowed.includes(constant)),
      [],
      name,
    );
  }
});

test('the cache model has the size, ways and lines of the profile', () => {
  const { cacheBytes, cacheWays, cacheLineBytes, cacheFillBytes } = picoFram.timing;
  const misses = (addresses: number[]) => {
    const cache = new XipCache();
    addresses.forEach((address) => cache.access(address));
    return cache.misses;
  };
  const { value: size } = cacheBytes;
  const all = Array.from({ length: size }, (_, offset) => offset);
  const fills = size / cacheFillBytes.value;
  assert.equal(misses([...all, ...all]), fills, 'one miss per half of a line, and then everything is there');
  const setStride = size / cacheWays.value;
  const conflicting = Array.from({ length: cacheWays.value }, (_, way) => way * setStride);
  assert.equal(misses([...conflicting, ...conflicting]), cacheWays.value);
  const tooMany = [...conflicting, cacheWays.value * setStride];
  assert.equal(
    misses([...tooMany, ...tooMany]),
    2 * tooMany.length,
    'one more than the ways, in turn: never there',
  );
  const firstHalf = [0, cacheFillBytes.value - 1];
  const secondHalf = [cacheFillBytes.value, cacheLineBytes.value - 1];
  const evicting = conflicting.map((address) => address + setStride);
  assert.equal(misses([...firstHalf, ...firstHalf]), 1);
  assert.equal(misses([...firstHalf, ...secondHalf, ...firstHalf]), 2, 'the other half is read for itself');
  assert.equal(
    misses([...firstHalf, ...secondHalf, ...evicting, ...firstHalf, ...secondHalf]),
    2 + evicting.length + 2,
    'a line that comes back has lost both halves',
  );
});
