import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APPLICATION_ID } from '../../src-main/store/database-file.js';
import { rejectsWithRunError } from '../support/rejections.js';
import {
  databaseAtVersion,
  insertVersionOneData,
  looseTables,
  readVersionOneData,
  tables,
  VERSION_ONE_DATA,
} from './schema.js';

test('0001 makes the tables of campaigns and runs, and marks the file as ours', async (context) => {
  const database = await databaseAtVersion(context, 1);
  assert.deepEqual(await looseTables(database), []);
  const found = await tables(database);
  assert.deepEqual(Object.keys(found), [
    'campaigns',
    'inferences',
    'power_cycles',
    'run_documents',
    'run_log',
    'runs',
    'writers',
  ]);
  assert.ok(found['runs'].includes('capacitance_farads REAL'));
  assert.ok(found['runs'].includes('nvm_bytes_written INTEGER'));
  assert.equal((await database.get('PRAGMA application_id'))?.['application_id'], APPLICATION_ID);
  assert.equal((await database.get('PRAGMA user_version'))?.['user_version'], 1);
});

test('0001 keeps data, and lets go of all of a run together', async (context) => {
  const database = await databaseAtVersion(context, 1);
  await insertVersionOneData(database);
  assert.deepEqual(await readVersionOneData(database), VERSION_ONE_DATA);
  await database.run('DELETE FROM writers');
  assert.equal((await database.get('SELECT writer_id FROM runs'))?.['writer_id'], null);
  await database.run('DELETE FROM campaigns');
  for (const table of ['runs', 'run_documents', 'inferences', 'power_cycles', 'run_log']) {
    assert.deepEqual(await database.all(`SELECT * FROM ${table}`), [], table);
  }
});

test('0001 refuses what cannot be true', async (context) => {
  const database = await databaseAtVersion(context, 1);
  await insertVersionOneData(database);
  for (const statement of [
    `UPDATE runs SET status = 'done'`,
    `UPDATE runs SET status = 'failed', finished_at = NULL`,
    `UPDATE runs SET accuracy = 1.5`,
    `UPDATE runs SET cycles = 'many'`,
    `UPDATE runs SET campaign_id = 77`,
    `UPDATE campaigns SET source_sha256 = 'abc'`,
    `UPDATE run_documents SET config = '{'`,
    `INSERT INTO power_cycles VALUES (6, 0, 0.0, NULL, 0, 0)`,
    `INSERT INTO run_log VALUES (5, 1, 0.0, 'panic', 'x')`,
  ]) {
    const error = await rejectsWithRunError(database.exec(statement), 'database-error');
    assert.match(error.message, /constraint|cannot store/i, statement);
  }
});
