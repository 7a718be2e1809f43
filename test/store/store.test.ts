import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RunQuery } from '../../src-main/store/types.js';
import { openStore } from '../../src-main/store/store.js';
import { exampleConfig, exampleOutcome } from '../support/example-runs.js';
import { rejectsWithInputError, rejectsWithRunError } from '../support/rejections.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ALL: RunQuery = { filters: [], sortBy: 'id', descending: true, limit: 100, offset: 0 };
const SOURCE = 'name: example\nstrategies: [layer, tile]\n';

test('everything of a run comes back as it was stored', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const clock = () => new Date('2026-02-03T04:05:06.789Z');
  const store = await openStore(file, { clock });
  const campaignId = await store.createCampaign({ name: 'example', source: SOURCE, plannedRuns: 1 });
  const config = exampleConfig();
  const runId = await store.createRun({ campaignId, cell: 'tile/220uF', repeat: 3, config });
  const running = await store.getRun(runId);
  assert.equal(running.row.status, 'running');
  assert.deepEqual(running.config, config);
  assert.equal(running.measures, null);
  assert.equal(running.provenance, null);

  const outcome = exampleOutcome();
  await store.completeRun(runId, outcome);
  await store.close();

  const reopened = await openStore(file, { readOnly: true });
  context.after(() => reopened.close());
  const stored = await reopened.getRun(runId);
  assert.deepEqual(stored.config, config);
  assert.deepEqual(stored.measures, outcome.measures);
  assert.deepEqual(stored.provenance, outcome.provenance);
  assert.deepEqual(stored.results, outcome.results);
  assert.deepEqual(stored.powerCycles, outcome.powerCycles);
  assert.deepEqual(stored.log, outcome.log);
  assert.deepEqual(stored.channels, ['capacitorVolts', 'progress']);
  for (const trace of outcome.traces) {
    assert.deepEqual(await reopened.getTrace(runId, trace.channel), trace);
  }
  assert.equal(await reopened.getTrace(runId, 'loadAmps'), null);
  const { row } = stored;
  assert.deepEqual(
    {
      status: row.status,
      campaignName: row.campaignName,
      cell: row.cell,
      repeat: row.repeat,
      model: row.model,
      power: row.power,
      createdAt: row.createdAt,
      finishedAt: row.finishedAt,
      latencySeconds: row.latencySeconds,
      cycles: row.cycles,
    },
    {
      status: 'finished',
      campaignName: 'example',
      cell: 'tile/220uF',
      repeat: 3,
      model: 'digits.onnx',
      power: 'rf-walk.csv',
      createdAt: '2026-02-03T04:05:06.789Z',
      finishedAt: '2026-02-03T04:05:06.789Z',
      latencySeconds: 2,
      cycles: 156_250_000,
    },
  );
  assert.deepEqual(await reopened.integrityCheck(), []);
});

test('counts beyond 32 bits and continuous power survive', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const config = exampleConfig({ power: { kind: 'continuous' } });
  const runId = await store.createRun({ campaignId: null, cell: 'one', repeat: 0, config });
  const outcome = exampleOutcome();
  outcome.measures.cycles = 2 ** 45 + 1;
  outcome.measures.latencySeconds = null;
  outcome.measures.accuracy = null;
  await store.completeRun(runId, outcome);
  const stored = await store.getRun(runId);
  assert.deepEqual(stored.measures, outcome.measures);
  assert.deepEqual(stored.config.power, { kind: 'continuous' });
  assert.equal(stored.row.power, 'continuous');
  assert.equal(stored.row.campaignName, null);
});

test('an outcome is stored as a whole or not at all', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const runId = await store.createRun({ campaignId: null, cell: 'one', repeat: 0, config: exampleConfig() });
  const broken = exampleOutcome();
  // Two results of one inference: the second violates the primary key, after the run row was already updated.
  broken.results.push(broken.results[0]);
  await rejectsWithRunError(store.completeRun(runId, broken), 'database-error');
  const after = await store.getRun(runId);
  assert.equal(after.row.status, 'running');
  assert.equal(after.row.latencySeconds, null);
  assert.deepEqual(after.results, []);
  await store.completeRun(runId, exampleOutcome());
  assert.equal((await store.getRun(runId)).row.status, 'finished');
});

test('power is named by its source', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const names = [];
  for (const power of [
    { kind: 'constant', volts: 3.3, amps: 0.1 * 0.03 },
    { kind: 'square', volts: 3, amps: 0.004, periodSeconds: 0.5, dutyShare: 0.3 },
    { kind: 'trace', path: '/a/b c.csv', scale: 0.5 },
  ] as const) {
    const config = exampleConfig({ power });
    const { row } = await store.getRun(
      await store.createRun({ campaignId: null, cell: '', repeat: 0, config }),
    );
    names.push(row.power);
  }
  assert.deepEqual(names, ['3.30 V 3.00 mA', '3.00 V 4.00 mA square 500 ms 30 %', 'b c.csv x 0.5']);
});

test('artifacts of an outcome are stored with it', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const bytes = new TextEncoder().encode('an image');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const artifact = { sha256, kind: 'image', name: 'digits.bbi', bytes } as const;
  for (const cell of ['one', 'two']) {
    const runId = await store.createRun({ campaignId: null, cell, repeat: 0, config: exampleConfig() });
    await store.completeRun(runId, exampleOutcome({ artifacts: [artifact] }));
  }
  const stored = await store.getArtifact(sha256);
  assert.equal(Buffer.from(stored?.bytes ?? []).toString(), 'an image');
  assert.deepEqual([stored?.kind, stored?.name], ['image', 'digits.bbi']);
});

test('a run without any outcome fails with its reason', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const runId = await store.createRun({ campaignId: null, cell: 'one', repeat: 0, config: exampleConfig() });
  await store.failRun(runId, 'the worker died');
  const { row, measures } = await store.getRun(runId);
  assert.deepEqual([row.status, row.reason, measures], ['failed', 'the worker died', null]);
  await rejectsWithRunError(store.failRun(runId, 'again'), 'run-not-open');
});

test('a run ends once', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const runId = await store.createRun({ campaignId: null, cell: 'one', repeat: 0, config: exampleConfig() });
  await store.completeRun(runId, exampleOutcome());
  await rejectsWithRunError(store.completeRun(runId, exampleOutcome()), 'run-not-open');
  await rejectsWithRunError(store.completeRun(999, exampleOutcome()), 'run-not-open');
  await rejectsWithInputError(store.getRun(999), 'no-such-run');
});

test('a resumed campaign finds the cells that are done, by the bytes of its file', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const hash = createHash('sha256').update(SOURCE).digest('hex');
  const first = await store.createCampaign({ name: 'example', source: SOURCE, plannedRuns: 5 });
  const ids = new Map<string, number>();
  for (const status of ['finished', 'not-terminating', 'failed', 'cancelled'] as const) {
    const id = await store.createRun({ campaignId: first, cell: status, repeat: 0, config: exampleConfig() });
    await store.completeRun(id, exampleOutcome({ status, reason: status === 'finished' ? null : 'because' }));
    ids.set(status, id);
  }
  await store.createRun({ campaignId: first, cell: 'running', repeat: 0, config: exampleConfig() });
  await store.finishCampaign(first, 'cancelled');
  const other = await store.createCampaign({ name: 'example', source: `${SOURCE}\n`, plannedRuns: 1 });
  const done = await store.createRun({
    campaignId: other,
    cell: 'other',
    repeat: 0,
    config: exampleConfig(),
  });
  await store.completeRun(done, exampleOutcome());

  const cells = await store.findFinishedCells(hash);
  assert.deepEqual(
    [...cells].sort(),
    [...ids].filter(([status]) => ['finished', 'not-terminating'].includes(status)).sort(),
  );
  assert.deepEqual([...(await store.findFinishedCells('0'.repeat(64)))], []);

  const campaigns = await store.listCampaigns();
  assert.deepEqual(
    campaigns.map(({ id, status, runs, doneRuns, sourceSha256 }) => ({
      id,
      status,
      runs,
      doneRuns,
      sourceSha256,
    })),
    [
      {
        id: other,
        status: 'running',
        runs: 1,
        doneRuns: 1,
        sourceSha256: createHash('sha256').update(`${SOURCE}\n`).digest('hex'),
      },
      { id: first, status: 'cancelled', runs: 5, doneRuns: 2, sourceSha256: hash },
    ],
  );
});

test('lists are filtered, sorted and paged, with the total of all pages', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  const campaignId = await store.createCampaign({
    name: "it's 100% _ours_",
    source: SOURCE,
    plannedRuns: 12,
  });
  for (let index = 0; index < 12; index++) {
    const strategy = (['restart', 'layer', 'tile'] as const)[index % 3];
    const id = await store.createRun({
      campaignId: index < 6 ? campaignId : null,
      cell: `cell ${index}`,
      repeat: 0,
      config: exampleConfig({ strategy, capacitanceFarads: (index + 1) * 1e-5 }),
    });
    if (index !== 11) {
      await store.completeRun(id, exampleOutcome({}, 12 - index));
    }
  }
  const ids = async (query: Partial<RunQuery>) => {
    const { rows, total } = await store.listRuns({ ...ALL, ...query });
    return [total, ...rows.map((row) => row.id)];
  };
  assert.deepEqual(await ids({ limit: 3 }), [12, 12, 11, 10]);
  assert.deepEqual(await ids({ limit: 3, offset: 10 }), [12, 2, 1]);
  assert.deepEqual(
    await ids({ filters: [{ column: 'strategy', operator: '=', value: 'tile' }] }),
    [4, 12, 9, 6, 3],
  );
  assert.deepEqual(
    await ids({
      filters: [
        { column: 'strategy', operator: '!=', value: 'tile' },
        { column: 'capacitanceFarads', operator: '<=', value: 4e-5 },
      ],
      descending: false,
    }),
    [3, 1, 2, 4],
  );
  assert.deepEqual(await ids({ sortBy: 'latencySeconds', descending: false, limit: 3 }), [12, 12, 11, 10]);
  assert.deepEqual(
    await ids({ filters: [{ column: 'latencySeconds', operator: '!=', value: 4 }], limit: 2 }),
    [11, 12, 10],
    'a run without latency is different from any',
  );
  assert.deepEqual(
    await ids({ filters: [{ column: 'campaignName', operator: 'contains', value: '100% _' }], limit: 1 }),
    [6, 6],
  );
  assert.deepEqual(
    await ids({ filters: [{ column: 'cell', operator: 'contains', value: '%' }] }),
    [0],
    'a percent sign is a letter like any other',
  );
  assert.deepEqual(
    await ids({ filters: [{ column: 'campaignName', operator: '!=', value: "it's 100% _ours_" }], limit: 1 }),
    [6, 12],
  );
});

test('a query names only columns of the list, and its values stay values', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'runs.db'));
  context.after(() => store.close());
  await store.createRun({ campaignId: null, cell: 'one', repeat: 0, config: exampleConfig() });
  const hostile = 'id; DROP TABLE runs' as 'id';
  await rejectsWithInputError(store.listRuns({ ...ALL, sortBy: hostile }), 'unknown-column');
  await rejectsWithInputError(
    store.listRuns({ ...ALL, filters: [{ column: hostile, operator: '=', value: 1 }] }),
    'unknown-column',
  );
  const operator = '= 1 OR 1 =' as '=';
  await rejectsWithInputError(
    store.listRuns({ ...ALL, filters: [{ column: 'id', operator, value: 1 }] }),
    'invalid-filter',
  );
  await rejectsWithInputError(
    store.listRuns({ ...ALL, filters: [{ column: 'id', operator: '=', value: 'x' }] }),
    'invalid-filter',
  );
  await rejectsWithInputError(store.listRuns({ ...ALL, limit: -1 }), 'invalid-filter');
  const column = 'toString' as 'id';
  await rejectsWithInputError(store.listRuns({ ...ALL, sortBy: column }), 'unknown-column');
  await fc.assert(
    fc.asyncProperty(fc.string(), async (value) => {
      const { total } = await store.listRuns({
        ...ALL,
        filters: [{ column: 'cell', operator: 'contains', value }],
      });
      // LIKE ignores the case of ASCII letters.
      assert.equal(total, 'one'.includes(value.toLowerCase()) ? 1 : 0);
    }),
  );
  assert.equal((await store.listRuns(ALL)).total, 1);
});

test('artifacts are kept once and come back byte for byte', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const store = await openStore(file);
  context.after(() => store.close());
  const bytes = new Uint8Array(300_000).map((_, index) => (index * index) >> 7);
  const hash = await store.putArtifact({ kind: 'model', name: 'digits.onnx', bytes });
  assert.equal(hash, createHash('sha256').update(bytes).digest('hex'));
  assert.equal(await store.putArtifact({ kind: 'model', name: 'copy.onnx', bytes }), hash);
  const artifact = await store.getArtifact(hash);
  assert.deepEqual([artifact?.name, artifact?.kind], ['digits.onnx', 'model']);
  assert.deepEqual(Buffer.from(artifact?.bytes ?? []), Buffer.from(bytes));
  assert.equal(await store.getArtifact('0'.repeat(64)), null);
  const empty = await store.putArtifact({ kind: 'data', name: 'empty', bytes: new Uint8Array(0) });
  assert.equal((await store.getArtifact(empty))?.bytes.length, 0);
});

test('a store opened for reading changes nothing', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  const writer = await openStore(file);
  const id = await writer.createRun({ campaignId: null, cell: 'one', repeat: 0, config: exampleConfig() });
  await writer.completeRun(id, exampleOutcome());
  await writer.close();
  const before = await stat(file);
  const reader = await openStore(file, { readOnly: true });
  await rejectsWithInputError(
    reader.createRun({ campaignId: null, cell: 'two', repeat: 0, config: exampleConfig() }),
    'read-only-database',
  );
  assert.equal((await reader.listRuns(ALL)).total, 1);
  await reader.close();
  await reader.close();
  const after = await stat(file);
  assert.deepEqual([after.size, after.mtimeMs], [before.size, before.mtimeMs]);
  assert.deepEqual(await readdir(dirname(file)), ['runs.db']);
});

test('a database in a folder that cannot be written can be read', async (context) => {
  const folder = await temporaryFolder(context);
  const file = join(folder, 'runs.db');
  const writer = await openStore(file);
  const id = await writer.createRun({ campaignId: null, cell: 'one', repeat: 1, config: exampleConfig() });
  await writer.completeRun(id, exampleOutcome());
  await writer.close();
  await chmod(file, 0o444);
  await chmod(folder, 0o555);
  try {
    const reader = await openStore(file, { readOnly: true });
    assert.equal((await reader.getRun(id)).row.status, 'finished');
    await reader.close();
    assert.deepEqual(await readdir(folder), ['runs.db']);
  } finally {
    await chmod(folder, 0o755);
  }
});
