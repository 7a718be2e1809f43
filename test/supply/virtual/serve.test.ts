import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { InputError } from '../../../src-main/common/errors.js';
import { VIRTUAL_SUPPLY_MODELS } from '../../../src-main/supply/virtual/models.js';
import { serveVirtualSupply } from '../../../src-main/supply/virtual/serve.js';

const run = promisify(execFile);

/** Sends text over a plain socket and waits for `lines` lines. */
function talk(port: number, text: string, lines: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(5000, () => reject(new Error(`only ${JSON.stringify(reply)} came back`)));
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1');
      if (reply.split('\n').length > lines) {
        socket.destroy();
        resolve(reply);
      }
    });
  });
}

test('the virtual supply answers on a TCP socket and closes with clients connected', async () => {
  const server = await serveVirtualSupply();
  try {
    assert.equal(
      await talk(server.port, '*IDN?\nVOLT 2.5;CURR 0.1;OUTP ON\nMEAS:VOLT?\n', 2),
      'Brownout Bench,VIRTUAL-SCPI,0,1.0\n2.500000\n',
    );
    // One instrument: the next client finds what the first one set.
    assert.equal(await talk(server.port, 'VOLT?;OUTP?\n', 1), '2.500000;1\n');
    assert.deepEqual(server.supply.source, { volts: 2.5, amps: 0.1 });
    await assert.rejects(serveVirtualSupply({ port: server.port }), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${server.port}: .*Choose another TCP port`));
      return true;
    });
    const idle = connect(server.port, '127.0.0.1');
    idle.on('error', () => undefined);
    await new Promise((resolve) => idle.once('connect', resolve));
  } finally {
    await server.close();
  }
});

async function sigrokIsInstalled(): Promise<boolean> {
  try {
    await run('sigrok-cli', ['--version'], { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

const skip = (await sigrokIsInstalled())
  ? false
  : 'sigrok-cli is not installed (Debian: apt-get install sigrok-cli)';

test('sigrok-cli, a foreign host, identifies, sets, switches and measures it', { skip }, async () => {
  const server = await serveVirtualSupply({ model: VIRTUAL_SUPPLY_MODELS.n5767a });
  const sigrok = async (...options: string[]): Promise<string> => {
    const driver = `scpi-pps:conn=tcp-raw/127.0.0.1/${server.port}`;
    const { stdout, stderr } = await run('sigrok-cli', ['-d', driver, ...options], { timeout: 20_000 });
    return stdout + stderr;
  };
  try {
    assert.match(await sigrok('--scan'), /Agilent N5767A.*with 2 channels: V1 I1/);
    await sigrok('-g', '1', '--config', 'voltage_target=2.52', '--set');
    await sigrok('-g', '1', '--config', 'ocp_threshold=0.3', '--set');
    await sigrok('-g', '1', '--config', 'enabled=on', '--set');
    assert.ok(Math.abs(server.supply.source.volts - 2.52) < 0.004, JSON.stringify(server.supply.source));
    assert.ok(Math.abs(server.supply.source.amps - 0.3) < 1e-9, JSON.stringify(server.supply.source));
    assert.match(await sigrok('-g', '1', '--get', 'voltage_target'), /^2\.52/m);
    const measured = /V1: (\d+\.\d+) V/.exec(await sigrok('--samples', '1'));
    assert.ok(measured !== null && Math.abs(Number(measured[1]) - 2.52) < 0.004, JSON.stringify(measured));
    await sigrok('-g', '1', '--config', 'enabled=off', '--set');
    assert.deepEqual(server.supply.source, { volts: 0, amps: 0 });
  } finally {
    await server.close();
  }
});
