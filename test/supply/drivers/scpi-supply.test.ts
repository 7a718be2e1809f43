import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError, RunError } from '../../../src-main/common/errors.js';
import type { Port } from '../../../src-main/common/port.js';
import type { BenchSupply, SupplyLimits } from '../../../src-main/supply/driver.js';
import { openSupply, supplyDriver } from '../../../src-main/supply/drivers/index.js';
import { SupervisedSupply } from '../../../src-main/supply/drivers/supervised-supply.js';
import { checkedSetPoint } from '../../../src-main/supply/drivers/set-point.js';
import { limitsForBoard, SUPPLY_PROFILES, supplyProfile } from '../../../src-main/supply/profiles/index.js';
import { ScriptedPort, type ScriptLine } from '../scripted-port.js';

const LIMITS: SupplyLimits = {
  maximumVolts: 5,
  maximumAmps: 0.5,
  minimumStepSeconds: 0.01,
  voltsResolution: 0.01,
  ampsResolution: 0.001,
};

const NO_ERROR: ScriptLine[] = ['> SYST:ERR?\n', '< 0,"No error"\n'];

function openScpi(port: Port): BenchSupply {
  return openSupply(port, { ...supplyProfile('virtual-scpi'), replySeconds: 0.2 }, LIMITS);
}

async function play(script: ScriptLine[], talk: (supply: BenchSupply) => Promise<void>): Promise<void> {
  const port = new ScriptedPort(script);
  await talk(openScpi(port));
  assert.deepEqual(port.complaints, []);
  assert.deepEqual(port.unused, [], 'the whole script was played');
}

function fails(code: string, pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RunError || error instanceof InputError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

test('a whole session, byte by byte', async () => {
  await play(
    [
      '> *CLS\n',
      '> *IDN?\n',
      '< RIGOL TECHNOLOGIES,DP8',
      '< 32,DP8A,00.01.16\r\n',
      ...NO_ERROR,
      '> CURR 0.050\n',
      '> VOLT 3.30\n',
      ...NO_ERROR,
      '> OUTP ON\n',
      ...NO_ERROR,
      '> MEAS:VOLT?\n',
      '< 3.2987\n',
      '> MEAS:CURR?\n',
      '< +4.210E-02\n',
      '> \nOUTP OFF\n',
      '> OUTP OFF\n',
      '> OUTP?\n',
      '< 0\n',
    ],
    async (supply) => {
      assert.deepEqual(await supply.identify(), {
        manufacturer: 'RIGOL TECHNOLOGIES',
        model: 'DP832',
        serial: 'DP8A',
        firmware: '00.01.16',
      });
      await supply.set(3.3, 0.05);
      await supply.output(true);
      assert.deepEqual(await supply.measure(), { volts: 3.2987, amps: 0.0421 });
      assert.equal(await supply.shutdown(), 'confirmed');
    },
  );
});

test('what goes down goes first, so that no instant has the higher of both', async () => {
  await play(
    [
      '> CURR 0.010\n',
      '> VOLT 5.00\n',
      ...NO_ERROR,
      '> VOLT 3.00\n',
      '> CURR 0.400\n',
      ...NO_ERROR,
      '> CURR 0.020\n',
      '> VOLT 4.00\n',
      ...NO_ERROR,
    ],
    async (supply) => {
      await supply.set(5, 0.01);
      await supply.set(3, 0.4);
      await supply.set(4, 0.02);
    },
  );
});

test('the error queue is read empty and every error reaches the caller', async () => {
  await play(
    [
      '> CURR 0.100\n',
      '> VOLT 4.00\n',
      '> SYST:ERR?\n',
      '< -222,"Data out of range"\n',
      '> SYST:ERR?\n',
      '< 123,"Fan, stopped"\n',
      ...NO_ERROR,
      '> OUTP ON\n',
      ...NO_ERROR,
    ],
    async (supply) => {
      await assert.rejects(
        supply.set(4, 0.1),
        fails('supply-error', /-222,"Data out of range" and 123,"Fan, stopped" to "VOLT 4\.00; CURR 0\.100"/),
      );
      // The next conversation starts clean.
      await supply.output(true);
    },
  );
});

test('an instrument that reports errors without end is given up on', async () => {
  const errors = Array.from({ length: 64 }, (): ScriptLine[] => [
    '> SYST:ERR?\n',
    '< -350,"Queue overflow"\n',
  ]);
  // What could not be switched on for certain is switched off.
  const off: ScriptLine[] = ['> OUTP OFF\n', '> SYST:ERR?\n', '< 0,"No error"\n'];
  await play(['> OUTP ON\n', ...errors.flat(), ...off], async (supply) => {
    await assert.rejects(supply.output(true), fails('supply-error', /Queue overflow/));
  });
});

test('a late answer is not taken for the answer to the next question', async () => {
  await play(
    ['> MEAS:VOLT?\n', '...', '< 9.99\n', '...', '> MEAS:VOLT?\n', '< 1.25\n', '> MEAS:CURR?\n', '< 0.5\n'],
    async (supply) => {
      await assert.rejects(
        supply.measure(),
        fails('supply-timeout', /no answer to "MEAS:VOLT\?" within 0\.2 s/),
      );
      assert.deepEqual(await supply.measure(), { volts: 1.25, amps: 0.5 });
    },
  );
});

test('half an answer, nonsense and a flood are told apart', async () => {
  await play(['> MEAS:VOLT?\n', '< 3.2', '...'], async (supply) => {
    await assert.rejects(supply.measure(), fails('supply-timeout', /only "3\.2"/));
  });
  await play(['> MEAS:VOLT?\n', '< hello\n'], async (supply) => {
    await assert.rejects(
      supply.measure(),
      fails('supply-reply', /answered "hello" to "MEAS:VOLT\?", not a number/),
    );
  });
  await play(['> MEAS:VOLT?\n', `< ${'x'.repeat(5000)}`], async (supply) => {
    await assert.rejects(supply.measure(), fails('supply-reply', /more than 4096 bytes without a line end/));
  });
  await play(['> *CLS\n', '> *IDN?\n', '< 42\n'], async (supply) => {
    await assert.rejects(supply.identify(), fails('supply-reply', /not manufacturer, model/));
  });
});

test('nothing beyond the limits is sent, and no rounding carries a value over them', async () => {
  const port = new ScriptedPort([]);
  const supply = openScpi(port);
  for (const [volts, amps] of [
    [5.001, 0.1],
    [3, 0.5001],
    [-0.001, 0.1],
    [NaN, 0.1],
    [3, Infinity],
    [3, -1],
  ]) {
    await assert.rejects(supply.set(volts, amps), fails('supply-limit', /is outside 0 to/));
  }
  assert.deepEqual(port.written, []);
  fc.assert(
    fc.property(
      fc.double({ noNaN: false }),
      fc.double({ noNaN: false }),
      fc.double({ min: 1e-3, max: 100, noNaN: true }),
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      fc.constantFrom(1e-6, 1e-3, 0.0072, 0.01, 0.1),
      (rawVolts, rawAmps, maximumVolts, maximumAmps, voltsResolution) => {
        const limits = { ...LIMITS, maximumVolts, maximumAmps, voltsResolution };
        for (const [volts, amps] of [
          [rawVolts, rawAmps],
          [Math.abs(rawVolts % 120), Math.abs(rawAmps % 1.2)],
          [maximumVolts, maximumAmps],
        ]) {
          try {
            const point = checkedSetPoint(volts, amps, limits, 'test');
            assert.ok(volts >= 0 && volts <= maximumVolts && amps >= 0 && amps <= maximumAmps);
            assert.ok(point.volts >= 0 && point.volts <= maximumVolts, `${point.volts} > ${maximumVolts}`);
            assert.ok(point.amps >= 0 && point.amps <= maximumAmps, `${point.amps} > ${maximumAmps}`);
          } catch (error) {
            assert.ok(error instanceof InputError, String(error));
            assert.ok(!(volts >= 0 && volts <= maximumVolts && amps >= 0 && amps <= maximumAmps));
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('set points lie on the instrument grid, written with all of its decimals', () => {
  const cases: [number, number, number, number][] = [
    [3.3, 5, 0.01, 3.3],
    [3.3, 5, 0.0072, 3.2976],
    [5, 5, 0.0072, 4.9968],
    [0.1, 3, 1e-6, 0.1],
    [2.5, 2.5, 1, 2],
    [3.004999, 5, 0.01, 3],
    [0.04, 0.04, 0.1, 0],
  ];
  for (const [volts, maximumVolts, voltsResolution, expected] of cases) {
    assert.equal(
      checkedSetPoint(volts, 0, { ...LIMITS, maximumVolts, voltsResolution }, 'test').volts,
      expected,
    );
  }
});

test('the tighter of supply and board limits counts', () => {
  const limits = limitsForBoard(LIMITS, { maximumVolts: 3.6, maximumAmps: 2 });
  assert.deepEqual([limits.maximumVolts, limits.maximumAmps], [3.6, 0.5]);
});

/** A port whose writes fail from the n-th on, as when the cable is pulled. */
class DyingPort implements Port {
  readonly name = 'dying';
  readonly attempts: string[] = [];
  readonly #alive: number;
  constructor(alive: number) {
    this.#alive = alive;
  }
  now(): number {
    return 0;
  }
  write(bytes: Uint8Array): Promise<void> {
    this.attempts.push(Buffer.from(bytes).toString('latin1'));
    return this.attempts.length > this.#alive
      ? Promise.reject(
          new RunError({ code: 'port-gone', place: 'dying', message: 'gone', remedy: 'Plug it in' }),
        )
      : Promise.resolve();
  }
  read(): Promise<Uint8Array> {
    return this.attempts.length > this.#alive
      ? Promise.reject(new Error('gone'))
      : Promise.resolve(new Uint8Array());
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

test('shutdown always tries to switch off and never throws, wherever the port dies', async () => {
  for (let alive = 0; alive < 8; alive++) {
    const port = new DyingPort(alive);
    const supply = openScpi(port);
    await supply.set(3, 0.1).catch(() => undefined);
    const before = port.attempts.length;
    const outcome = await supply.shutdown();
    const tries = port.attempts.slice(before).filter((text) => text.includes('OUTP OFF\n'));
    assert.ok(tries.length >= 1, `port died after ${alive} writes`);
    assert.equal(outcome, alive > before ? 'sent' : 'failed');
  }
});

test('nothing can switch the output on again once shutdown has begun, whatever was under way', async () => {
  for (let turns = 0; turns < 30; turns++) {
    const written: string[] = [];
    const port: Port = {
      name: 'slow',
      now: () => 0,
      write: async (bytes) => {
        written.push(Buffer.from(bytes).toString('latin1'));
        for (let turn = 0; turn < 3; turn++) await Promise.resolve();
      },
      read: async () => {
        await Promise.resolve();
        return Buffer.from('0\n');
      },
      close: () => Promise.resolve(),
    };
    const supply = openScpi(port);
    const work = [supply.set(3, 0.1), supply.output(true), supply.set(4, 0.2), supply.output(true)].map(
      (call) => call.catch((error: unknown) => error),
    );
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await supply.shutdown();
    const results = await Promise.all(work);
    const off = written.indexOf('\nOUTP OFF\n');
    assert.ok(off >= 0);
    assert.deepEqual(
      written.slice(off + 1).filter((text) => /ON|VOLT|CURR/.test(text)),
      [],
      written.join(''),
    );
    assert.ok(
      results.some((result) => result instanceof RunError && result.code === 'supply-shut-down') ||
        turns > 20,
    );
    await assert.rejects(supply.output(true), fails('supply-shut-down', /was not sent/));
  }
});

test('profiles and drivers are found by id, and a misspelt one names the nearest', () => {
  for (const profile of SUPPLY_PROFILES) {
    assert.ok(openSupply(new ScriptedPort([]), profile) instanceof SupervisedSupply);
  }
  assert.throws(
    () => supplyProfile('virtual-scip'),
    fails('unknown-supply-profile', /Did you mean 'virtual-scpi'\?/),
  );
  assert.throws(() => supplyDriver('skpi'), fails('unknown-supply-driver', /Did you mean 'scpi'\?/));
});
