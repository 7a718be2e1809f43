import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError, RunError } from '../../../src-main/common/errors.js';
import type { BenchSupply } from '../../../src-main/supply/driver.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import { crc16 } from '../../../src-main/supply/modbus-frame.js';
import { supplyProfile } from '../../../src-main/supply/profiles/index.js';
import { InstrumentPort } from '../../../src-main/supply/virtual/instrument.js';
import { DPS5005, ModbusEmulator, RD6006 } from '../../../src-main/supply/virtual/modbus-emulator.js';
import { ByteDialogue, hex, type Exchange } from '../byte-dialogue.js';

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

/** A frame typed without its CRC; the CRC itself is checked against published frames below. */
function framed(body: string): string {
  const bytes = Buffer.from(body.replaceAll(' ', ''), 'hex');
  const crc = crc16(bytes);
  return Buffer.from([...bytes, crc & 0xff, crc >> 8]).toString('latin1');
}

test('the CRC is that of published frames', () => {
  assert.equal(crc16(Buffer.from('123456789')), 0x4b37, 'catalogue check value of CRC-16/MODBUS');
  for (const whole of ['01 06 00 08 01 4a 88 6f', '01 06 00 12 00 01 e8 0f', '01 03 00 00 00 04 44 09']) {
    assert.equal(framed(whole.slice(0, -6)), hex(whole));
  }
});

test('Riden RD6006: the frames of its users, byte by byte', async () => {
  await play(
    'riden-rd6006',
    [
      // RD6006, serial 12345, firmware 1.41.
      { hears: hex('01 03 00 00 00 04 44 09'), says: framed('01 03 08 ea 9e 00 00 30 39 00 8d') },
      { hears: framed('01 06 00 09 00 32'), says: framed('01 06 00 09 00 32') },
      { hears: hex('01 06 00 08 01 4a 88 6f'), says: hex('01 06 00 08 01 4a 88 6f') },
      { hears: framed('01 03 00 09 00 01'), says: framed('01 03 02 00 32') },
      { hears: framed('01 03 00 08 00 01'), says: framed('01 03 02 01 4a') },
      { hears: hex('01 06 00 12 00 01 e8 0f'), says: hex('01 06 00 12 00 01 e8 0f') },
      { hears: framed('01 03 00 12 00 01'), says: framed('01 03 02 00 01') },
      { hears: framed('01 03 00 0a 00 02'), says: framed('01 03 04 01 49 00 0c') },
      { hears: framed('01 06 00 12 00 00'), says: framed('01 06 00 12 00 00') },
      { hears: framed('01 03 00 12 00 01'), says: framed('01 03 02 00 00') },
    ],
    async (supply) => {
      assert.deepEqual(await supply.identify(), {
        manufacturer: 'Riden',
        model: 'RD6006',
        serial: '00012345',
        firmware: '1.41',
      });
      await supply.set(3.3, 0.05);
      await supply.output(true);
      assert.deepEqual(await supply.measure(), { volts: 3.29, amps: 0.012 });
      assert.equal(await supply.shutdown(), 'confirmed');
    },
  );
});

test('RD6006P counts millivolts and tenths of milliamperes; an unknown model is refused', async () => {
  await play(
    'riden-rd6006p',
    [
      { hears: framed('01 03 00 00 00 04'), says: framed('01 03 08 ea a1 00 00 00 01 00 64') },
      { hears: framed('01 06 00 09 01 f4'), says: framed('01 06 00 09 01 f4') },
      { hears: framed('01 06 00 08 0c e4'), says: framed('01 06 00 08 0c e4') },
      { hears: framed('01 03 00 09 00 01'), says: framed('01 03 02 01 f4') },
      { hears: framed('01 03 00 08 00 01'), says: framed('01 03 02 0c e4') },
    ],
    (supply) => supply.set(3.3, 0.05),
  );
  await play(
    'riden-rd6006',
    [{ hears: framed('01 03 00 00 00 04'), says: framed('01 03 08 12 34 00 00 00 01 00 64') }],
    async (supply) => {
      await assert.rejects(
        supply.output(true),
        fails('supply-identity', /model number is 4660, which is not a Riden/),
      );
    },
  );
});

test('exceptions, wrong CRC, wrong slave, a foreign echo and silence are told apart', async () => {
  const ask = framed('01 03 00 0b 00 02');
  await play('rdtech-dps5005', [{ hears: ask, says: framed('01 83 02') }], async (supply) => {
    await assert.rejects(
      supply.identify(),
      fails('supply-error', /reading register 11: it has no such register \(2\)/),
    );
  });
  const good = framed('01 03 04 13 8d 00 11');
  const bad = [
    { hears: ask, says: hex('01 03 04 13 8d 00 11 00 00') },
    { hears: ask, says: framed('02 03 04 13 8d 00 11') },
  ];
  await play('rdtech-dps5005', [...bad, { hears: ask, says: good }], async (supply) => {
    assert.equal((await supply.identify()).model, 'DPS5005');
  });
  await play('rdtech-dps5005', [{ hears: ask }, { hears: ask }, { hears: ask }], async (supply) => {
    await assert.rejects(
      supply.identify(),
      fails('supply-timeout', /no answer to reading register 11 within 0\.3 s/),
    );
  });
});

for (const [map, id] of [
  [DPS5005, 'rdtech-dps5005'],
  [RD6006, 'riden-rd6006'],
] as const) {
  test(`${id} and its emulator`, async () => {
    const emulator = new ModbusEmulator(map);
    const supply = openSupply(new InstrumentPort(emulator), supplyProfile(id));
    await supply.set(3.3, 0.05);
    assert.deepEqual(await supply.protect({ overVolts: 4, overAmps: 0.2 }), {
      overVolts: 'level set',
      overAmps: 'level set',
    });
    await supply.output(true);
    assert.deepEqual(emulator.terminals, { on: true, volts: 3.3, amps: 0.05 });
    assert.deepEqual(await supply.measure(), { volts: 3.3, amps: 0.01 });
    await supply.set(3.3, 0.005);
    assert.deepEqual(await supply.state(), {
      on: true,
      volts: 3.3,
      amps: 0.005,
      regulation: 'CC',
      tripped: '',
    });
    await supply.set(3.3, 0.05);
    await supply.protect({ overVolts: 3, overAmps: null });
    assert.deepEqual(await supply.state(), {
      on: false,
      volts: 3.3,
      amps: 0.05,
      regulation: null,
      tripped: 'OVP',
    });
    assert.equal(await supply.shutdown(), 'confirmed');
    await assert.rejects(supply.measure(), fails('supply-shut-down', /has been shut down/));
  });
}

test('registers that could harm are in no table', async () => {
  const written = new Set<number>();
  const emulator = new ModbusEmulator(RD6006);
  const port = new InstrumentPort(emulator);
  const write = port.write.bind(port);
  port.write = (bytes) => {
    if (bytes[1] !== 0x03) written.add((bytes[2] << 8) | bytes[3]);
    return write(bytes);
  };
  const supply = openSupply(port, supplyProfile('riden-rd6006'));
  await supply.identify();
  await supply.set(60, 6);
  await supply.protect({ overVolts: 60, overAmps: 6 });
  await supply.output(true);
  await supply.shutdown();
  assert.deepEqual(
    [...written].sort((a, b) => a - b),
    [8, 9, 18, 82, 83],
  );
});
