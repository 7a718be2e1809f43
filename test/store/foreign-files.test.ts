import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { SqliteDatabase } from '../../src-main/store/sqlite-driver.js';
import { openStore } from '../../src-main/store/store.js';
import { exampleConfig, exampleOutcome } from '../support/example-runs.js';
import { rejectsWithInputError } from '../support/rejections.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Names, bytes and times of everything in a folder: equal before and after means that nothing was touched. */
async function fingerprint(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const { mtimeMs, isDirectory } = await stat(join(folder, name)).then((status) => ({
        mtimeMs: status.mtimeMs,
        isDirectory: status.isDirectory(),
      }));
      const bytes = isDirectory ? '' : await readFile(join(folder, name));
      return `${name} ${mtimeMs} ${createHash('sha256').update(bytes).digest('hex')}`;
    }),
  );
}

/** Opens a file for writing and for reading, and checks that both are refused and that nothing was touched. */
async function refuses(folder: string, name: string, code: string): Promise<void> {
  const before = await fingerprint(folder);
  for (const readOnly of [false, true]) {
    const error = await rejectsWithInputError(openStore(join(folder, name), { readOnly }), code);
    assert.equal(error.place, join(folder, name));
  }
  assert.deepEqual(await fingerprint(folder), before);
}

/** A closed database of ours with one run. */
async function filledDatabase(context: TestContext): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder(context);
  const file = join(folder, 'runs.db');
  const store = await openStore(file);
  const id = await store.createRun({ campaignId: null, cell: 'one', repeat: 1, config: exampleConfig() });
  await store.completeRun(id, exampleOutcome());
  await store.close();
  assert.deepEqual(await readdir(folder), ['runs.db']);
  return { folder, file };
}

test('files of others are refused and stay as they are', async (context) => {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, 'notes.txt'), 'capacitor: 4.7 mF\n');
  await writeFile(join(folder, 'almost'), 'SQLite format 3\0');
  await writeFile(join(folder, 'image.db'), Buffer.from('89504e470d0a1a0a', 'hex'));
  await mkdir(join(folder, 'folder.db'));
  for (const name of ['notes.txt', 'almost', 'image.db', 'folder.db']) {
    await refuses(folder, name, 'not-a-database');
  }
});

test('any bytes that are no database are refused and stay as they are', async (context) => {
  const folder = await temporaryFolder(context);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      await writeFile(join(folder, 'file'), bytes);
      await refuses(folder, 'file', 'not-a-database');
    }),
    { numRuns: 30 },
  );
});

test("another application's database is refused", async (context) => {
  const folder = await temporaryFolder(context);
  for (const [name, pragma] of [
    ['unnamed.db', ''],
    ['fossil.db', 'PRAGMA application_id = 252006673;'],
  ]) {
    const other = await SqliteDatabase.open(join(folder, name), 'read-write-create');
    await other.exec(`${pragma} CREATE TABLE runs (id INTEGER PRIMARY KEY); INSERT INTO runs VALUES (1)`);
    await other.close();
    await refuses(folder, name, 'foreign-database');
  }
});

test('a database of a newer program is refused', async (context) => {
  const { folder, file } = await filledDatabase(context);
  const database = await SqliteDatabase.open(file, 'read-write-create');
  await database.exec('PRAGMA user_version = 9999');
  await database.close();
  await refuses(folder, 'runs.db', 'newer-database');
});

test('a truncated database is refused, wherever it was cut', async (context) => {
  const { folder, file } = await filledDatabase(context);
  const { size } = await stat(file);
  for (const share of [0.05, 0.5, 0.9, 0.999]) {
    const cut = join(folder, 'cut.db');
    await copyFile(file, cut);
    await truncate(cut, Math.floor(size * share));
    await refuses(folder, 'cut.db', 'truncated-database');
  }
});

test('damage inside the file is told as such', async (context) => {
  const { file } = await filledDatabase(context);
  const handle = await open(file, 'r+');
  // The first page holds the schema behind its 100 bytes of header.
  await handle.write(Buffer.alloc(2000, 0xaa), 0, 2000, 100);
  await handle.close();
  await rejectsWithInputError(openStore(file), 'damaged-database');
  await rejectsWithInputError(openStore(file, { readOnly: true }), 'damaged-database');
});

test('damage in a table shows in the integrity check', async (context) => {
  const { file } = await filledDatabase(context);
  const database = await SqliteDatabase.open(file, 'read-only');
  const row = await database.get("SELECT rootpage FROM sqlite_master WHERE name = 'runs_by_strategy'");
  await database.close();
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(4000, 0x55), 0, 4000, (Number(row?.['rootpage']) - 1) * 4096 + 90);
  await handle.close();
  const store = await openStore(file, { readOnly: true });
  context.after(() => store.close());
  assert.notDeepEqual(await store.integrityCheck(), []);
});

test('reading needs a file that is there; writing needs its folder', async (context) => {
  const folder = await temporaryFolder(context);
  await rejectsWithInputError(openStore(join(folder, 'none.db'), { readOnly: true }), 'no-such-database');
  await writeFile(join(folder, 'empty.db'), '');
  await rejectsWithInputError(openStore(join(folder, 'empty.db'), { readOnly: true }), 'no-such-database');
  await rejectsWithInputError(openStore(join(folder, 'missing', 'runs.db')), 'no-such-folder');
  assert.deepEqual(await readdir(folder), ['empty.db']);
  const store = await openStore(join(folder, 'empty.db'));
  assert.deepEqual(await store.listCampaigns(), []);
  await store.close();
});

test('an older database is brought up to date by a writer, and only by a writer', async (context) => {
  const { file } = await filledDatabase(context);
  const database = await SqliteDatabase.open(file, 'read-write-create');
  await database.exec(`DROP TABLE artifacts;
     ALTER TABLE runs DROP COLUMN predicted_latency_seconds;
     ALTER TABLE runs DROP COLUMN predicted_energy_joules;
     ALTER TABLE runs DROP COLUMN predicted_power_cycles;
     ALTER TABLE runs DROP COLUMN predicted_cycles;
     ALTER TABLE run_documents DROP COLUMN prediction;
     PRAGMA user_version = 2`);
  await database.close();
  await rejectsWithInputError(openStore(file, { readOnly: true }), 'older-database');
  const store = await openStore(file);
  context.after(() => store.close());
  assert.equal((await store.getRun(1)).row.status, 'finished');
  assert.equal(await store.getArtifact('0'.repeat(64)), null);
});
