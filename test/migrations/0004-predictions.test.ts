import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejectsWithRunError } from '../support/rejections.js';
import {
  advanceTo,
  databaseAtVersion,
  insertVersionOneData,
  looseTables,
  readVersionOneData,
  tables,
  VERSION_ONE_DATA,
} from './schema.js';

test('0004 gives runs room for what was predicted; older runs have none', async (context) => {
  const database = await databaseAtVersion(context, 3);
  await insertVersionOneData(database);
  const before = await tables(database);
  await advanceTo(database, 4);
  const after = await tables(database);
  const columns = {
    runs: [
      'predicted_latency_seconds REAL',
      'predicted_energy_joules REAL',
      'predicted_power_cycles INTEGER',
      'predicted_cycles INTEGER',
    ],
    run_documents: ['prediction TEXT'],
  };
  assert.deepEqual(after, {
    ...before,
    runs: [...before.runs, ...columns.runs],
    run_documents: [...before.run_documents, ...columns.run_documents],
  });
  assert.deepEqual(await looseTables(database), []);
  assert.deepEqual(await readVersionOneData(database), VERSION_ONE_DATA);
  const old = await database.get(
    'SELECT predicted_power_cycles AS cycles, predicted_energy_joules AS energy FROM runs',
  );
  assert.deepEqual({ ...old }, { cycles: null, energy: null });
  await database.run(
    'UPDATE runs SET predicted_power_cycles = 57, predicted_latency_seconds = 2.25 WHERE id = 5',
  );
  await rejectsWithRunError(
    database.run(`UPDATE runs SET predicted_power_cycles = 'many' WHERE id = 5`),
    'database-error',
  );
  await rejectsWithRunError(
    database.run(`UPDATE run_documents SET prediction = 'soon' WHERE run_id = 5`),
    'database-error',
  );
});
