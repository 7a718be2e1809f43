import assert from 'node:assert/strict';
import { test } from 'node:test';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { VirtualBench } from '../../../src-main/campaign/bench/virtual-bench.js';
import type { BenchSample } from '../../../src-main/campaign/types.js';
import { picoFirmware } from '../../support/virtual-bench.js';

test('the board runs on for a moment after the switch has opened, as long as its decoupling lasts', async () => {
  const { power } = picoFram;
  const samples: BenchSample[] = [];
  const bench = new VirtualBench({
    profile: picoFram,
    firmware: picoFirmware(),
    capacitanceFarads: 1e-3,
    turnOnVolts: power.turnOnVolts.value,
    brownOutVolts: power.brownOutVolts.value,
    seed: 1,
    signal: new AbortController().signal,
    onSample: (sample) => samples.push(sample),
  });
  await bench.supply.set(5, 0.1);
  await bench.supply.output(true);
  await bench.boardPort.read(0.5);
  bench.startMeasuring({ tasksPerInference: 1, inferences: 1 });
  await bench.supply.output(false);
  const before = bench.observe().energyJoules;
  await bench.boardPort.read(2);
  const [window] = bench.onWindows();
  assert.ok(window.offSeconds !== null, 'it is off in the end');
  const opened = samples.find((sample) => sample.capacitorVolts <= power.brownOutVolts.value);
  assert.ok(opened);
  const heldUp = window.offSeconds - opened.timeSeconds;
  // Asleep, waiting for a command: Q / I, to within a slice.
  const expected =
    (power.decouplingFarads.value * (power.railVolts.value - power.dropOutVolts.value)) /
    power.sleepAmps.value;
  assert.ok(Math.abs(heldUp - expected) < 0.1 * expected, `${heldUp} s, expected ${expected} s`);
  // Its energy was paid for as inrush at turn-on; the run is charged with what the capacitor gave above brown-out only.
  const available = (1e-3 * (samples[0].capacitorVolts ** 2 - power.brownOutVolts.value ** 2)) / 2;
  assert.ok(bench.observe().energyJoules - before < available * 1.02);
  await bench.close();
});
