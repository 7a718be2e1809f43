/** Brings a database to the newest schema: one numbered SQL file, one transaction, one step of `user_version`. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { APPLICATION_ID, assertNotNewer } from './database-file.js';
import type { Connection, SqliteDatabase } from './sqlite-driver.js';

export interface Migration {
  /** 1, 2, 3 ...: the schema version after it. */
  version: number;
  /** `0001-campaigns-and-runs.sql` */
  name: string;
  sql: string;
}

/**
 * Reads the numbered SQL files of a folder in their order.
 *
 * @throws Error when the numbers have a gap or a double: a fault in the product, not in any input
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const version = Number(name.slice(0, 4));
      if (version !== index + 1) {
        throw new Error(
          `migrations must be numbered without gaps: ${name} is number ${index + 1} in its folder`,
        );
      }
      return { version, name, sql: await readFile(join(folder, name), 'utf8') };
    }),
  );
}

export async function schemaVersion(connection: Connection): Promise<number> {
  const row = await connection.get('PRAGMA user_version');
  return Number(row?.['user_version'] ?? 0);
}

/**
 * Applies what is missing. Two programs that open a new file at the same time do not collide: the version is read
 * again under the write lock.
 *
 * @returns the versions applied by this call
 * @throws InputError `newer-database`
 */
export async function migrate(database: SqliteDatabase, migrations: readonly Migration[]): Promise<number[]> {
  const applied: number[] = [];
  for (const migration of migrations) {
    if ((await schemaVersion(database)) >= migration.version) {
      continue;
    }
    await database.transaction(async (connection) => {
      if ((await schemaVersion(connection)) >= migration.version) {
        return;
      }
      await connection.exec(migration.sql);
      // In the same transaction as the first tables: a database that is ours always says so in its header.
      await connection.exec(
        `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migration.version}`,
      );
      applied.push(migration.version);
    });
  }
  assertNotNewer(database.path, await schemaVersion(database), migrations.length);
  return applied;
}
