import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError, RunError } from '../../../src-main/common/errors.js';
import type { BenchSupply, ListStep } from '../../../src-main/supply/driver.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import {
  SUPPLY_PROFILES,
  supplyProfile,
  type SupplyProfile,
} from '../../../src-main/supply/profiles/index.js';
import { InstrumentPort } from '../../../src-main/supply/virtual/instrument.js';
import { SCPI_DIALECTS } from '../../../src-main/supply/virtual/scpi-dialects.js';
import { ScpiEmulator } from '../../../src-main/supply/virtual/scpi-emulator.js';
import { ByteDialogue, type Exchange } from '../byte-dialogue.js';

function fails(code: string, pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RunError || error instanceof InputError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

async function play(profile: string, exchanges: Exchange[], talk: (supply: BenchSupply) => Promise<void>) {
  const dialogue = new ByteDialogue(exchanges);
  await talk(openSupply(new InstrumentPort(dialogue), supplyProfile(profile)));
  assert.deepEqual(dialogue.complaints, []);
  assert.deepEqual(dialogue.unused, [], 'the whole dialogue was played');
}

const NO_ERROR: Exchange = { hears: 'SYST:ERR?\n', says: '0,"No error"\n' };

/** Typed from the manuals that the tables name, not from the tables. */
test('Rigol DP832: channel 1, protections, timer', async () => {
  await play(
    'rigol-dp832',
    [
      { hears: '\n' },
      { hears: 'SYST:REM\n' },
      { hears: ':INST:NSEL 1\n' },
      { hears: '*CLS\n' },
      { hears: '*IDN?\n', says: 'RIGOL TECHNOLOGIES,DP832,DP8C1234567890,00.01.14\n' },
      NO_ERROR,
      { hears: ':SOUR:CURR 0.050\n' },
      { hears: ':SOUR:VOLT 3.30\n' },
      NO_ERROR,
      { hears: ':SOUR:VOLT?\n', says: '3.300\n' },
      { hears: ':SOUR:CURR?\n', says: '0.0500\n' },
      { hears: ':OUTP:OVP:VAL CH1,3.60\n' },
      { hears: ':OUTP:OVP CH1,ON\n' },
      NO_ERROR,
      { hears: ':OUTP CH1,ON\n' },
      NO_ERROR,
      { hears: ':OUTP? CH1\n', says: 'ON\n' },
      { hears: ':MEAS:VOLT? CH1\n', says: '3.2994\n' },
      { hears: ':MEAS:CURR? CH1\n', says: '0.0123\n' },
      NO_ERROR,
      { hears: ':TIME OFF\n' },
      NO_ERROR,
      { hears: ':TIME:GROUP 2\n' },
      NO_ERROR,
      { hears: ':TIME:CYCLE N,10\n' },
      NO_ERROR,
      { hears: ':TIME:PARA 0,3.30,0.050,2\n' },
      NO_ERROR,
      { hears: ':TIME:PARA 1,0.00,0.050,1\n' },
      NO_ERROR,
      { hears: '\n:OUTP CH1,OFF\n' },
      { hears: ':OUTP CH1,OFF\n' },
      { hears: ':OUTP? CH1\n', says: 'OFF\n' },
      { hears: ':OUTP? CH1\n', says: 'OFF\n' },
    ],
    async (supply) => {
      assert.equal((await supply.identify()).model, 'DP832');
      await supply.set(3.3, 0.05);
      assert.deepEqual(await supply.protect({ overVolts: 3.6, overAmps: null }), {
        overVolts: 'level set',
        overAmps: 'not available',
      });
      await supply.output(true);
      assert.deepEqual(await supply.measure(), { volts: 3.2994, amps: 0.0123 });
      await supply.loadList(
        [
          { volts: 3.3, amps: 0.05, seconds: 2 },
          { volts: 0, amps: 0.05, seconds: 1 },
        ],
        10,
      );
      assert.equal(await supply.shutdown(), 'confirmed');
    },
  );
});

test('Keysight E3644A over RS-232: control-C and remote first, one reply before the next command', async () => {
  await play(
    'keysight-e3644a',
    [
      { hears: '\x03\n' },
      { hears: 'SYST:REM\n' },
      { hears: 'CURR 0.100\n' },
      { hears: 'VOLT 2.500\n' },
      { hears: 'SYST:ERR?\n', says: '+0,"No error"\r\n' },
      { hears: 'VOLT?\n', says: '+2.50000000E+00\r\n' },
      { hears: 'CURR?\n', says: '+1.00000000E-01\r\n' },
    ],
    (supply) => supply.set(2.5, 0.1),
  );
});

test('Keysight N6705: a list by the manual, with bus trigger', async () => {
  await play(
    'keysight-n6705',
    [
      { hears: '\n' },
      ...[
        'ABOR:TRAN (@1)',
        'VOLT:MODE LIST,(@1)',
        'CURR:MODE LIST,(@1)',
        'LIST:VOLT 3.000,0.000,(@1)',
        'LIST:CURR 0.010,0.010,(@1)',
        'LIST:DWEL 0.25,0.005,(@1)',
        'LIST:COUN INF,(@1)',
        'LIST:STEP AUTO,(@1)',
        'LIST:TERM:LAST ON,(@1)',
        'TRIG:TRAN:SOUR BUS,(@1)',
      ].flatMap((command) => [{ hears: `${command}\n` }, NO_ERROR]),
    ],
    (supply) =>
      supply.loadList(
        [
          { volts: 3, amps: 0.01, seconds: 0.25 },
          { volts: 0, amps: 0.01, seconds: 0.005 },
        ],
        Infinity,
      ),
  );
});

/** The profile with a list, if the family has one. */
const FAMILIES: [dialect: string, profile: SupplyProfile][] = SCPI_DIALECTS.map(({ id }) => {
  const profile = SUPPLY_PROFILES.find(({ driver }) => driver === id);
  assert.ok(profile, `no profile for ${id}`);
  return [id, profile];
});

for (const [dialect, profile] of FAMILIES) {
  test(`${profile.id} and its emulator: identify, set, protect, on, measure, state, errors, off`, async () => {
    const found = SCPI_DIALECTS.find(({ id }) => id === dialect);
    assert.ok(found);
    const emulator = new ScpiEmulator(found, { ohms: 330 });
    const supply = openSupply(new InstrumentPort(emulator), profile);
    const identity = await supply.identify();
    assert.ok(identity.model.length > 3 && identity.serial.length > 0, JSON.stringify(identity));
    await supply.set(3.3, 0.05);
    await supply.protect({ overVolts: 5, overAmps: null });
    assert.equal(emulator.terminals.on, false);
    await supply.output(true);
    assert.deepEqual(emulator.terminals, { on: true, volts: 3.3, amps: 0.05 });
    const { volts, amps } = await supply.measure();
    assert.ok(Math.abs(volts - 3.3) < 1e-3 && Math.abs(amps - 0.01) < 1e-3, `${volts} V ${amps} A`);
    const state = await supply.state();
    assert.deepEqual([state.on, state.volts, state.amps], [true, 3.3, 0.05]);
    // 330 ohms take 10 mA at 3.3 V: with 5 mA it is constant current, at 1.65 V.
    await supply.set(3.3, 0.005);
    assert.ok(Math.abs((await supply.measure()).volts - 1.65) < 1e-3);
    const limited = await supply.state();
    assert.ok(limited.regulation === 'CC' || limited.regulation === null, String(limited.regulation));
    assert.deepEqual(await supply.errors(), []);
    await supply.output(false);
    assert.equal(emulator.terminals.on, false);
    assert.equal((await supply.state()).on, false);
    await supply.output(true);
    assert.equal(await supply.shutdown(), 'confirmed');
    assert.equal(emulator.terminals.on, false);
  });
}

test('a protection that trips is told by name', async () => {
  for (const profile of [supplyProfile('rigol-dp832'), supplyProfile('rs-hmp4040')]) {
    const dialect = SCPI_DIALECTS.find(({ id }) => id === profile.driver);
    assert.ok(dialect);
    const supply = openSupply(new InstrumentPort(new ScpiEmulator(dialect)), profile);
    await supply.set(3, 0.1);
    await supply.protect({ overVolts: 2, overAmps: null });
    await assert.rejects(supply.output(true), fails('supply-not-taken', /its output is off/));
    assert.deepEqual([(await supply.state()).on, (await supply.state()).tripped], [false, 'OVP']);
  }
});

test('another maker at the port is refused before anything is switched on', async () => {
  const korad = SCPI_DIALECTS.find(({ id }) => id === 'keithley-2450');
  assert.ok(korad);
  const emulator = new ScpiEmulator(korad);
  const supply = openSupply(new InstrumentPort(emulator), supplyProfile('keysight-n6705'));
  await assert.rejects(supply.output(true), fails('supply-identity', /KEITHLEY.*not a Keysight N6700/));
  assert.equal(emulator.terminals.on, false);
});

const LISTS: [profile: string, steps: ListStep[], repeats: number][] = [
  [
    'rigol-dp832',
    [
      { volts: 3, amps: 0.1, seconds: 1 },
      { volts: 1, amps: 0.1, seconds: 2 },
    ],
    2,
  ],
  [
    'keysight-n6705',
    [
      { volts: 3, amps: 0.1, seconds: 0.01 },
      { volts: 1, amps: 0.1, seconds: 0.02 },
    ],
    2,
  ],
  [
    'rs-hmp4040',
    [
      { volts: 3, amps: 0.1, seconds: 0.06 },
      { volts: 1, amps: 0.1, seconds: 0.12 },
    ],
    2,
  ],
  [
    'siglent-spd3303x',
    [
      { volts: 3, amps: 0.1, seconds: 1 },
      { volts: 1, amps: 0.1, seconds: 2 },
    ],
    1,
  ],
  [
    'keithley-2450',
    [
      { volts: 3, amps: 0.1, seconds: 0.05 },
      { volts: 1, amps: 0.1, seconds: 0.05 },
    ],
    2,
  ],
];

for (const [id, steps, repeats] of LISTS) {
  test(`${id} plays a list by its own clock`, async () => {
    const profile = supplyProfile(id);
    const dialect = SCPI_DIALECTS.find((each) => each.id === profile.driver);
    assert.ok(dialect);
    const emulator = new ScpiEmulator(dialect);
    const port = new InstrumentPort(emulator);
    const supply = openSupply(port, profile);
    await supply.set(0, 0.1);
    await supply.loadList(steps, repeats);
    await supply.startList();
    const begin = port.now();
    const seen: number[] = [];
    const period = steps.reduce((sum, { seconds }) => sum + seconds, 0);
    while (port.now() < begin + period * (repeats + 0.2)) {
      if (seen.at(-1) !== emulator.terminals.volts) seen.push(emulator.terminals.volts);
      await port.read(steps[0].seconds / 10);
    }
    const played = Array.from({ length: repeats }, () => steps.map(({ volts }) => volts)).flat();
    assert.deepEqual(seen, played);
    await supply.stopList();
    assert.equal(await supply.shutdown(), 'confirmed');
  });
}

test('what a list cannot hold is refused with the reason, before anything is sent', async () => {
  const step = { volts: 1, amps: 0.1, seconds: 1 };
  const cases: [profile: string, steps: ListStep[], repeats: number, code: string, reason: RegExp][] = [
    ['rigol-dp832', [{ ...step, seconds: 0.5 }], 1, 'supply-list', /500 ms is outside 1.00 s to/],
    ['rigol-dp832', [{ ...step, seconds: 1.5 }], 1, 'supply-list', /no multiple of 1/],
    ['rigol-dp832', [{ ...step, volts: 40 }], 1, 'supply-limit', /40\.0000 V is outside/],
    [
      'siglent-spd3303x',
      Array.from({ length: 6 }, () => step),
      1,
      'supply-list',
      /6 steps does not fit into 1 to 5/,
    ],
    ['siglent-spd3303x', [step], 2, 'supply-list', /2 repetitions are outside 1 to 1/],
    ['keithley-2450', [step, { ...step, seconds: 2 }], 1, 'supply-list', /one time for all steps/],
    ['rs-hmp4040', [{ ...step, seconds: 0.01 }], 1, 'supply-list', /10.0 ms is outside 60/],
    ['korad-ka3005p', [step], 1, 'supply-no-list', /no list mode/],
  ];
  for (const [id, steps, repeats, code, reason] of cases) {
    const dialogue = new ByteDialogue([]);
    const supply = openSupply(new InstrumentPort(dialogue), supplyProfile(id));
    await assert.rejects(supply.loadList(steps, repeats), fails(code, reason));
    assert.deepEqual(dialogue.complaints, [], id);
  }
});
