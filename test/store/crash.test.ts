import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resourcePath } from '../../src-main/common/resources.js';
import { openStore, type Store } from '../../src-main/store/store.js';
import type { RunQuery } from '../../src-main/store/types.js';
import { exampleConfig, exampleOutcome } from '../support/example-runs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ALL: RunQuery = { filters: [], sortBy: 'id', descending: false, limit: 10_000, offset: 0 };
const ENDLESS = 1_000_000;

/** A writing process (test/support/store-writer.ts) and what it has said so far. */
class Writer {
  readonly said: string[] = [];
  readonly #process;
  readonly #lines;
  readonly closed;

  constructor(path: string, runs: number) {
    const script = resourcePath('dist', 'test', 'support', 'store-writer.js');
    this.#process = spawn(process.execPath, [script, path, String(runs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.closed = once(this.#process, 'close');
    this.#lines = createInterface(this.#process.stdout);
    this.#lines.on('line', (line) => this.said.push(line));
  }

  /** Ids that followed one of the words `started` and `stored`. */
  ids(word: string): number[] {
    return this.said.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]));
  }

  async until(word: string, times: number): Promise<void> {
    while (this.said.filter((line) => line.startsWith(word)).length < times) {
      await Promise.race([
        once(this.#lines, 'line'),
        this.closed.then(() => assert.fail(`the writer ended before it said "${word}"`)),
      ]);
    }
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.closed;
  }
}

async function assertWhole(store: Store, id: number): Promise<void> {
  const outcome = exampleOutcome();
  const run = await store.getRun(id);
  assert.equal(run.row.status, 'finished');
  assert.deepEqual(run.measures, outcome.measures);
  assert.equal(run.results.length, outcome.results.length);
  assert.equal(run.powerCycles.length, outcome.powerCycles.length);
  assert.deepEqual(await store.getTrace(id, 'capacitorVolts'), outcome.traces[0]);
}

test('kill -9 in the middle of writing loses no finished run', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const stored = new Set<number>();
  for (const [round, delayMilliseconds] of [0, 1, 3, 5, 8, 13].entries()) {
    const writer = new Writer(file, ENDLESS);
    await writer.until('stored', 2);
    await sleep(delayMilliseconds);
    await writer.kill();
    for (const id of writer.ids('stored')) {
      stored.add(id);
    }
    const store = await openStore(file);
    const { rows } = await store.listRuns(ALL);
    for (const id of stored) {
      await assertWhole(store, id);
    }
    const others = rows.filter((row) => !stored.has(row.id));
    // A run may have been stored without the process living to say so.
    for (const row of others) {
      if (row.status === 'finished') {
        await assertWhole(store, row.id);
        stored.add(row.id);
      } else {
        assert.equal(row.status, 'interrupted', `run ${row.id}`);
        assert.equal(row.latencySeconds, null);
        assert.ok(row.reason !== null);
      }
    }
    assert.ok(rows.filter((row) => row.status === 'interrupted').length <= round + 1);
    assert.deepEqual(await store.integrityCheck(), []);
    await store.close();
  }
});

test('kill -9 while the file is being made leaves one that can be opened', async (context) => {
  const folder = await temporaryFolder(context);
  for (const delayMilliseconds of [110, 130, 150, 170, 190, 210]) {
    const file = join(folder, `${delayMilliseconds}.db`);
    const writer = new Writer(file, 0);
    await sleep(delayMilliseconds);
    await writer.kill();
    const store = await openStore(file);
    assert.deepEqual(await store.integrityCheck(), []);
    assert.equal((await store.listRuns(ALL)).total, 0);
    await store.close();
  }
});

test('a second program marks no run of a living one, and sees it die', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const own = await openStore(file);
  const ownRun = await own.createRun({ campaignId: null, cell: 'own', repeat: 1, config: exampleConfig() });
  const writer = new Writer(file, ENDLESS);
  await writer.until('started', 1);
  // The writer opened the file while our run was under way.
  assert.equal((await own.getRun(ownRun)).row.status, 'running');
  const second = await openStore(file);
  assert.deepEqual(second.interruptedRuns, []);
  assert.deepEqual(await second.markInterrupted(), []);
  await writer.kill();
  const marked = await second.markInterrupted();
  assert.ok(marked.length <= 1 && !marked.includes(ownRun));
  const { rows } = await second.listRuns({
    ...ALL,
    filters: [{ column: 'status', operator: '=', value: 'running' }],
  });
  assert.deepEqual(
    rows.map((row) => row.id),
    [ownRun],
  );
  await own.completeRun(ownRun, exampleOutcome());
  await assertWhole(second, ownRun);
  await second.close();
  await own.close();
});

test('readers see only whole runs while a program writes', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const writer = new Writer(file, 40);
  await writer.until('stored', 1);
  const reader = await openStore(file, { readOnly: true });
  let finished = 0;
  let ended = false;
  void writer.closed.then(() => (ended = true));
  while (!ended) {
    const { rows, total } = await reader.listRuns(ALL);
    assert.equal(rows.length, total);
    const now = rows.filter((row) => row.status === 'finished');
    assert.ok(now.length >= finished, 'a finished run stays finished');
    finished = now.length;
    const newest = now.at(-1);
    if (newest) {
      await assertWhole(reader, newest.id);
    }
    await sleep(2);
  }
  assert.equal((await reader.listRuns(ALL)).total, 40);
  await reader.close();
});

test('two programs may begin one new file at the same time', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const writers = [new Writer(file, 15), new Writer(file, 15)];
  const codes = await Promise.all(writers.map((writer) => writer.closed));
  assert.deepEqual(codes, [
    [0, null],
    [0, null],
  ]);
  const store = await openStore(file);
  const { rows } = await store.listRuns(ALL);
  assert.equal(rows.length, 30);
  assert.ok(rows.every((row) => row.status === 'finished'));
  assert.deepEqual(await store.integrityCheck(), []);
  await store.close();
});

test('a closed store leaves no run running', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const store = await openStore(file);
  const campaignId = await store.createCampaign({ name: 'c', source: 's', plannedRuns: 1 });
  const id = await store.createRun({ campaignId, cell: 'one', repeat: 1, config: exampleConfig() });
  await store.close();
  const reader = await openStore(file, { readOnly: true });
  assert.equal((await reader.getRun(id)).row.status, 'interrupted');
  assert.equal((await reader.listCampaigns())[0].status, 'interrupted');
  await reader.close();
});
