import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import { Rail, type RailConfig, type RailSource } from '../../../src-main/supply/rail/rail.js';

const BASE: RailConfig = {
  capacitanceFarads: 1e-3,
  turnOnVolts: 3,
  brownOutVolts: 2,
  railVolts: 3.3,
  converterEfficiency: 0.8,
  offAmps: 0,
  sourceSeriesOhms: 100,
  decouplingFarads: 0,
};

function railWith(changes: Partial<RailConfig>, source: RailSource = { volts: 0, amps: 0 }): Rail {
  const rail = new Rail({ ...BASE, ...changes });
  rail.setSource(source);
  return rail;
}

function near(actual: number, expected: number, relative: number, what: string): void {
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300);
  assert.ok(error <= relative, `${what}: ${actual}, expected ${expected}, off by ${error} of it`);
}

test('charging through the resistance follows the RC curve', () => {
  const rail = railWith({}, { volts: 2.5, amps: 10 });
  const tau = 100 * 1e-3;
  for (const seconds of [0.01, 0.04, 0.2]) {
    rail.advanceUnpowered(seconds);
  }
  near(rail.capacitorVolts, 2.5 * (1 - Math.exp(-0.25 / tau)), 1e-12, 'volts');
  // Integral of V I over the charge: half of what the source gives is lost in the resistance.
  near(rail.energy.harvestedJoules, (1e-3 * rail.capacitorVolts ** 2) / 2, 1e-12, 'harvest');
});

test('the harvest is the integral of V I, through the current limit and the resistance', () => {
  const config = { leakOhms: 2000, offAmps: 1e-4, turnOnVolts: 10, brownOutVolts: 1 };
  const rail = railWith(config, { volts: 3, amps: 12e-3 });
  rail.advanceUnpowered(0.4);
  let volts = 0;
  let harvested = 0;
  const step = 0.4 / 2e6;
  for (let index = 0; index < 2e6; index++) {
    const amps = Math.min(12e-3, (3 - volts) / 100);
    const next = volts + (amps - volts / 2000 - 1e-4 * Math.sign(volts)) * (step / 1e-3);
    harvested += ((volts + next) / 2) * amps * step;
    volts = next;
  }
  near(rail.capacitorVolts, volts, 1e-5, 'volts');
  near(rail.energy.harvestedJoules, harvested, 1e-5, 'harvest');
});

test('the turn-on instant is the closed-form one, to a nanosecond', () => {
  const constantCurrent = railWith({}, { volts: 10, amps: 2e-3 });
  const rising = constantCurrent.advanceUnpowered(100);
  assert.equal(rising.turnedOn, true);
  assert.ok(Math.abs(rising.elapsedSeconds - (1e-3 * 3) / 2e-3) < 1e-9, String(rising.elapsedSeconds));

  // Current limit up to the knee at 3.1 V - 100 ohm * 10 mA = 2.1 V, resistance from there.
  const limited = railWith({}, { volts: 3.1, amps: 10e-3 });
  const expected = (1e-3 * 2.1) / 10e-3 + 0.1 * Math.log((3.1 - 2.1) / (3.1 - 3));
  const met = limited.advanceUnpowered(100);
  assert.equal(met.turnedOn, true);
  assert.ok(Math.abs(met.elapsedSeconds - expected) < 1e-9, `${met.elapsedSeconds}, expected ${expected}`);
  assert.equal(limited.capacitorVolts, 3);
});

test('leakage and off current discharge by the closed form and stop at zero', () => {
  const leaking = railWith({ initialVolts: 2.5, leakOhms: 1e5 });
  leaking.advanceUnpowered(7);
  near(leaking.capacitorVolts, 2.5 * Math.exp(-7 / 100), 1e-12, 'RC discharge');
  near(leaking.energy.leakJoules, 0.5e-3 * 2.5 ** 2 * (1 - Math.exp(-14 / 100)), 1e-12, 'leaked');

  const off = railWith({ initialVolts: 1, offAmps: 1e-6 });
  off.advanceUnpowered(400);
  near(off.capacitorVolts, 0.6, 1e-12, 'linear discharge');
  off.advanceUnpowered(1e9);
  assert.equal(off.capacitorVolts, 0);
  near(off.energy.leakJoules, 0.5e-3, 1e-12, 'all of it');
});

test('a source that cannot reach the turn-on voltage says so and settles where the currents meet', () => {
  const low = railWith({}, { volts: 2.9, amps: 1 }).advanceUnpowered(3600);
  assert.deepEqual(low, { elapsedSeconds: 3600, turnedOn: false, neverTurnsOn: true });

  // 3.2 V through 100 ohm into 1000 ohm of leakage: 2.909 V.
  const loaded = railWith({ leakOhms: 1000 }, { volts: 3.2, amps: 1 });
  assert.equal(loaded.advanceUnpowered(10_000).neverTurnsOn, true);
  near(loaded.capacitorVolts, (3.2 * 1000) / 1100, 1e-9, 'divider');

  const slow = railWith({}, { volts: 5, amps: 1e-7 }).advanceUnpowered(1);
  assert.deepEqual([slow.turnedOn, slow.neverTurnsOn], [false, false]);
});

test('the diode keeps the capacitor from flowing back into a lower source', () => {
  const rail = railWith({ initialVolts: 2.5 }, { volts: 1, amps: 1 });
  rail.advanceUnpowered(1e6);
  assert.equal(rail.capacitorVolts, 2.5);
  assert.equal(rail.energy.harvestedJoules, 0);
});

test("at turn-on the decoupling takes its charge: V' = sqrt(V^2 - (Cout/C) Vout^2)", () => {
  const rail = railWith({ decouplingFarads: 22e-6, initialVolts: 3 });
  assert.equal(rail.advanceUnpowered(0).turnedOn, true);
  near(rail.capacitorVolts, Math.sqrt(9 - (22e-6 / 1e-3) * 3.3 ** 2), 1e-12, 'after inrush');
  near(rail.energy.inrushJoules, (22e-6 * 3.3 ** 2) / 2, 1e-12, 'inrush');
});

test('a constant-power load empties the usable energy in E / P, and the switch opens at brown-out', () => {
  const rail = railWith({ initialVolts: 3 });
  rail.advanceUnpowered(0);
  const railAmps = 20e-3;
  const watts = (railAmps * 3.3) / 0.8;
  const expected = (0.5e-3 * (9 - 4)) / watts;
  const slice = 1e-6;
  let seconds = 0;
  let state: string;
  do {
    state = rail.advancePowered(slice, railAmps * slice);
    seconds += slice;
  } while (state === 'powered');
  assert.ok(Math.abs(seconds - expected) <= 2 * slice, `${seconds}, expected ${expected}`);
  assert.equal(rail.powered, false);
  near(rail.energy.loadJoules, watts * seconds, 1e-9, 'load');
  near(rail.capacitorVolts, 2, 1e-4, 'voltage at failure');
});

test('hysteresis: after a failure the board comes back only at the turn-on voltage', () => {
  const rail = railWith({ initialVolts: 3, decouplingFarads: 1e-6 }, { volts: 5, amps: 1e-3 });
  let failures = 0;
  let turnOns = 0;
  for (let step = 0; step < 2000; step++) {
    if (rail.powered) {
      const before = rail.capacitorVolts;
      assert.ok(before > 2 && before <= 3);
      if (rail.advancePowered(1e-3, 30e-6) === 'failed') failures++;
    } else {
      const met = rail.advanceUnpowered(10);
      assert.equal(met.turnedOn, true);
      turnOns++;
    }
  }
  assert.ok(failures > 10 && turnOns - failures <= 1, `${failures} failures, ${turnOns} turn-ons`);
});

test('the rail never fails within safeSeconds, and soon after without a source', () => {
  const rail = railWith({ initialVolts: 3, offAmps: 2e-6, leakOhms: 1e5 });
  rail.advanceUnpowered(0);
  const amps = 25e-3;
  const safe = rail.safeSeconds(amps);
  assert.equal(rail.advancePowered(safe * 0.999, amps * safe * 0.999), 'powered');
  assert.equal(rail.advancePowered(safe * 0.01, amps * safe * 0.01), 'failed');
});

test('the result does not depend on how the time is cut into slices', () => {
  const run = (slices: number): Rail => {
    const rail = railWith({ initialVolts: 3, offAmps: 1e-6, leakOhms: 5e4 }, { volts: 3.3, amps: 15e-3 });
    rail.advanceUnpowered(0);
    for (let slice = 0; slice < slices; slice++) {
      assert.equal(rail.advancePowered(0.03 / slices, (20e-3 * 0.03) / slices), 'powered');
    }
    return rail;
  };
  const fine = run(200_000);
  for (const slices of [1, 7, 100, 5000]) {
    near(run(slices).capacitorVolts, fine.capacitorVolts, 1e-6, `${slices} slices`);
    near(run(slices).energy.harvestedJoules, fine.energy.harvestedJoules, 1e-5, `${slices} slices`);
  }
});

test('a stiff bench supply holds the board up', () => {
  const rail = railWith(
    { sourceSeriesOhms: 0.01, capacitanceFarads: 10e-6, initialVolts: 3.3 },
    { volts: 3.3, amps: 1 },
  );
  rail.advanceUnpowered(0);
  for (let slice = 0; slice < 1000; slice++) {
    assert.equal(rail.advancePowered(1e-3, 30e-6), 'powered');
    near(rail.capacitorVolts, 3.3 - 0.01 * ((0.03 * 3.3) / 0.8 / 3.3), 2e-3, 'held voltage');
  }
  near(rail.energy.harvestedJoules, rail.energy.loadJoules, 1e-3, 'what goes in comes out');
});

/** Anything the bench may be asked to simulate: nine orders of magnitude of everything. */
const positive = (low: number, high: number) =>
  fc.double({ min: Math.log(low), max: Math.log(high), noNaN: true }).map(Math.exp);
const configs = fc.record({
  capacitanceFarads: positive(1e-6, 1),
  initialVolts: fc.double({ min: 0, max: 6, noNaN: true }),
  offAmps: fc.oneof(fc.constant(0), positive(1e-9, 1e-3)),
  leakOhms: fc.oneof(fc.constant(Infinity), positive(10, 1e9)),
  sourceSeriesOhms: positive(1e-3, 1e4),
  converterEfficiency: fc.double({ min: 0.1, max: 1, noNaN: true }),
});
const events = fc.array(
  fc.record({
    volts: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 6, noNaN: true })),
    amps: fc.oneof(fc.constant(0), positive(1e-7, 3)),
    seconds: fc.oneof(fc.constant(0), positive(1e-9, 1e5)),
    boardAmps: positive(1e-6, 0.1),
  }),
  { maxLength: 25 },
);

test('property: harvested - load - leak - inrush is the change of the stored energy', () => {
  fc.assert(
    fc.property(configs, events, (config, steps) => {
      const rail = new Rail({ ...BASE, ...config });
      const start = rail.energy.storedJoules;
      let before = rail.energy;
      for (const step of steps) {
        rail.setSource(step);
        if (rail.powered) {
          const seconds = Math.min(step.seconds, 0.01);
          rail.advancePowered(seconds, seconds * step.boardAmps);
        } else {
          rail.advanceUnpowered(step.seconds);
        }
        const now = rail.energy;
        for (const key of ['harvestedJoules', 'loadJoules', 'leakJoules', 'inrushJoules'] as const) {
          assert.ok(now[key] >= before[key], `${key} fell from ${before[key]} to ${now[key]}`);
        }
        assert.ok(rail.capacitorVolts >= 0);
        const change = now.harvestedJoules - now.loadJoules - now.leakJoules - now.inrushJoules;
        const error = Math.abs(change - (now.storedJoules - start));
        const moved = now.harvestedJoules + now.loadJoules + now.leakJoules + now.inrushJoules + start;
        // The floor only spares energies so small that they are subnormal numbers.
        assert.ok(error <= 1e-9 * moved + 1e-30, `${error} of ${moved} J are unaccounted for`);
        before = now;
      }
    }),
    { numRuns: 400 },
  );
});

test('property: off time may be cut anywhere, and agrees with a fine numerical integration', () => {
  fc.assert(
    fc.property(
      configs,
      positive(0.1, 5),
      positive(1e-6, 0.5),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (config, volts, amps, cut) => {
        const initialVolts = Math.min(config.initialVolts, 2.5);
        const make = () => {
          const rail = new Rail({ ...BASE, ...config, initialVolts, turnOnVolts: 1e3 });
          rail.setSource({ volts, amps });
          return rail;
        };
        const seconds = 0.5;
        const whole = make();
        whole.advanceUnpowered(seconds);
        const parts = make();
        parts.advanceUnpowered(seconds * cut);
        parts.advanceUnpowered(seconds * (1 - cut));
        near(parts.capacitorVolts + 1, whole.capacitorVolts + 1, 1e-10, 'cut');
        // Independent oracle: forward Euler on the current equation, where it is stable.
        const tau = config.capacitanceFarads / (1 / config.sourceSeriesOhms + 1 / config.leakOhms);
        const steps = 20_000;
        if (tau > (20 * seconds) / steps && config.capacitanceFarads > 1e-4) {
          let v = initialVolts;
          for (let step = 0; step < steps; step++) {
            const source = volts > v ? Math.min(amps, (volts - v) / config.sourceSeriesOhms) : 0;
            v = Math.max(
              0,
              v +
                ((source - config.offAmps - v / config.leakOhms) / config.capacitanceFarads) *
                  (seconds / steps),
            );
          }
          assert.ok(Math.abs(v - whole.capacitorVolts) < 0.03, `${whole.capacitorVolts}, integrated ${v}`);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('property: more source never means less voltage or a later turn-on', () => {
  fc.assert(
    fc.property(
      configs,
      positive(0.5, 6),
      positive(1e-6, 1),
      positive(1, 3),
      positive(1e-3, 1e4),
      (config, volts, amps, more, seconds) => {
        const initialVolts = Math.min(config.initialVolts, 2.5);
        const [weak, strong] = [1, more].map((factor) => {
          const rail = new Rail({ ...BASE, ...config, initialVolts });
          rail.setSource({ volts: volts * factor, amps: amps * factor });
          return { result: rail.advanceUnpowered(seconds), volts: rail.capacitorVolts };
        });
        if (weak.result.turnedOn) {
          assert.equal(strong.result.turnedOn, true);
          assert.ok(strong.result.elapsedSeconds <= weak.result.elapsedSeconds * (1 + 1e-12) + 1e-12);
        } else if (!strong.result.turnedOn) {
          assert.ok(strong.volts >= weak.volts * (1 - 1e-12) - 1e-12);
        }
        assert.ok(!(weak.result.turnedOn && weak.result.neverTurnsOn));
      },
    ),
  );
});

test('ten years of off time cost microseconds of computation', () => {
  const rail = railWith({ leakOhms: 1e6, offAmps: 1e-7 }, { volts: 2.9, amps: 1e-6 });
  const begin = process.hrtime.bigint();
  for (let turn = 0; turn < 1000; turn++) rail.advanceUnpowered(3.15e8);
  const microseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  assert.ok(microseconds < 500, `${microseconds} us each`);
});

test('a rail that makes no sense is refused with the value and the remedy', () => {
  const cases: [Partial<RailConfig>, RegExp][] = [
    [{ capacitanceFarads: 0 }, /capacitanceFarads is 0\./],
    [{ capacitanceFarads: NaN }, /capacitanceFarads is NaN/],
    [{ turnOnVolts: 1.9 }, /brown-out voltage, 2\.00 V, is not below the turn-on voltage, 1\.90 V/],
    [{ converterEfficiency: 1.2 }, /share between 0 and 1/],
    [{ leakOhms: 0 }, /leakOhms is 0/],
    [{ sourceSeriesOhms: 0 }, /at least 1 mohm/],
    [{ decouplingFarads: 1e-3 }, /capacitor of more than 2\.18 mF/],
  ];
  for (const [changes, pattern] of cases) {
    assert.throws(
      () => new Rail({ ...BASE, ...changes }),
      (error: unknown) => error instanceof InputError && pattern.test(error.message),
      String(pattern),
    );
  }
  assert.throws(() => railWith({}).setSource({ volts: -1, amps: 1 }), InputError);
  assert.throws(() => railWith({}).setSource({ volts: 1, amps: Infinity }), InputError);
});
