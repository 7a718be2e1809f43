import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunError } from '../../../src-main/common/errors.js';
import type { BenchSupply } from '../../../src-main/supply/driver.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import { supplyProfile } from '../../../src-main/supply/profiles/index.js';
import { InstrumentPort } from '../../../src-main/supply/virtual/instrument.js';
import { KoradEmulator } from '../../../src-main/supply/virtual/korad.js';
import { ByteDialogue, type Exchange } from '../byte-dialogue.js';

const PROFILE = supplyProfile('korad-ka3005p');

/** Facts of the sigrok wiki typed in by hand: formats, status bits, stray bytes. */
async function play(exchanges: Exchange[], talk: (supply: BenchSupply) => Promise<void>): Promise<number[]> {
  const dialogue = new ByteDialogue(exchanges);
  await talk(openSupply(new InstrumentPort(dialogue), PROFILE));
  assert.deepEqual(dialogue.complaints, []);
  assert.deepEqual(dialogue.unused, [], 'the whole dialogue was played');
  return dialogue.times;
}

function fails(code: string, pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RunError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

test('a whole session, byte by byte, with 80 ms of silence before every message', async () => {
  const times = await play(
    [
      { hears: '*IDN?', says: 'TENMA 72-2540 V2.1' },
      { hears: 'ISET1:0.050' },
      { hears: 'VSET1:03.30' },
      { hears: 'VSET1?', says: '03.30' },
      { hears: 'ISET1?', says: '0.050K' },
      { hears: 'OUT1' },
      { hears: 'STATUS?', says: '\x51' },
      { hears: 'VOUT1?', says: '03.29' },
      { hears: 'IOUT1?', says: '0.012' },
      { hears: 'OUT0' },
      { hears: 'OUT0' },
      { hears: 'STATUS?', says: '\x11' },
      { hears: 'STATUS?', says: '\x11' },
    ],
    async (supply) => {
      assert.deepEqual(await supply.identify(), {
        manufacturer: 'TENMA',
        model: '72-2540',
        serial: '',
        firmware: '2.1',
      });
      await supply.set(3.3, 0.05);
      await supply.output(true);
      assert.deepEqual(await supply.measure(), { volts: 3.29, amps: 0.012 });
      assert.equal(await supply.shutdown(), 'confirmed');
    },
  );
  for (let index = 1; index < times.length; index++) {
    assert.ok(times[index] - times[index - 1] >= 0.08 - 1e-9, `message ${index + 1} came too fast`);
  }
});

test('identities of the whole family, with the stray bytes seen on them', async () => {
  const family: [string, string, string, string][] = [
    ['KORADKA3005PV2.0', 'KORAD', 'KA3005P', '2.0'],
    ['KORADKA3005PV2.0\x01', 'KORAD', 'KA3005P', '2.0'],
    ['KORADKA3005PV2.0\xbc', 'KORAD', 'KA3005P', '2.0'],
    ['KORAD KA3005P V5.5', 'KORAD', 'KA3005P', '5.5'],
    ['VELLEMANLABPS3005DV2.0', 'VELLEMAN', 'LABPS3005D', '2.0'],
    ['RND 320-KD3005P V4.2 SN:59834414', 'RND', '320-KD3005P', '4.2'],
    ['TENMA72-2550V2.0', 'TENMA', '72-2550', '2.0'],
    ['S-LS-31 V2.0', 'S-LS', '31', '2.0'],
  ];
  for (const [reply, manufacturer, model, firmware] of family) {
    await play([{ hears: '*IDN?', says: reply }], async (supply) => {
      const identity = await supply.identify();
      assert.deepEqual(
        [identity.manufacturer, identity.model, identity.firmware],
        [manufacturer, model, firmware],
      );
    });
  }
});

test('a lost set point is sent again, one that is never taken is an error and leaves the output off', async () => {
  await play(
    [
      { hears: 'ISET1:0.100' },
      { hears: 'VSET1:02.50' },
      { hears: 'VSET1?', says: '05.00' },
      { hears: 'VSET1:02.50' },
      { hears: 'VSET1?', says: '02.50' },
      { hears: 'ISET1?', says: '0.100' },
    ],
    (supply) => supply.set(2.5, 0.1),
  );
  const deaf: Exchange[] = [{ hears: 'VSET1:02.50' }, { hears: 'VSET1?', says: '05.00' }];
  await play([{ hears: 'ISET1:0.100' }, ...deaf, ...deaf, ...deaf], async (supply) => {
    await assert.rejects(
      supply.set(2.5, 0.1),
      fails('supply-not-taken', /did not take "VSET1:02\.50": "VSET1\?" says 5/),
    );
  });
});

test('another instrument at the port is told by its identity before anything is switched on', async () => {
  const other = { hears: '*IDN?', says: 'RIGOL TECHNOLOGIES,DP832,DP8A,1.0\n' };
  await play([other, other, other], async (supply) => {
    await assert.rejects(supply.output(true), fails('supply-reply', /RIGOL.*not manufacturer, model/));
  });
});

test('the emulator is deaf to what comes too fast, and the driver waits for it', async () => {
  const korad = new KoradEmulator();
  const port = new InstrumentPort(korad);
  await port.write(Buffer.from('VSET1:03.30'));
  await port.read(0.03);
  await port.write(Buffer.from('OUT1'));
  await port.read(0.2);
  assert.deepEqual(korad.terminals, { on: false, volts: 3.3, amps: 0 }, 'OUT1 came within 60 ms');

  const supply = openSupply(port, PROFILE);
  await supply.set(2.5, 0.005);
  await supply.output(true);
  // 330 ohms would take 7.6 mA at 2.5 V.
  assert.deepEqual(await supply.measure(), { volts: 1.65, amps: 0.005 });
  assert.deepEqual(await supply.state(), {
    on: true,
    volts: 2.5,
    amps: 0.005,
    regulation: 'CC',
    tripped: null,
  });
  assert.deepEqual(await supply.protect({ overVolts: 5, overAmps: 0.1 }), {
    overVolts: 'switched on',
    overAmps: 'switched on',
  });
  assert.equal(await supply.shutdown(), 'confirmed');
  assert.equal(korad.terminals.on, false);
});
