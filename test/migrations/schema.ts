/** For tests of single migrations: a real database brought to one version, and facts about its schema. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';
import { migrate, readMigrations } from '../../src-main/store/migrate.js';
import { SqliteDatabase, type SqlRow } from '../../src-main/store/sqlite-driver.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A new database with the first `version` migrations applied. */
export async function databaseAtVersion(context: TestContext, version: number): Promise<SqliteDatabase> {
  const database = await SqliteDatabase.open(
    join(await temporaryFolder(context), 'test.db'),
    'read-write-create',
  );
  context.after(() => database.close());
  await advanceTo(database, version);
  return database;
}

export async function advanceTo(database: SqliteDatabase, version: number): Promise<void> {
  const migrations = await readMigrations(resourcePath('migrations'));
  await migrate(database, migrations.slice(0, version));
}

/** `{ table: ['column TYPE', ...] }` for every STRICT table of our own. */
export async function tables(database: SqliteDatabase): Promise<Record<string, string[]>> {
  const list = await database.all(
    `SELECT name FROM pragma_table_list
     WHERE schema = 'main' AND strict = 1 AND name NOT LIKE 'sqlite_%' ORDER BY name`,
  );
  const entries = await Promise.all(
    list.map(async (row): Promise<[string, string[]]> => {
      const columns = await database.all('SELECT name, type FROM pragma_table_info(?)', [row['name']]);
      return [
        String(row['name']),
        columns.map((column) => `${String(column['name'])} ${String(column['type'])}`),
      ];
    }),
  );
  return Object.fromEntries(entries);
}

/** Tables that are not STRICT: there must be none. */
export async function looseTables(database: SqliteDatabase): Promise<SqlRow[]> {
  return database.all(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'`,
  );
}

/** Inserts a campaign with one finished run of one inference and one power cycle, in plain SQL of version 1. */
export async function insertVersionOneData(database: SqliteDatabase): Promise<void> {
  await database.exec(`
    INSERT INTO writers (id, host, pid, opened_at, heartbeat_at) VALUES (1, 'bench', 4242, 't', 't');
    INSERT INTO campaigns VALUES (1, 'c', 't', 't', 'name: c', '${'a'.repeat(64)}', 'finished', 1, 1);
    INSERT INTO runs (id, campaign_id, cell, repeat, status, created_at, finished_at, writer_id, model, strategy,
      kernels, board, power, capacitance_farads, turn_on_volts, brown_out_volts, seed, samples, latency_seconds)
    VALUES (5, 1, 'cell', 0, 'finished', 't', 't', 1, 'm.onnx', 'tile', 'reference', 'pico-fram', 'rf', 1e-4, 3, 1.8,
      1, 1, 0.25);
    INSERT INTO run_documents VALUES (5, '{"seed":1}', NULL);
    INSERT INTO inferences VALUES (5, 0, 0, 3, 3, 0.25, x'80ff7f');
    INSERT INTO power_cycles VALUES (5, 0, 0.0, NULL, 0, 0);
    INSERT INTO run_log VALUES (5, 0, 0.0, 'info', 'started');
  `);
}

/** What insertVersionOneData put in, read back. */
export async function readVersionOneData(database: SqliteDatabase): Promise<SqlRow | undefined> {
  return database.get(`
    SELECT c.name AS campaign, r.status, r.latency_seconds, d.config, hex(i.output) AS output, p.off_seconds, l.message
    FROM runs r JOIN campaigns c ON c.id = r.campaign_id JOIN run_documents d ON d.run_id = r.id
    JOIN inferences i ON i.run_id = r.id JOIN power_cycles p ON p.run_id = r.id JOIN run_log l ON l.run_id = r.id`);
}

export const VERSION_ONE_DATA = {
  campaign: 'c',
  status: 'finished',
  latency_seconds: 0.25,
  config: '{"seed":1}',
  output: '80FF7F',
  off_seconds: null,
  message: 'started',
};
