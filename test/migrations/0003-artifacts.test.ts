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

test('0003 adds artifacts, stored once under their hash', async (context) => {
  const database = await databaseAtVersion(context, 2);
  await insertVersionOneData(database);
  await database.run(`INSERT INTO trace_channels VALUES (5, 'progress', '1', 0, x'01', x'02', x'03')`);
  const before = await tables(database);
  await advanceTo(database, 3);
  const { artifacts: added, ...others } = await tables(database);
  assert.deepEqual(others, before);
  assert.deepEqual(added, [
    'sha256 TEXT',
    'kind TEXT',
    'name TEXT',
    'created_at TEXT',
    'byte_length INTEGER',
    'content BLOB',
  ]);
  assert.deepEqual(await looseTables(database), []);
  assert.deepEqual(await readVersionOneData(database), VERSION_ONE_DATA);
  assert.equal((await database.get('SELECT hex(times) AS times FROM trace_channels'))?.['times'], '01');
  const insert = `INSERT INTO artifacts VALUES ('${'b'.repeat(64)}', 'model', 'm.onnx', 't', 0, x'')`;
  await database.run(insert);
  await rejectsWithRunError(database.run(insert), 'database-error');
  await rejectsWithRunError(
    database.run(`INSERT INTO artifacts VALUES ('${'c'.repeat(64)}', 'virus', 'm', 't', 0, x'')`),
    'database-error',
  );
});
