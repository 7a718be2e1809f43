import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteDatabase } from '../../src-main/store/sqlite-driver.js';
import { rejectsWithRunError } from '../support/rejections.js';
import { temporaryFolder } from '../support/temporary-folder.js';

async function counterDatabase(context: TestContext): Promise<SqliteDatabase> {
  const database = await SqliteDatabase.open(
    join(await temporaryFolder(context), 'test.db'),
    'read-write-create',
  );
  context.after(() => database.close());
  await database.exec(
    'CREATE TABLE t (id INTEGER PRIMARY KEY, value INTEGER) STRICT; INSERT INTO t VALUES (1, 0)',
  );
  return database;
}

test('transactions on one connection never overlap', async (context) => {
  const database = await counterDatabase(context);
  let inside = 0;
  const increment = (index: number) =>
    database.transaction(async (connection) => {
      assert.equal(++inside, 1, 'alone');
      const row = await connection.get('SELECT value FROM t WHERE id = 1');
      await sleep(index % 3);
      await connection.run('UPDATE t SET value = ? WHERE id = 1', [Number(row?.['value']) + 1]);
      inside--;
    });
  const plainReads = Array.from({ length: 10 }, () => database.get('SELECT value FROM t'));
  await Promise.all([...Array.from({ length: 30 }, (_, index) => increment(index)), ...plainReads]);
  assert.equal((await database.get('SELECT value FROM t'))?.['value'], 30);
});

test('a statement beside a failing transaction is not undone with it', async (context) => {
  const database = await counterDatabase(context);
  const failing = database.transaction(async (connection) => {
    await connection.run('INSERT INTO t VALUES (2, 2)');
    await sleep(5);
    throw new Error('no more');
  });
  const beside = database.run('INSERT INTO t VALUES (3, 3)');
  await assert.rejects(failing, /no more/);
  await beside;
  assert.deepEqual(await database.all('SELECT id FROM t'), [{ id: 1 }, { id: 3 }]);
});

test('the database itself refuses to be used inside its transaction instead of waiting for ever', async (context) => {
  const database = await counterDatabase(context);
  await assert.rejects(
    database.transaction(() => database.run('INSERT INTO t VALUES (2, 2)')),
    /its own connection/,
  );
  assert.equal((await database.all('SELECT id FROM t')).length, 1);
});

test('errors of SQL carry the path and a remedy; the connection lives on', async (context) => {
  const database = await counterDatabase(context);
  const error = await rejectsWithRunError(database.run('INSERT INTO t VALUES (1, 1)'), 'database-error');
  assert.equal(error.place, database.path);
  await rejectsWithRunError(database.runMany('INSERT INTO nowhere VALUES (?)', [[1]]), 'database-error');
  await rejectsWithRunError(database.all('SELEC'), 'database-error');
  assert.equal((await database.all('SELECT id FROM t')).length, 1);
  await database.close();
  await rejectsWithRunError(database.get('SELECT 1'), 'database-closed');
});

test('values of every type come back as they went in', async (context) => {
  const database = await counterDatabase(context);
  const bytes = new Uint8Array([9, 0, 255, 128, 9]).subarray(1, 4);
  const row = await database.get('SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e', [
    null,
    2 ** 52 + 1,
    'ü\0"',
    bytes,
    0.1,
  ]);
  assert.deepEqual([row?.['a'], row?.['b'], row?.['c'], row?.['e']], [null, 2 ** 52 + 1, 'ü\0"', 0.1]);
  const blob = row?.['d'];
  assert.ok(blob instanceof Uint8Array);
  assert.deepEqual([...blob], [0, 255, 128]);
});
