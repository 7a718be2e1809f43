import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listSerialPorts, openSerialPort } from '../../src-main/board/serial-port.js';
import { RunError } from '../../src-main/common/errors.js';
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
