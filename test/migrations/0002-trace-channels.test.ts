import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  advanceTo,
  databaseAtVersion,
  insertVersionOneData,
  looseTables,
  readVersionOneData,
  tables,
  VERSION_ONE_DATA,
} from './schema.js';

test('0002 adds traces to runs that are there already', async (context) => {
  const database = await databaseAtVersion(context, 1);
  await insertVersionOneData(database);
  const before = await tables(database);
  await advanceTo(database, 2);
  const { trace_channels: added, ...others } = await tables(database);
  assert.deepEqual(others, before);
  assert.deepEqual(added, [
    'run_id INTEGER',
    'channel TEXT',
    'unit TEXT',
    'buckets INTEGER',
    'times BLOB',
    'minima BLOB',
    'maxima BLOB',
  ]);
  assert.deepEqual(await looseTables(database), []);
  assert.deepEqual(await readVersionOneData(database), VERSION_ONE_DATA);
  await database.run(`INSERT INTO trace_channels VALUES (5, 'progress', '1', 0, x'', x'', x'')`);
  await database.run('DELETE FROM runs');
  assert.deepEqual(await database.all('SELECT * FROM trace_channels'), []);
});
