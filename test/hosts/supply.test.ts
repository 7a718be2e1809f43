/** `brownout supply` as a process: what it prints, and that the output is off after every way in which it can end. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resourcePath } from '../../src-main/common/resources.js';
import { SUPPLY_EMULATORS } from '../../src-main/supply/virtual/emulators.js';
import type { Instrument } from '../../src-main/supply/virtual/instrument.js';
import {
  serveInstrumentOnPty,
  serveInstrumentOnTcp,
} from '../../src-main/supply/virtual/serve-instrument.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const POINT = ['--volts', '3.3V', '--amps', '50mA'];

interface Bench {
  instrument: Instrument;
  address: string;
  folder: string;
  driver: string;
  close(): Promise<void>;
}

async function bench(context: TestContext, driver: string, pty = false): Promise<Bench> {
  const emulator = SUPPLY_EMULATORS.find(({ id }) => id === driver);
  assert.ok(emulator);
  const instrument = emulator.create({ ohms: 330 });
  const folder = await temporaryFolder(context);
  const server = pty
    ? await serveInstrumentOnPty(instrument, join(folder, 'pty'))
    : await serveInstrumentOnTcp(instrument, 0);
  context.after(() => server.close());
  return { instrument, address: server.address, folder, driver, close: () => server.close() };
}

function start(
  { address, folder, driver }: Bench,
  action: string,
  ...options: string[]
): ChildProcessWithoutNullStreams {
  return spawn(
    process.execPath,
    [
      resourcePath('dist', 'src-main', 'hosts', 'cli.js'),
      ...['supply', action, '--port', address, '--driver', driver, ...options],
    ],
    { env: { ...process.env, XDG_DATA_HOME: folder } },
  );
}

async function finish(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; signal: string | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes) => (out += String(bytes)));
  child.stderr.on('data', (bytes) => (err += String(bytes)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, out, err };
}

async function until(what: string, holds: () => boolean, seconds = 15): Promise<void> {
  for (let waited = 0; !holds(); waited += 0.02) {
    assert.ok(waited < seconds, `${what} within ${seconds} s`);
    await sleep(20);
  }
}

test('identify, set, state, measure, protect, errors, list and off, in JSON', async (context) => {
  const place = await bench(context, 'keysight-n6700');
  const json = async (action: string, ...options: string[]) => {
    const { code, out, err } = await finish(start(place, action, ...options, '--json'));
    assert.equal(code, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  };
  assert.equal((await json('identify'))['model'], 'N6705C');
  assert.deepEqual(await json('set', ...POINT), { volts: 3.3, amps: 0.05 });
  assert.deepEqual(await json('state'), { on: false, volts: 3.3, amps: 0.05, regulation: null, tripped: '' });
  assert.deepEqual(await json('measure'), { volts: 0, amps: 0 });
  assert.deepEqual(await json('protect', '--over-volts', '4V'), {
    overVolts: 'level set',
    overAmps: 'not available',
  });
  assert.deepEqual(await json('errors'), { errors: [] });
  const seen = new Set<number>();
  const watch = setInterval(
    () => place.instrument.terminals.on && seen.add(place.instrument.terminals.volts),
    5,
  );
  const played = await json('list', '3V,50mA,100ms', '1V,50mA,100ms', '--repeat', '2');
  clearInterval(watch);
  assert.equal(played['off'], 'confirmed');
  assert.ok(seen.has(3) && seen.has(1), [...seen].join());
  assert.equal(place.instrument.terminals.on, false);
  assert.deepEqual(await json('off'), { off: 'confirmed' });
});

test('no command passes the limits of the board, and a wrong instrument is told', async (context) => {
  const place = await bench(context, 'rigol-dp800');
  for (const [action, options, code] of [
    ['set', ['--volts', '6V'], 2],
    ['on', ['--volts', '3V', '--amps', '1A'], 2],
    ['protect', ['--over-volts', '9V'], 2],
    ['list', ['9V,50mA,1s'], 2],
  ] as const) {
    const ended = await finish(start(place, action, ...options));
    assert.equal(ended.code, code, ended.err);
    assert.match(ended.err, /is outside 0 to/);
    assert.deepEqual(place.instrument.terminals.on, false);
  }
  const wrong = await finish(start({ ...place, driver: 'keithley-2450' }, 'on', ...POINT));
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /"RIGOL TECHNOLOGIES DP832", not a Keithley 2450\. Nothing was switched on/);
  const nobody = await finish(start({ ...place, address: 'tcp:127.0.0.1:1' }, 'identify'));
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /no connection/);
  const unknown = await finish(start({ ...place, driver: 'rigol-dp800x' }, 'identify'));
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /Did you mean 'rigol-/);
});

/** Each way of dying: what is done to the process, how it ends, what it says. */
const ENDS: [
  name: string,
  kill: (child: ChildProcessWithoutNullStreams) => Promise<void> | void,
  said: RegExp | null,
][] = [
  ['Ctrl+C', (child) => void child.kill('SIGINT'), /Output off, confirmed/],
  [
    'Ctrl+C twice',
    async (child) => {
      child.kill('SIGINT');
      await sleep(5);
      child.kill('SIGINT');
    },
    /Output off, confirmed/,
  ],
  ['SIGTERM', (child) => void child.kill('SIGTERM'), /Output off, confirmed/],
  ['SIGHUP, the terminal is closed', (child) => void child.kill('SIGHUP'), /Output off, confirmed/],
  ['kill -9', (child) => void child.kill('SIGKILL'), null],
  ['SIGABRT, a crash', (child) => void child.kill('SIGABRT'), null],
];

for (const [name, kill, said] of ENDS) {
  test(`the output goes off: ${name}`, async (context) => {
    const place = await bench(context, 'rigol-dp800');
    const child = start(place, 'on', ...POINT);
    const ended = finish(child);
    await until('the output is on', () => place.instrument.terminals.on);
    // Past the point where it only waits.
    await sleep(150);
    await kill(child);
    const { err } = await ended;
    await until('the output is off', () => !place.instrument.terminals.on);
    if (said === null) {
      const log = join(place.folder, 'brownout-bench', 'supply-watchdog.log');
      await until(
        'the watchdog has told',
        () => existsSync(log) && /output is off/.test(readFileSync(log, 'utf8')),
      );
    } else {
      assert.match(err, said);
    }
  });
}

test('the output goes off: --seconds have passed, and an error of the instrument', async (context) => {
  const place = await bench(context, 'rigol-dp800');
  const timed = await finish(start(place, 'on', ...POINT, '--seconds', '0.3'));
  assert.equal(timed.code, 0, timed.err);
  assert.match(timed.out, /3\.3000 V {2}10\.000 mA/);
  assert.equal(place.instrument.terminals.on, false);
  const tripped = await finish(start(place, 'on', ...POINT, '--over-volts', '2V'));
  assert.equal(tripped.code, 1);
  assert.match(tripped.err, /did not take ":OUTP CH1,ON": its output is off/);
  assert.equal(place.instrument.terminals.on, false);
});

test('--leave-on leaves it on, the next command finds it and switches it off first', async (context) => {
  const place = await bench(context, 'rigol-dp800');
  const left = await finish(start(place, 'on', ...POINT, '--leave-on'));
  assert.equal(left.code, 0, left.err);
  await sleep(300);
  assert.equal(place.instrument.terminals.on, true);
  const again = await finish(start(place, 'on', ...POINT, '--seconds', '0.2'));
  assert.match(again.err, /found on and has been switched off first/);
  assert.equal(place.instrument.terminals.on, false);
});

test('kill -9 over a pseudo-terminal: the watchdog opens the port anew', async (context) => {
  let place: Bench;
  try {
    place = await bench(context, 'korad', true);
  } catch {
    context.skip('socat is not installed');
    return;
  }
  const child = start(place, 'on', ...POINT);
  const ended = finish(child);
  await until('the output is on', () => place.instrument.terminals.on);
  child.kill('SIGKILL');
  assert.equal((await ended).signal, 'SIGKILL');
  const log = join(place.folder, 'brownout-bench', 'supply-watchdog.log');
  // It ends once it has been told so; without its line it would go on asking for two minutes.
  await until(
    'the watchdog is sure',
    () => existsSync(log) && /output is off/.test(readFileSync(log, 'utf8')),
  );
  assert.equal(place.instrument.terminals.on, false);
});

test('the line breaks while the output is on, and comes back: it goes off', async (context) => {
  const place = await bench(context, 'rigol-dp800');
  const port = Number(place.address.split(':')[2]);
  const child = start(place, 'on', ...POINT);
  const ended = finish(child);
  await until('the output is on', () => place.instrument.terminals.on);
  await place.close();
  await sleep(1500);
  const server = await serveInstrumentOnTcp(place.instrument, port);
  context.after(() => server.close());
  const { code, err } = await ended;
  assert.equal(code, 1, err);
  assert.match(err, /connection is gone/);
  await until('the output is off', () => !place.instrument.terminals.on);
});

test('find asks once, and the driver need not be named again; record streams a PPK2', async (context) => {
  const place = await bench(context, 'ppk2');
  const env = { ...process.env, XDG_DATA_HOME: place.folder };
  const cli = resourcePath('dist', 'src-main', 'hosts', 'cli.js');
  const run = (...options: string[]) => finish(spawn(process.execPath, [cli, 'supply', ...options], { env }));
  const unknown = await run('identify', '--port', place.address);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /brownout supply find --port tcp:/);
  const found = await run('find', '--port', place.address);
  assert.equal(found.code, 0, found.err);
  assert.match(found.out, /Nordic Semiconductor PPK2 hardware 9173, driver ppk2/);
  const csv = join(place.folder, 'r.csv');
  const recorded = await run(
    'record',
    ...[
      '--port',
      place.address,
      '--volts',
      '3.3V',
      '--amps',
      '50mA',
      '--seconds',
      '50ms',
      '--out',
      csv,
      '--json',
    ],
  );
  assert.equal(recorded.code, 0, recorded.err);
  const result = JSON.parse(recorded.out) as Record<string, number | string>;
  assert.deepEqual([result['samples'], result['samplesPerSecond'], result['off']], [5000, 100_000, 'sent']);
  // 3.3 V into 330 ohms.
  assert.ok(Math.abs(Number(result['meanAmps']) - 0.01) < 1e-4, recorded.out);
  assert.equal(readFileSync(csv, 'utf8').split('\n').length, 5002);
  assert.equal(place.instrument.terminals.on, false);
});

test('Ctrl+C in the middle of a long recording switches off at once', async (context) => {
  const place = await bench(context, 'ppk2');
  const child = start(place, 'record', '--volts', '3.3V', '--seconds', '60s');
  const ended = finish(child);
  await until('the output is on', () => place.instrument.terminals.on);
  await sleep(200);
  const begin = performance.now();
  child.kill('SIGINT');
  const { code, err } = await ended;
  assert.equal(code, 1);
  assert.match(err, /has been shut down/);
  assert.ok(performance.now() - begin < 15_000, 'not after the 60 s');
  assert.equal(place.instrument.terminals.on, false);
});

test('virtual-supply serves any of the instruments to other programs', async (context) => {
  const folder = await temporaryFolder(context);
  const cli = resourcePath('dist', 'src-main', 'hosts', 'cli.js');
  const child = spawn(process.execPath, [
    cli,
    'virtual-supply',
    '--driver',
    'riden-rd60xx',
    '--load',
    '1kohm',
  ]);
  context.after(() => child.kill());
  let out = '';
  child.stdout.on('data', (bytes) => (out += String(bytes)));
  await until('it listens', () => /at tcp:/.test(out));
  const address = /at (tcp:[\d.:]+)\./.exec(out)?.[1] ?? '';
  const place: Bench = {
    instrument: { terminals: { on: false, volts: 0, amps: 0 } } as Instrument,
    address,
    folder,
    driver: 'riden-rd6006',
    close: () => Promise.resolve(),
  };
  const on = await finish(start(place, 'on', ...POINT, '--seconds', '0.2', '--json'));
  assert.equal(on.code, 0, on.err);
  assert.deepEqual(JSON.parse(on.out.split('\n')[0]), { volts: 3.3, amps: 0.003 });
  await until('it shows what was done to it', () => /output on {3}3\.300 V[^]*output off/.test(out));
  const mistaken = await finish(spawn(process.execPath, [cli, 'virtual-supply', '--driver', 'korat']));
  assert.equal(mistaken.code, 2);
  assert.match(mistaken.err, /Did you mean 'korad'/);
});
