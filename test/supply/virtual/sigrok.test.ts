import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KoradEmulator } from '../../../src-main/supply/virtual/korad.js';
import { serveInstrumentOnPty } from '../../../src-main/supply/virtual/serve-instrument.js';
import { sigrokOnPty, sigrokSerialSkip } from '../../support/sigrok.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const skip = await sigrokSerialSkip();

test('sigrok-cli, a foreign host, drives the Korad emulator', { skip }, async (context) => {
  const korad = new KoradEmulator();
  const link = join(await temporaryFolder(context), 'korad');
  const server = await serveInstrumentOnPty(korad, link);
  context.after(() => server.close());
  const run = await sigrokOnPty(context);
  // It leaves as soon as the last byte is written; the instrument needs its time, and is deaf for a while.
  const sigrok = (...options: string[]) => run('korad-kaxxxxp', link, ...options).finally(() => sleep(200));
  const settings = 'voltage_target=2.5:current_limit=0.2:enabled=on';
  await sigrok('--config', settings, '--set');
  assert.deepEqual(korad.terminals, { on: true, volts: 2.5, amps: 0.2 });
  // 2.5 V into 330 ohms.
  assert.match(await sigrok('--samples', '1'), /I: 8 mA DC[^]*V: 2\.50 V DC/);
  await sigrok('--config', 'enabled=off', '--set');
  assert.equal(korad.terminals.on, false);
});
