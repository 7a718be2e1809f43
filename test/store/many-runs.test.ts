import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseFilter } from '../../src-main/store/filter.js';
import { countRuns, selectRuns } from '../../src-main/store/run-query.js';
import { SqliteDatabase } from '../../src-main/store/sqlite-driver.js';
import { openStore } from '../../src-main/store/store.js';
import type { RunColumn, RunQuery } from '../../src-main/store/types.js';
import { databaseAtVersion } from '../migrations/schema.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const query = (where: string, sortBy: RunColumn = 'id', descending = true): RunQuery => ({
  filters: parseFilter(where),
  sortBy,
  descending,
  limit: 100,
  offset: 0,
});

/** The steps that SQLite would take, one line each. */
async function planOf(
  database: SqliteDatabase,
  sql: string,
  parameters: readonly (string | number | null)[],
) {
  const rows = await database.all(`EXPLAIN QUERY PLAN ${sql}`, parameters);
  return rows.map((row) => String(row['detail'])).join('\n');
}

test('the common filters and sorts are answered from indexes', async (context) => {
  const database = await databaseAtVersion(context, 4);
  const filters: [string, RegExp][] = [
    ['id=7', /USING INTEGER PRIMARY KEY/],
    ['campaignId=3', /USING (COVERING )?INDEX runs_by_campaign/],
    ['campaignName=digits', /USING (COVERING )?INDEX runs_by_campaign/],
    ['status=finished', /USING (COVERING )?INDEX runs_by_status/],
    ['model=digits.onnx', /USING (COVERING )?INDEX runs_by_model/],
    ['strategy=tile', /USING (COVERING )?INDEX runs_by_strategy/],
    ['board=pico-fram', /USING (COVERING )?INDEX runs_by_board/],
    ['power=rf.csv', /USING (COVERING )?INDEX runs_by_power/],
    ['capacitanceFarads>=100uF', /USING (COVERING )?INDEX runs_by_capacitance/],
    ['createdAt>=2026-01-01', /USING (COVERING )?INDEX runs_by_created/],
    ['latencySeconds<0.5', /USING (COVERING )?INDEX runs_by_latency/],
    ['energyJoules<0.5', /USING (COVERING )?INDEX runs_by_energy/],
    ['accuracy>0.9', /USING (COVERING )?INDEX runs_by_accuracy/],
    ['powerCycles>3', /USING (COVERING )?INDEX runs_by_power_cycles/],
  ];
  for (const [where, index] of filters) {
    const count = countRuns(parseFilter(where));
    const plan = await planOf(database, count.sql, count.parameters as (string | number)[]);
    assert.match(plan, index, where);
    assert.doesNotMatch(plan, /^SCAN r\b/m, where);
  }
  // An equality and the newest first: the index gives the order too.
  for (const where of ['strategy=tile', 'status=finished', 'model=m', 'campaignId=3']) {
    const { sql, parameters } = selectRuns(query(where));
    const plan = await planOf(database, sql, parameters as (string | number)[]);
    assert.match(plan, /SEARCH r USING INDEX/, where);
    assert.doesNotMatch(plan, /TEMP B-TREE/, where);
  }
  for (const column of [
    'id',
    'createdAt',
    'status',
    'model',
    'strategy',
    'latencySeconds',
    'energyJoules',
    'accuracy',
    'powerCycles',
    'capacitanceFarads',
  ] as const) {
    for (const descending of [false, true]) {
      const { sql, parameters } = selectRuns(query('', column, descending));
      const plan = await planOf(database, sql, parameters as (string | number)[]);
      assert.doesNotMatch(plan, /TEMP B-TREE/, column);
    }
  }
});

test('10,000 runs are listed and filtered at once', async (context) => {
  const file = join(await temporaryFolder(context), 'runs.db');
  await (await openStore(file)).close();
  const database = await SqliteDatabase.open(file, 'read-write-create');
  await database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO runs (cell, repeat, status, created_at, finished_at, model, strategy, kernels, board, power,
      capacitance_farads, turn_on_volts, brown_out_volts, seed, samples, latency_seconds, energy_joules, power_cycles)
    SELECT 'cell ' || i, 1, iif(i % 10 = 0, 'failed', 'finished'), strftime('%FT%TZ', 1.7e9 + i, 'unixepoch'), 't',
      'model ' || (i % 5), iif(i % 3 = 0, 'restart', iif(i % 3 = 1, 'layer', 'tile')), 'reference', 'pico-fram',
      'trace ' || (i % 7), (1 + i % 20) * 1e-5, 3, 1.8, i, 3, ((i * 7919) % 10007) * 1e-3, i * 1e-6, i % 100 FROM n`);
  await database.close();
  const store = await openStore(file, { readOnly: true });
  context.after(() => store.close());
  const cases: [string, RunQuery, number][] = [
    ['no filter, newest first', query(''), 10_000],
    ['strategy=tile powerCycles>3', query('strategy=tile powerCycles>3'), 3200],
    ['strategy=tile by latency', query('strategy=tile', 'latencySeconds', false), 3333],
    ['model~"el 3" status=finished', query('model~"el 3" status=finished', 'energyJoules'), 2000],
    ['cell~99', query('cell~99'), 280],
    ['page 90', { ...query('', 'createdAt'), offset: 9000 }, 10_000],
  ];
  for (const [name, each, expected] of cases) {
    const start = performance.now();
    const { rows, total } = await store.listRuns(each);
    const milliseconds = performance.now() - start;
    assert.equal(rows.length, 100);
    assert.equal(total, expected, name);
    context.diagnostic(`${name}: ${total} runs, ${milliseconds.toFixed(1)} ms`);
  }
});
