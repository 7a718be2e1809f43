import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RunError } from '../../../src-main/common/errors.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import { supplyProfile } from '../../../src-main/supply/profiles/index.js';
import { Rail, type RailSource } from '../../../src-main/supply/rail/rail.js';
import { VIRTUAL_SUPPLY_MODELS } from '../../../src-main/supply/virtual/models.js';
import { VirtualSupply, type VirtualSupplyOptions } from '../../../src-main/supply/virtual/virtual-supply.js';
import { VirtualSupplyPort } from '../../../src-main/supply/virtual/virtual-supply-port.js';

function instrument(options: VirtualSupplyOptions = {}) {
  const supply = new VirtualSupply(options);
  const ask = (text: string) =>
    Buffer.from(supply.receive(Buffer.from(text, 'latin1')).reply).toString('latin1');
  return { supply, ask };
}

test('dialogue: every line is sent alone and answered as written', () => {
  const { ask } = instrument();
  const dialogue: [string, string][] = [
    ['*IDN?', 'Brownout Bench,VIRTUAL-SCPI,0,1.0\n'],
    ['*ESR?', '128\n'],
    ['VOLT?;CURR?;OUTP?', '0.000000;0.000000;0\n'],
    // Long and short forms, any case, optional nodes, suffix of the one channel.
    ['VOLT 3.3', ''],
    [':source:voltage:level:immediate:amplitude?', '3.300000\n'],
    ['SOUR1:VOLT 2500mV', ''],
    ['Volt?', '2.500000\n'],
    ['voltage 1.5 V;current 20 ma', ''],
    ['VOLT?;CURR?', '1.500000;0.020000\n'],
    ['CURRENT 0.25', ''],
    ['APPL 2, 0.1', ''],
    ['VOLT?; CURR?', '2.000000;0.100000\n'],
    ['VOLT? MAX;VOLT? MIN;CURR? MAX', '6.000000;0.000000;3.000000\n'],
    ['VOLT MAX', ''],
    ['VOLT?', '6.000000\n'],
    ['VOLT 2', ''],
    // The rest of a path holds for the next unit; a colon starts over; a common command does not disturb it.
    [':SOUR:VOLT:PROT 4;*OPC?;PROT?;:CURR 0.2', '1;4.000000\n'],
    ['CURR?', '0.200000\n'],
    ['OUTP ON;OUTP?', '1\n'],
    ['OUTPUT:STATE off;:outp:stat?', '0\n'],
    ['OUTP 1;OUTP?', '1\n'],
    ['MEAS:VOLT?;CURR?;POW?', '2.000000;0.000000;0.000000\n'],
    ['meas:scalar:voltage:dc?', '2.000000\n'],
    ['SYST:ERR?', '+0,"No error"\n'],
    // Errors, in the order in which they happened.
    ['FOO 1', ''],
    ['VOLTA 1', ''],
    ['VOLT 6.1', ''],
    ['VOLT -1', ''],
    ['VOLT', ''],
    ['VOLT 1,2', ''],
    ['VOLT abc', ''],
    ['VOLT 3 A', ''],
    ['VOLT 5', ''],
    ['OUTP maybe', ''],
    ['VOLT?? 1', ''],
    ['SYST:COMM:RLST NOWHERE', ''],
    ['*ESR?;*STB?;SYST:ERR:COUN?', '48;4;12\n'],
    ['SYST:ERR?', '-113,"Undefined header"\n'],
    ['system:error:next?', '-113,"Undefined header"\n'],
    ['SYST:ERR?', '-222,"Data out of range"\n'],
    ['SYST:ERR?', '-222,"Data out of range"\n'],
    ['SYST:ERR?', '-109,"Missing parameter"\n'],
    ['SYST:ERR?', '-108,"Parameter not allowed"\n'],
    ['SYST:ERR?', '-104,"Data type error"\n'],
    ['SYST:ERR?', '-131,"Invalid suffix"\n'],
    ['SYST:ERR?', '-221,"Settings conflict"\n'],
    ['SYST:ERR?', '-104,"Data type error"\n'],
    ['SYST:ERR?', '-102,"Syntax error"\n'],
    ['SYST:ERR?', '-224,"Illegal parameter value"\n'],
    ['SYST:ERR?', '+0,"No error"\n'],
    // None of them changed anything.
    ['VOLT?;CURR?;OUTP?', '2.000000;0.200000;1\n'],
    // Both or neither.
    ['APPL 1, 99', ''],
    ['SYST:ERR?;:VOLT?', '-222,"Data out of range";2.000000\n'],
    ['VOLT:PROT 1', ''],
    ['SYST:ERR?', '-221,"Settings conflict"\n'],
    ['FOO;*CLS;SYST:ERR?', '+0,"No error"\n'],
    ['*RST;VOLT?;OUTP?', '0.000000;0\n'],
    ['', ''],
    [' ; ;; ', ''],
    ['SYST:ERR?', '+0,"No error"\n'],
  ];
  for (const [command, reply] of dialogue) {
    assert.equal(ask(`${command}\n`), reply, command);
  }
});

test('bytes may come one by one, with carriage returns, and a message may be as long as the buffer', () => {
  const { supply, ask } = instrument();
  let reply = '';
  for (const byte of Buffer.from('*IDN?\r\nVOLT 1.25\r\nVOLT?\r\n')) {
    reply += Buffer.from(supply.receive(Uint8Array.of(byte)).reply).toString();
  }
  assert.equal(reply, 'Brownout Bench,VIRTUAL-SCPI,0,1.0\n1.250000\n');
  assert.equal(
    ask(`VOLT 3${' '.repeat(3000)}\nSYST:ERR?\nVOLT?\n`),
    '-363,"Input buffer overrun"\n1.250000\n',
  );
  assert.equal(ask('X\n'.repeat(50) + 'SYST:ERR:COUN?\n'), '20\n');
  assert.match(ask('SYST:ERR?\n'.repeat(20)), /^(-113,"Undefined header"\n){19}-350,"Queue overflow"\n$/);
});

test('the terminals change only with the output on, after the time that the commands take', () => {
  const changes: [RailSource, number][] = [];
  const { supply, ask } = instrument({ onSource: (source, delay) => changes.push([source, delay]) });
  ask('VOLT 3\n');
  ask('CURR 0.1;OUTP ON;VOLT 4\n');
  ask('OUTP OFF\n');
  assert.deepEqual(changes, [
    [{ volts: 3, amps: 0.1 }, 0.002],
    [{ volts: 4, amps: 0.1 }, 0.003],
    [{ volts: 0, amps: 0 }, 0.001],
  ]);
  assert.deepEqual(supply.source, { volts: 0, amps: 0 });
});

test('property: no bytes crash it, hang it, or bring its terminals beyond its range', () => {
  const word = fc.constantFrom(
    'VOLT',
    'CURR',
    'OUTP',
    ':',
    ';',
    ' ',
    '?',
    'ON',
    '\n',
    '1e3',
    '-5',
    '9',
    'MAX',
    'PROT',
    'MEAS',
    '*RST',
    '*',
    ',',
    'V',
    'APPL',
    'SYST:ERR?',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 60 }),
      (words) => {
        const { supply, ask } = instrument({
          onSource: ({ volts, amps }) => assert.ok(volts >= 0 && volts <= 6 && amps >= 0 && amps <= 3),
        });
        ask(words.join(''));
        ask('\n*CLS\n');
        assert.equal(ask('SYST:ERR?\n'), '+0,"No error"\n');
        assert.ok(supply.source.volts <= 6);
      },
    ),
    { numRuns: 500 },
  );
});

/** A bench of a rail alone: simulated time, nothing else. */
function railBench(options: { replySeconds?: number } = {}) {
  const rail = new Rail({
    capacitanceFarads: 1e-3,
    turnOnVolts: 10,
    brownOutVolts: 1,
    railVolts: 3.3,
    converterEfficiency: 1,
    offAmps: 0,
    sourceSeriesOhms: 10,
    decouplingFarads: 0,
  });
  let seconds = 0;
  const changes: { atSeconds: number; source: RailSource }[] = [];
  const port = new VirtualSupplyPort({
    clock: {
      now: () => seconds,
      advance: (step) => {
        rail.advanceUnpowered(step);
        seconds += step;
      },
    },
    applySource: (source) => {
      rail.setSource(source);
      changes.push({ atSeconds: seconds, source });
    },
    measure: () => ({ volts: rail.sourceTerminalVolts, amps: rail.sourceCurrentAmps }),
  });
  const profile = supplyProfile('virtual-scpi');
  const supply = openSupply(port, { ...profile, replySeconds: options.replySeconds ?? 0.5 });
  return { rail, port, supply, changes, now: () => seconds };
}

test('driver, virtual supply and rail together: set, charge, measure, shut down', async () => {
  const { rail, supply, changes, port, now } = railBench();
  assert.equal((await supply.identify()).model, 'VIRTUAL-SCPI');
  await supply.set(3.3, 0.02);
  assert.equal(changes.length, 0);
  const begin = now();
  await supply.output(true);
  assert.deepEqual(
    changes.map(({ source }) => source),
    [{ volts: 3.3, amps: 0.02 }],
  );
  assert.ok(Math.abs(changes[0].atSeconds - begin - 0.001) < 1e-12, 'one command time after it was sent');
  while (now() < begin + 0.0501) {
    await port.read(0.001);
  }
  const charging = await supply.measure();
  assert.ok(Math.abs(charging.amps - 0.02) < 1e-6, 'in current limit');
  assert.ok(Math.abs(charging.volts - (rail.capacitorVolts + 0.2)) < 0.05, JSON.stringify(charging));
  // Constant current: V = I t / C from the instant of the change.
  assert.ok(Math.abs(rail.capacitorVolts - (0.02 * (now() - changes[0].atSeconds)) / 1e-3) < 1e-9);
  assert.equal(await supply.shutdown(), 'confirmed');
  assert.deepEqual(rail.source, { volts: 0, amps: 0 });
});

test('the profile of the virtual supply is one that it keeps to', async () => {
  const profile = supplyProfile('virtual-scpi');
  const { port, now } = railBench();
  const supply = openSupply(port, profile);
  await supply.set(profile.limits.maximumVolts, profile.limits.maximumAmps);
  await supply.output(true);
  await supply.set(profile.limits.voltsResolution, profile.limits.ampsResolution);
  const begin = now();
  await supply.set(3, 0.1);
  assert.ok(now() - begin <= profile.limits.minimumStepSeconds, `a set takes ${now() - begin} s`);
  // An error made on purpose reaches the caller with the instrument's own words.
  const reckless = openSupply(port, profile, { ...profile.limits, maximumVolts: 100 });
  await assert.rejects(reckless.set(50, 0.1), (error: unknown) => {
    assert.ok(error instanceof RunError);
    assert.match(error.message, /-222,"Data out of range"/);
    return true;
  });
});

test('an instrument slower than the time-out is reported, not waited for', async () => {
  const { supply } = railBench({ replySeconds: 0.0005 });
  await assert.rejects(supply.identify(), /no answer to "\*IDN\?" within 0\.0005 s/);
  assert.equal(VIRTUAL_SUPPLY_MODELS.bench.commandSeconds, 0.001);
});

test('a closed port carries out what was written, then refuses', async () => {
  const { port, rail } = railBench();
  await port.write(Buffer.from('VOLT 2;CURR 1;OUTP ON\n'));
  assert.deepEqual(rail.source, { volts: 0, amps: 0 });
  await port.close();
  await port.close();
  assert.deepEqual(rail.source, { volts: 2, amps: 1 });
  await assert.rejects(port.write(Buffer.from('*IDN?\n')), /virtual-supply: the port has been closed/);
  await assert.rejects(port.read(1), RunError);
});
