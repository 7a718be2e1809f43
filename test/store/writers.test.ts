import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { SqliteDatabase } from '../../src-main/store/sqlite-driver.js';
import {
  beat,
  HEARTBEAT_LIMIT_MILLISECONDS,
  markInterrupted,
  registerWriter,
} from '../../src-main/store/writers.js';
import { databaseAtVersion } from '../migrations/schema.js';

const NOW = new Date('2026-02-03T04:05:06Z');
const later = (milliseconds: number) => new Date(NOW.getTime() + milliseconds);

/** A run of the given writer that is under way. */
async function runningRun(database: SqliteDatabase, writer: number): Promise<number> {
  const { lastId } = await database.run(
    `INSERT INTO runs (cell, repeat, status, created_at, writer_id, model, strategy, kernels, board, power,
       capacitance_farads, turn_on_volts, brown_out_volts, seed, samples)
     VALUES ('c', 1, 'running', 't', ?, 'm', 'tile', 'reference', 'b', 'p', 1e-4, 3, 1.8, 1, 1)`,
    [writer],
  );
  return lastId;
}

async function foreignWriter(context: TestContext, host: string, pid: number, identity: string | null) {
  const database = await databaseAtVersion(context, 3);
  const { lastId: writer } = await database.run(
    'INSERT INTO writers (host, pid, process_identity, opened_at, heartbeat_at) VALUES (?, ?, ?, ?, ?)',
    [host, pid, identity, NOW.toISOString(), NOW.toISOString()],
  );
  const own = await registerWriter(database, NOW);
  return { database, own, run: await runningRun(database, writer) };
}

test('this very process lives, until its heartbeat stops', async (context) => {
  const database = await databaseAtVersion(context, 3);
  const first = await registerWriter(database, NOW);
  const run = await runningRun(database, first);
  const second = await registerWriter(database, NOW);
  assert.deepEqual(await markInterrupted(database, second, later(HEARTBEAT_LIMIT_MILLISECONDS)), []);
  assert.deepEqual(await markInterrupted(database, second, later(HEARTBEAT_LIMIT_MILLISECONDS + 1)), [run]);
  // ... and takes its run back when it turns out that it only slept.
  await beat(database, first, { runs: [run], campaigns: [] }, later(HEARTBEAT_LIMIT_MILLISECONDS + 2));
  assert.deepEqual(await database.get('SELECT status, reason, finished_at, writer_id FROM runs'), {
    status: 'running',
    reason: null,
    finished_at: null,
    writer_id: first,
  });
});

test('a process id that is gone is dead at once', async (context) => {
  // Above the largest process id that Linux gives out.
  const { database, own, run } = await foreignWriter(context, hostname(), 2 ** 22 + 1, null);
  assert.deepEqual(await markInterrupted(database, own, later(1)), [run]);
});

test(
  'a process id given to another process is dead at once',
  { skip: process.platform !== 'linux' },
  async (context) => {
    const { database, own, run } = await foreignWriter(context, hostname(), process.pid, 'boot:1');
    assert.deepEqual(await markInterrupted(database, own, later(1)), [run]);
  },
);

test('a writer on another computer is told by its heartbeat alone', async (context) => {
  const { database, own, run } = await foreignWriter(context, 'another-bench', 1, null);
  assert.deepEqual(await markInterrupted(database, own, later(1000)), []);
  assert.deepEqual(await markInterrupted(database, own, later(HEARTBEAT_LIMIT_MILLISECONDS * 2)), [run]);
});
