import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KoradEmulator } from '../../../src-main/supply/virtual/korad.js';
import { DPS5005, ModbusEmulator } from '../../../src-main/supply/virtual/modbus-emulator.js';
import { SCPI_DIALECTS } from '../../../src-main/supply/virtual/scpi-dialects.js';
import { ScpiEmulator } from '../../../src-main/supply/virtual/scpi-emulator.js';
import {
  serveInstrumentOnPty,
  serveInstrumentOnTcp,
} from '../../../src-main/supply/virtual/serve-instrument.js';
import { sigrokOnPty, sigrokOnTcp, sigrokSerialSkip, sigrokSkip } from '../../support/sigrok.js';
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

test('sigrok-cli drives the Rigol DP832 emulator over TCP', { skip: await sigrokSkip() }, async (context) => {
  const dialect = SCPI_DIALECTS.find(({ id }) => id === 'rigol-dp800');
  assert.ok(dialect);
  const rigol = new ScpiEmulator(dialect);
  const server = await serveInstrumentOnTcp(rigol, 0);
  context.after(() => server.close());
  const sigrok = (...options: string[]) => sigrokOnTcp(server.address, ...options);
  assert.match(await sigrok('--scan'), /Rigol DP832 .*with 9 channels: V1 I1 P1 V2/);
  const settings = 'voltage_target=2.5:current_limit=0.2:enabled=on';
  await sigrok('-g', '1', '--config', settings, '--set');
  assert.deepEqual(rigol.terminals, { on: true, volts: 2.5, amps: 0.2 });
  assert.match(
    await sigrok('-g', '1', '--samples', '1'),
    /V1: 2\.5000 V DC[^]*I1: 7\.6 mA DC[^]*P1: 18\.9 mW/,
  );
  await sigrok('-g', '1', '--config', 'enabled=off', '--set');
  assert.equal(rigol.terminals.on, false);
});

test('sigrok-cli drives the DPS5005 emulator', { skip }, async (context) => {
  const dps = new ModbusEmulator(DPS5005);
  const link = join(await temporaryFolder(context), 'dps');
  const server = await serveInstrumentOnPty(dps, link);
  context.after(() => server.close());
  const run = await sigrokOnPty(context);
  const sigrok = (...options: string[]) => run('rdtech-dps', link, ...options);
  assert.match(await sigrok('--scan'), /RDTech DPS5005 v\d+/);
  await sigrok('--config', 'voltage_target=2.5:current_limit=0.2:enabled=on', '--set');
  assert.deepEqual(dps.terminals, { on: true, volts: 2.5, amps: 0.2 });
  assert.match(await sigrok('--samples', '1'), /V: 2\.50 V DC[^]*I: 8 mA DC/);
  await sigrok('--config', 'enabled=off', '--set');
  assert.equal(dps.terminals.on, false);
});
