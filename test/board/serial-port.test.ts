import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listSerialPorts, openSerialPort } from '../../src-main/board/serial-port.js';
import { RunError } from '../../src-main/common/errors.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { nullModem } from '../support/serial-cable.js';

test('bytes pass both ways, and a read without any ends when its time is up', async (context) => {
  const modem = await nullModem(context);
  if (!modem) {
    return;
  }
  const [left, right] = await Promise.all(modem.paths.map((end) => openSerialPort(end, 1_000_000)));
  context.after(() => Promise.all([left.close(), right.close()]));
  const sent = Uint8Array.from({ length: 3000 }, (_, index) => index & 0xff);
  await left.write(sent);
  const received: number[] = [];
  while (received.length < sent.length) {
    const bytes = await right.read(2);
    assert.ok(bytes.length > 0, 'bytes are missing');
    received.push(...bytes);
  }
  assert.deepEqual(Uint8Array.from(received), sent);

  const before = left.now();
  assert.equal((await left.read(0.05)).length, 0);
  assert.ok(left.now() - before >= 0.045);
  await right.write(Uint8Array.of(7));
  assert.deepEqual([...(await left.read(2))], [7]);
});

test('a port that goes away ends the read that waits, and every one after it', async (context) => {
  const modem = await nullModem(context);
  if (!modem) {
    return;
  }
  const port = await openSerialPort(modem.paths[0], 115200);
  context.after(() => port.close());
  const gone = (error: unknown) => error instanceof RunError && error.code === 'port-gone';
  const waiting = assert.rejects(port.read(10), gone);
  await sleep(200);
  modem.pull();
  await waiting;
  await assert.rejects(port.read(0.01), gone);
  await assert.rejects(port.write(Uint8Array.of(1)), gone);
});

test('a port that does not exist is an error with the way to find the right one', async () => {
  await assert.rejects(
    openSerialPort('/dev/no-such-port', 1_000_000),
    (error: unknown) =>
      error instanceof RunError && error.place === '/dev/no-such-port' && /doctor/.test(error.remedy),
  );
});

test('the list of ports can be had on every machine', async () => {
  for (const port of await listSerialPorts()) {
    assert.ok(port.path.length > 0);
  }
});

test(
  'a port that another program has open is an error that names it',
  { skip: process.platform !== 'linux' },
  async (context) => {
    const modem = await nullModem(context);
    if (!modem) {
      return;
    }
    const module = resourcePath('dist', 'src-main', 'board', 'serial-port.js');
    const script = `const { openSerialPort } = await import(${JSON.stringify(module)});
    await openSerialPort(${JSON.stringify(modem.paths[0])}, 9600);
    console.log('open');`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.after(() => other.kill());
    await once(other.stdout, 'data');
    await assert.rejects(openSerialPort(modem.paths[0], 9600), (error: unknown) => {
      assert.ok(error instanceof RunError && error.code === 'port-open', String(error));
      assert.match(error.remedy, new RegExp(`It is open in .*\\(process ${other.pid}\\).*: close that`));
      return true;
    });
  },
);
