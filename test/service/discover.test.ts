import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { likelyInstrument, listPorts, probePort, rememberedDriver } from '../../src-main/service/discover.js';
import { instrumentKey } from '../../src-main/service/known-instruments.js';
import { SUPPLY_EMULATORS } from '../../src-main/supply/virtual/emulators.js';
import { serveInstrumentOnTcp } from '../../src-main/supply/virtual/serve-instrument.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The bench's memory in a folder of its own. */
async function ownData(context: TestContext): Promise<void> {
  const before = process.env['XDG_DATA_HOME'];
  process.env['XDG_DATA_HOME'] = await temporaryFolder(context);
  context.after(() => {
    if (before === undefined) {
      delete process.env['XDG_DATA_HOME'];
    } else {
      process.env['XDG_DATA_HOME'] = before;
    }
  });
}

test('an instrument is asked, found and remembered', async (context) => {
  await ownData(context);
  const emulator = SUPPLY_EMULATORS.find(({ id }) => id === 'rs-hmp');
  assert.ok(emulator);
  const server = await serveInstrumentOnTcp(emulator.create({ ohms: 330 }), 0);
  context.after(() => server.close());
  assert.equal(await rememberedDriver(server.address), null);
  const found = await probePort(server.address);
  assert.deepEqual([found.driver, found.identity?.model, found.reason], ['rs-hmp', 'HMP4040', null]);
  assert.equal(await rememberedDriver(server.address), 'rs-hmp');
});

test('where nothing answers, and where nothing is, the reason is told', async (context) => {
  await ownData(context);
  const nobody = await probePort('tcp:127.0.0.1:1');
  assert.equal(nobody.identity, null);
  assert.match(nobody.reason ?? '', /no connection/);
  const missing = await probePort('/dev/no-such-port');
  assert.match(missing.reason ?? '', /cannot be opened/);
});

test('USB identities: what is certain, what is only an adapter, what is unknown', () => {
  const port = (vendorId: string | null, productId: string | null, serialNumber: string | null = null) => ({
    path: '/dev/ttyUSB0',
    manufacturer: null,
    serialNumber,
    vendorId,
    productId,
  });
  assert.equal(likelyInstrument(port('1915', 'C00A'))?.driver, 'ppk2');
  assert.equal(likelyInstrument(port('0416', '5011'))?.driver, 'korad');
  assert.equal(likelyInstrument(port('1a86', '7523'))?.driver, null);
  assert.equal(likelyInstrument(port(null, null)), null);
  // Plugged in elsewhere it is the same instrument; without a serial number only the port can be remembered.
  assert.equal(instrumentKey('/dev/ttyUSB0', port('1915', 'C00A', 'F00D')), 'usb:1915:c00a:f00d');
  assert.equal(instrumentKey('/dev/ttyUSB0', port('1a86', '7523')), '/dev/ttyUSB0');
});

test('the list of ports sends nothing and can be had on every machine', async (context) => {
  await ownData(context);
  assert.ok(Array.isArray(await listPorts()));
});
