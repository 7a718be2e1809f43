/** The store: one SQLite file of campaigns, runs, traces and the files they were made from. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Artifact, RunOutcome, TraceChannel } from '../campaign/types.js';
import { InputError } from '../common/errors.js';
import { resourcePath } from '../common/resources.js';
import { getArtifact, putArtifact } from './artifacts.js';
import {
  endCampaign,
  findFinishedCells,
  insertCampaign,
  listCampaigns,
  type NewCampaign,
} from './campaigns.js';
import { inspectDatabaseFile } from './database-file.js';
import { migrate, readMigrations, schemaVersion } from './migrate.js';
import { insertRun, listRuns, readRun, storeFailure, storeOutcome, type NewRun } from './runs.js';
import { BUSY_TIMEOUT_MILLISECONDS, SqliteDatabase, SqliteFailure } from './sqlite-driver.js';
import { insertTraces, packTrace, readTrace } from './traces.js';
import type {
  CampaignRow,
  CampaignSummary,
  RunDetail,
  RunQuery,
  RunRow,
  StoredArtifact,
  TraceWindow,
} from './types.js';
import { beat, HEARTBEAT_MILLISECONDS, interruptWork, markInterrupted, registerWriter } from './writers.js';

export type { NewCampaign } from './campaigns.js';
export type { NewRun } from './runs.js';

export interface Store {
  /** Absolute path of the database file. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Runs of dead processes that opening this store has marked as interrupted. */
  readonly interruptedRuns: readonly number[];

  createCampaign(campaign: NewCampaign): Promise<number>;
  finishCampaign(id: number, status: Exclude<CampaignRow['status'], 'running'>): Promise<void>;
  /** Newest first. */
  listCampaigns(): Promise<CampaignSummary[]>;
  /**
   * For resuming: cells of any campaign with this source (SHA-256 of its bytes) that have finished or were shown not
   * to terminate, with the newest such run of each. Failed, cancelled and interrupted cells are not among them.
   */
  findFinishedCells(campaignSha256: string): Promise<ReadonlyMap<string, number>>;

  /** Stores the configuration before the run starts, with status 'running'. @returns the run's id */
  createRun(run: NewRun): Promise<number>;
  /**
   * Stores everything that came out of a run, in one transaction: after a crash it is there as a whole or not at all.
   *
   * @throws RunError `run-not-open` when the run has ended already
   */
  completeRun(runId: number, outcome: RunOutcome): Promise<void>;
  /** Ends a run that came to no outcome at all. @throws RunError `run-not-open` */
  failRun(runId: number, reason: string): Promise<void>;
  /** Marks runs and campaigns that dead processes left 'running'. Opening for writing does this already. */
  markInterrupted(): Promise<number[]>;

  /** @throws InputError `unknown-column`, `invalid-filter` */
  listRuns(query: RunQuery): Promise<{ rows: RunRow[]; total: number }>;
  /** @throws InputError `no-such-run` */
  getRun(id: number): Promise<RunDetail>;
  /** @returns null when the run has no such channel */
  getTrace(
    runId: number,
    channel: TraceChannel['channel'],
    window?: TraceWindow,
  ): Promise<TraceChannel | null>;

  /** Keeps the bytes once, however often they are put. @returns their SHA-256 */
  putArtifact(artifact: Omit<Artifact, 'sha256'>): Promise<string>;
  /** @returns null when nothing with this hash is stored */
  getArtifact(sha256: string): Promise<StoredArtifact | null>;

  /** What SQLite finds wrong with the file, line by line; empty when it is sound. Reads the whole file. */
  integrityCheck(): Promise<string[]>;
  /** Marks runs that are still open as interrupted, then closes. Safe to call twice. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Changes nothing, and needs a file that exists. */
  readOnly?: boolean;
  /** Where the time of day comes from; for tests. */
  clock?: () => Date;
}

/**
 * Opens a database file, making it where there is none, and brings it to the newest schema. A file that is not a
 * database of this program is refused before anything is changed on disk.
 *
 * @throws InputError `not-a-database`, `foreign-database`, `newer-database`, `older-database`, `truncated-database`,
 *   `damaged-database`, `no-such-database`, `no-such-folder`, `unreadable-database`, `unwritable-database`
 */
export async function openStore(path: string, options: OpenOptions = {}): Promise<Store> {
  const { readOnly = false, clock = () => new Date() } = options;
  const file = resolve(path);
  const migrations = await readMigrations(resourcePath('migrations'));
  if (readOnly) {
    await inspectDatabaseFile(file, true, migrations.length);
  } else {
    await assertUsableDatabase(file);
  }
  try {
    if (readOnly) {
      const besideBefore = await exists(`${file}-wal`);
      const database = await openForReading(file, migrations.length);
      return new SqliteStore(database, null, [], clock, () =>
        besideBefore ? Promise.resolve() : removeOwnTraces(file),
      );
    }
    const database = await SqliteDatabase.open(file, 'read-write-create');
    return await orClose(database, async () => {
      await migrate(database, migrations);
      await useWriteAheadLog(database);
      const writer = await database.transaction((connection) => registerWriter(connection, clock()));
      const interrupted = await database.transaction((connection) =>
        markInterrupted(connection, writer, clock()),
      );
      return new SqliteStore(database, writer, interrupted, clock, () => Promise.resolve());
    });
  } catch (error) {
    throw damagedOr(error, file);
  }
}

/**
 * Refuses what openStore would refuse, without making or changing anything on disk.
 * @throws InputError as openStore, and `unwritable-database`
 */
export async function assertUsableDatabase(path: string): Promise<void> {
  const file = resolve(path);
  const { state } = await inspectDatabaseFile(
    file,
    false,
    (await readMigrations(resourcePath('migrations'))).length,
  );
  // SQLite makes its log beside the file, so the folder counts in both cases.
  for (const place of state === 'existing' ? [file, dirname(file)] : [dirname(file)]) {
    try {
      await access(place, constants.W_OK);
    } catch (cause) {
      throw new InputError({
        code: 'unwritable-database',
        place: file,
        message:
          place === file ? 'the file may not be written' : `nothing may be written in the folder ${place}`,
        remedy: 'Change the permissions, or use another --db',
        cause,
      });
    }
  }
}

async function openForReading(file: string, newestVersion: number): Promise<SqliteDatabase> {
  const open = async (mode: 'read-only' | 'immutable') => {
    const database = await SqliteDatabase.open(file, mode);
    return orClose(database, async () => {
      const version = await schemaVersion(database);
      // The version stands in the header; this reads the schema itself, and finds out whether it can be read.
      await database.get('SELECT count(*) FROM sqlite_schema');
      if (version < newestVersion) {
        throw new InputError({
          code: 'older-database',
          place: file,
          message: `the database has schema version ${version}; this program reads version ${newestVersion}`,
          remedy: 'Open it once for writing, which brings it up to date: brownout serve --db FILE',
        });
      }
      return database;
    });
  };
  try {
    return await open('read-only');
  } catch (error) {
    // A reader needs the -shm file, which a read-only medium cannot hold. Without a write-ahead log the file itself is
    // all there is, and nobody can be writing to it there.
    const refused =
      error instanceof SqliteFailure && ['SQLITE_CANTOPEN', 'SQLITE_READONLY'].includes(error.sqliteCode);
    if (refused && !(await exists(`${file}-wal`))) {
      return open('immutable');
    }
    throw error;
  }
}

/**
 * A reader makes an empty -wal and a -shm file that it may not delete. A writing connection that is the last to close
 * does, under SQLite's own locks; where another program has the file open by now, or the file cannot be written, they
 * stay and do no harm.
 */
async function removeOwnTraces(file: string): Promise<void> {
  if (!(await exists(`${file}-wal`))) {
    return;
  }
  try {
    const database = await SqliteDatabase.open(file, 'read-write-create');
    await orClose(database, () => database.get('SELECT count(*) FROM sqlite_schema'));
    await database.close();
  } catch (error) {
    if (!(error instanceof SqliteFailure)) {
      throw error;
    }
  }
}

/**
 * Readers then never wait for the writer, and a killed writer leaves a file that opens by itself. The change needs the
 * file for itself for a moment, and SQLite does not wait for that on its own.
 */
async function useWriteAheadLog(database: SqliteDatabase): Promise<void> {
  const pauseMilliseconds = 50;
  for (let waited = 0; ; waited += pauseMilliseconds) {
    try {
      await database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      const busy = error instanceof SqliteFailure && error.sqliteCode === 'SQLITE_BUSY';
      if (!busy || waited >= BUSY_TIMEOUT_MILLISECONDS) {
        throw error;
      }
      await sleep(pauseMilliseconds);
    }
  }
}

async function orClose<Result>(database: SqliteDatabase, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await database.close();
    throw error;
  }
}

function damagedOr(error: unknown, file: string): unknown {
  const damaged =
    error instanceof SqliteFailure && ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].includes(error.sqliteCode);
  return damaged
    ? new InputError({
        code: 'damaged-database',
        place: file,
        message: `the database is damaged (${error.reason})`,
        remedy: 'Restore it from a copy, or use another --db',
        cause: error,
      })
    : error;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

class SqliteStore implements Store {
  readonly path: string;
  readonly readOnly: boolean;
  /** What this store has begun and not ended. */
  readonly #open = { runs: new Set<number>(), campaigns: new Set<number>() };
  #heartbeat: NodeJS.Timeout | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    private readonly database: SqliteDatabase,
    /** Null when opened for reading. */
    private readonly writerId: number | null,
    readonly interruptedRuns: readonly number[],
    private readonly clock: () => Date,
    private readonly afterClose: () => Promise<void>,
  ) {
    this.path = database.path;
    this.readOnly = writerId === null;
  }

  async createCampaign(campaign: NewCampaign): Promise<number> {
    const writer = this.#requireWriter();
    const id = await this.database.transaction((connection) =>
      insertCampaign(connection, campaign, writer, this.clock()),
    );
    this.#open.campaigns.add(id);
    this.#startHeartbeat();
    return id;
  }

  async finishCampaign(id: number, status: Exclude<CampaignRow['status'], 'running'>): Promise<void> {
    this.#requireWriter();
    await this.database.transaction((connection) => endCampaign(connection, id, status, this.clock()));
    this.#open.campaigns.delete(id);
    this.#stopIdleHeartbeat();
  }

  listCampaigns(): Promise<CampaignSummary[]> {
    return listCampaigns(this.database);
  }

  findFinishedCells(campaignSha256: string): Promise<ReadonlyMap<string, number>> {
    return findFinishedCells(this.database, campaignSha256);
  }

  async createRun(run: NewRun): Promise<number> {
    const writer = this.#requireWriter();
    const id = await this.database.transaction((connection) =>
      insertRun(connection, run, writer, this.clock()),
    );
    this.#open.runs.add(id);
    this.#startHeartbeat();
    return id;
  }

  async completeRun(runId: number, outcome: RunOutcome): Promise<void> {
    this.#requireWriter();
    const traces = await Promise.all(outcome.traces.map((trace) => packTrace(runId, trace)));
    await this.database.transaction(async (connection) => {
      await storeOutcome(connection, runId, outcome, this.clock());
      await insertTraces(connection, traces);
    });
    this.#open.runs.delete(runId);
    this.#stopIdleHeartbeat();
  }

  async failRun(runId: number, reason: string): Promise<void> {
    this.#requireWriter();
    await this.database.transaction((connection) => storeFailure(connection, runId, reason, this.clock()));
    this.#open.runs.delete(runId);
    this.#stopIdleHeartbeat();
  }

  markInterrupted(): Promise<number[]> {
    const writer = this.#requireWriter();
    return this.database.transaction((connection) => markInterrupted(connection, writer, this.clock()));
  }

  listRuns(query: RunQuery): Promise<{ rows: RunRow[]; total: number }> {
    return this.database.snapshot((connection) => listRuns(connection, query));
  }

  async getRun(id: number): Promise<RunDetail> {
    const detail = await this.database.snapshot((connection) => readRun(connection, id));
    if (detail === null) {
      throw new InputError({
        code: 'no-such-run',
        place: this.path,
        message: `there is no run ${id} in this database`,
        remedy: `List its runs with: brownout runs --db ${this.path}`,
      });
    }
    return detail;
  }

  getTrace(
    runId: number,
    channel: TraceChannel['channel'],
    window: TraceWindow = {},
  ): Promise<TraceChannel | null> {
    return readTrace(this.database, runId, channel, window);
  }

  putArtifact(artifact: Omit<Artifact, 'sha256'>): Promise<string> {
    this.#requireWriter();
    return this.database.transaction((connection) => putArtifact(connection, artifact, this.clock()));
  }

  getArtifact(sha256: string): Promise<StoredArtifact | null> {
    return getArtifact(this.database, sha256);
  }

  async integrityCheck(): Promise<string[]> {
    const findings: string[] = [];
    try {
      for (const row of await this.database.all('PRAGMA integrity_check')) {
        if (row['integrity_check'] !== 'ok') {
          findings.push(String(row['integrity_check']));
        }
      }
      for (const row of await this.database.all('PRAGMA foreign_key_check')) {
        findings.push(`row ${String(row['rowid'])} of ${String(row['table'])} refers to nothing`);
      }
    } catch (error) {
      // Damage may be such that the check itself cannot go on.
      if (!(error instanceof SqliteFailure)) {
        throw error;
      }
      findings.push(error.reason);
    }
    return findings;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#heartbeat ?? undefined);
    const { writerId } = this;
    try {
      if (writerId !== null) {
        await this.database.transaction(async (connection) => {
          await interruptWork(connection, writerId, this.clock());
          await connection.run('DELETE FROM writers WHERE id = ?', [writerId]);
        });
      }
    } finally {
      await this.database.close();
    }
    await this.afterClose();
  }

  #requireWriter(): number {
    if (this.writerId === null) {
      throw new InputError({
        code: 'read-only-database',
        place: this.path,
        message: 'the database was opened for reading only',
        remedy: 'Open it for writing to store runs in it',
      });
    }
    return this.writerId;
  }

  #startHeartbeat(): void {
    if (this.#heartbeat === null) {
      this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MILLISECONDS);
      // The heartbeat alone must not keep a program from ending.
      this.#heartbeat.unref();
      this.#beat();
    }
  }

  #stopIdleHeartbeat(): void {
    if (this.#open.runs.size + this.#open.campaigns.size === 0) {
      clearInterval(this.#heartbeat ?? undefined);
      this.#heartbeat = null;
    }
  }

  #beat(): void {
    const writer = this.#requireWriter();
    this.database
      .transaction((connection) => beat(connection, writer, this.#open, this.clock()))
      // A beat that found the file busy is made good by the next; a lasting fault shows when a run is stored.
      .catch(() => undefined);
  }
}
