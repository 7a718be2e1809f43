import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputError } from '../../../src-main/common/errors.js';
import { openSupplyPort } from '../../../src-main/campaign/bench/supply-port.js';
import { openSupply } from '../../../src-main/supply/drivers/index.js';
import { SUPPLY_PROFILES } from '../../../src-main/supply/profiles/index.js';
import { SUPPLY_EMULATORS } from '../../../src-main/supply/virtual/emulators.js';
import {
  serveInstrumentOnPty,
  serveInstrumentOnTcp,
} from '../../../src-main/supply/virtual/serve-instrument.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const skip = spawnSync('socat', ['-V']).status === 0 ? false : 'socat is not installed';

for (const emulator of SUPPLY_EMULATORS) {
  const profile = SUPPLY_PROFILES.find(({ driver }) => driver === emulator.id);
  assert.ok(profile);
  const serial = profile.link.baudRate !== null;
  const line = serial ? 'a pseudo-terminal and the real serialport' : 'TCP';
  test(`${profile.id} on wall time over ${line}`, { skip: serial ? skip : false }, async (context) => {
    const instrument = emulator.create({ ohms: 330 });
    const server = serial
      ? await serveInstrumentOnPty(instrument, join(await temporaryFolder(context), 'pty'))
      : await serveInstrumentOnTcp(instrument, 0);
    context.after(() => server.close());
    const port = await openSupplyPort(server.address, profile);
    context.after(() => port.close());
    const supply = openSupply(port, profile);
    await supply.identify();
    await supply.set(3.3, 0.05);
    await supply.output(true);
    const { volts, amps } = await supply.measure();
    assert.ok(Math.abs(volts - 3.3) < 0.01 && Math.abs(amps - 0.01) < 1e-3, `${volts} V ${amps} A`);
    assert.equal(instrument.terminals.on, true);
    assert.equal(await supply.shutdown(), profile.confirmsOff ? 'confirmed' : 'sent');
    assert.equal(instrument.terminals.on, false);
  });
}

test('a pseudo-terminal that cannot be made says why', { skip }, async () => {
  const [emulator] = SUPPLY_EMULATORS;
  await assert.rejects(
    serveInstrumentOnPty(emulator.create({ ohms: 330 }), '/no-such-folder/pty'),
    (error: unknown) =>
      error instanceof InputError && error.code === 'supply-pty' && /--tcp|TCP/i.test(error.remedy),
  );
});
