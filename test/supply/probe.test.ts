import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probe, PROBES } from '../../src-main/supply/probe.js';
import { SUPPLY_EMULATORS } from '../../src-main/supply/virtual/emulators.js';
import { InstrumentPort } from '../../src-main/supply/virtual/instrument.js';

test('every emulated instrument is found, by one probe only', async () => {
  for (const emulator of SUPPLY_EMULATORS) {
    const finders: (string | null)[] = [];
    for (const each of PROBES) {
      const found = await probe(new InstrumentPort(emulator.create({ ohms: 330 })), each);
      if (found !== null) finders.push(found.driver);
    }
    assert.deepEqual(finders, [emulator.id]);
  }
});

test('no question switches an output on or off or changes a set point, on any instrument, in any order', async () => {
  for (const emulator of SUPPLY_EMULATORS) {
    for (const first of PROBES) {
      for (const second of PROBES) {
        const instrument = emulator.create({ ohms: 330 });
        const port = new InstrumentPort(instrument);
        const before = JSON.stringify(instrument.terminals);
        await probe(port, first);
        await probe(port, second);
        assert.equal(
          JSON.stringify(instrument.terminals),
          before,
          `${emulator.id}: ${first.name}, ${second.name}`,
        );
      }
    }
  }
});

test('no question holds the byte that switches a PPK2 on, and no Modbus question writes', () => {
  for (const { name, send } of PROBES) {
    const bytes = send.flatMap((message) => [...message]);
    assert.ok(!bytes.includes(0x0c), name);
    assert.ok(!/OUT|VSET|ISET|RCL/i.test(Buffer.from(bytes).toString('latin1')), name);
    if (bytes[0] === 0x01) assert.equal(bytes[1], 0x03, name);
  }
});
