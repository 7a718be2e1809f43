import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HarvestPlayer } from '../../src-main/campaign/harvest-player.js';
import type { SupplyDriver } from '../../src-main/supply/driver.js';

/** A supply that notes what it was told and when, and takes `delaySeconds` for each command. */
function notingSupply(delaySeconds: number) {
  const clock = { seconds: 100 };
  const told: [number, number, number][] = [];
  const supply: SupplyDriver = {
    limits: {
      maximumVolts: 10,
      maximumAmps: 1,
      minimumStepSeconds: 0,
      voltsResolution: 0,
      ampsResolution: 0,
    },
    identify: () => Promise.resolve({ manufacturer: '', model: '', serial: '', firmware: '' }),
    set: (volts, amps) => {
      told.push([clock.seconds, volts, amps]);
      clock.seconds += delaySeconds;
      return Promise.resolve();
    },
    output: () => Promise.resolve(),
    measure: () => Promise.resolve({ volts: 0, amps: 0 }),
    shutdown: () => Promise.resolve('confirmed'),
  };
  return { clock, told, supply };
}

const steps = [
  { startSeconds: 0, volts: 5, amps: 0.01 },
  { startSeconds: 1, volts: 5, amps: 0 },
  { startSeconds: 3, volts: 4, amps: 0.02 },
];

test('plays every step at its time and starts again after the last', async () => {
  const { clock, told, supply } = notingSupply(0);
  const player = new HarvestPlayer({ name: 'h', steps, durationSeconds: 4 }, supply, 100);
  for (let round = 0; round < 7; round++) {
    clock.seconds = Math.max(clock.seconds, player.nextChangeSeconds);
    await player.play(() => clock.seconds);
  }
  assert.deepEqual(told, [
    [100, 5, 0.01],
    [101, 5, 0],
    [103, 4, 0.02],
    [104, 5, 0.01],
    [105, 5, 0],
    [107, 4, 0.02],
    [108, 5, 0.01],
  ]);
});

test('leaves out steps that were overtaken and says how late it was', async () => {
  const { clock, told, supply } = notingSupply(2.5);
  const player = new HarvestPlayer({ name: 'h', steps, durationSeconds: 4 }, supply, 100);
  await player.play(() => clock.seconds);
  await player.play(() => clock.seconds);
  clock.seconds = 103.25;
  await player.play(() => clock.seconds);
  assert.deepEqual(
    told.map(([, volts, amps]) => [volts, amps]),
    [
      [5, 0.01],
      [5, 0],
      [4, 0.02],
    ],
  );
  assert.ok(player.worstLagSeconds >= 2.5);
});

test('a constant harvest is sent once and never again', async () => {
  const { clock, told, supply } = notingSupply(0);
  const player = new HarvestPlayer({ name: 'c', steps: [steps[0]], durationSeconds: 1 }, supply, 100);
  await player.play(() => clock.seconds);
  assert.equal(player.nextChangeSeconds, Infinity);
  clock.seconds = 1e6;
  await player.play(() => clock.seconds);
  assert.equal(told.length, 1);
});
