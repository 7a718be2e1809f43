/** The only file that knows the `sqlite3` package: promises, one queue per connection, the bench's own errors. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { pathToFileURL } from 'node:url';
import sqlite3 from 'sqlite3';
import { BenchError, RunError } from '../common/errors.js';

export type SqlValue = null | number | string | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

export interface RunResult {
  /** Rows inserted, changed or deleted. */
  changes: number;
  /** Row id of the last INSERT on the connection. */
  lastId: number;
}

/** What SQL can be done with: a database, or one open transaction of it. */
export interface Connection {
  run(sql: string, parameters?: readonly SqlValue[]): Promise<RunResult>;
  /** Runs one statement once per entry of `rows`, prepared once. */
  runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void>;
  all(sql: string, parameters?: readonly SqlValue[]): Promise<SqlRow[]>;
  get(sql: string, parameters?: readonly SqlValue[]): Promise<SqlRow | undefined>;
  /** Runs any number of statements without parameters. */
  exec(sql: string): Promise<void>;
}

/**
 * `immutable` reads a file that nobody writes, without the -wal and -shm files that a reader otherwise needs: for
 * read-only media.
 */
export type OpenMode = 'read-write-create' | 'read-only' | 'immutable';

/** How long a statement waits for another process's write before it gives up. */
export const BUSY_TIMEOUT_MILLISECONDS = 10_000;

/** SQLite's own error with its symbolic code (`SQLITE_BUSY`), kept apart so that callers can tell them. */
export class SqliteFailure extends RunError {
  readonly sqliteCode: string;
  constructor(place: string, sqliteCode: string, message: string, cause: unknown) {
    super({
      code: 'database-error',
      place,
      message,
      remedy: REMEDIES.get(sqliteCode) ?? 'Check the file with: brownout doctor',
      cause,
    });
    this.sqliteCode = sqliteCode;
  }
}

const REMEDIES = new Map([
  [
    'SQLITE_BUSY',
    'Another program has been writing to this file for a long time; close it, then repeat the command',
  ],
  ['SQLITE_FULL', 'The disk is full; free some space, then repeat the command. Finished runs are safe'],
  ['SQLITE_READONLY', 'The file or its folder cannot be written; change its permissions or use another --db'],
  ['SQLITE_CANTOPEN', 'Check that the folder exists and that you may read and write in it'],
  ['SQLITE_IOERR', 'The disk reported an error; check it, and copy the file to another disk'],
  ['SQLITE_CORRUPT', 'The file is damaged; restore it from a copy, or use another --db'],
  ['SQLITE_NOTADB', 'The file is damaged or no database; restore it from a copy, or use another --db'],
]);

/**
 * One connection. Everything on it is queued: a statement never runs inside somebody else's transaction, and two
 * transactions never overlap.
 */
export class SqliteDatabase implements Connection {
  readonly path: string;
  readonly #handle: sqlite3.Database;
  readonly #direct: DirectConnection;
  /** Ends when the last queued piece of work has. */
  #queue: Promise<void> = Promise.resolve();
  /** Set in code that runs inside a transaction, where waiting for the queue would wait for ever. */
  readonly #insideTransaction = new AsyncLocalStorage<true>();
  #closed = false;

  private constructor(path: string, handle: sqlite3.Database) {
    this.path = path;
    this.#handle = handle;
    this.#direct = new DirectConnection(path, handle);
  }

  /**
   * Opens a connection with foreign keys on and the busy timeout set. Looks at nothing in the file: that is for
   * database-file.ts, before this is called.
   *
   * @throws SqliteFailure when SQLite cannot open the file
   */
  static async open(path: string, mode: OpenMode): Promise<SqliteDatabase> {
    const flags = {
      'read-write-create': sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE,
      'read-only': sqlite3.OPEN_READONLY,
      immutable: sqlite3.OPEN_READONLY | sqlite3.OPEN_URI,
    }[mode];
    const name = mode === 'immutable' ? `${pathToFileURL(path).href}?immutable=1` : path;
    const handle = await new Promise<sqlite3.Database>((resolve, reject) => {
      const opened: sqlite3.Database = new sqlite3.Database(name, flags | sqlite3.OPEN_FULLMUTEX, (error) => {
        if (error) {
          reject(failure(path, error));
        } else {
          resolve(opened);
        }
      });
    });
    handle.configure('busyTimeout', BUSY_TIMEOUT_MILLISECONDS);
    const database = new SqliteDatabase(path, handle);
    await database.exec('PRAGMA foreign_keys = ON');
    return database;
  }

  run(sql: string, parameters: readonly SqlValue[] = []): Promise<RunResult> {
    return this.#enqueue(() => this.#direct.run(sql, parameters));
  }

  runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void> {
    return this.#enqueue(() => this.#direct.runMany(sql, rows));
  }

  all(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow[]> {
    return this.#enqueue(() => this.#direct.all(sql, parameters));
  }

  get(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow | undefined> {
    return this.#enqueue(() => this.#direct.get(sql, parameters));
  }

  exec(sql: string): Promise<void> {
    return this.#enqueue(() => this.#direct.exec(sql));
  }

  /**
   * Does `work` in one transaction: all of it is stored, or, when it throws, none. The write lock is taken at the
   * start (BEGIN IMMEDIATE), so that a transaction that has begun cannot fail for another writer.
   *
   * @param work must use the connection it is given, not the database
   */
  transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#inTransaction('BEGIN IMMEDIATE', work);
  }

  /** Several reads of one and the same state of the database, while other processes may write. */
  snapshot<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#inTransaction('BEGIN', work);
  }

  /** Waits for everything queued, then closes. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    const closing = this.#enqueue(
      () => new Promise<void>((resolve, reject) => this.#handle.close(settle(this.path, resolve, reject))),
    );
    this.#closed = true;
    await closing;
  }

  #inTransaction<Result>(begin: string, work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#enqueue(async () => {
      await this.#direct.exec(begin);
      try {
        const result = await this.#insideTransaction.run(true, () => work(this.#direct));
        await this.#direct.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite may have rolled back by itself (disk full); the first error is the one to tell.
        await this.#direct.exec('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  #enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) {
      return Promise.reject(
        new RunError({
          code: 'database-closed',
          place: this.path,
          message: 'the database has been closed already',
          remedy: 'This is a fault of Brownout Bench; please report it',
        }),
      );
    }
    if (this.#insideTransaction.getStore()) {
      return Promise.reject(
        new Error('inside a transaction its own connection must be used; the database would wait for itself'),
      );
    }
    const result = this.#queue.then(work);
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}

/** Statements straight to SQLite, without the queue: what a transaction works with. */
class DirectConnection implements Connection {
  constructor(
    private readonly path: string,
    private readonly handle: sqlite3.Database,
  ) {}

  run(sql: string, parameters: readonly SqlValue[] = []): Promise<RunResult> {
    const { path, handle } = this;
    return new Promise((resolve, reject) => {
      handle.run(sql, bindable(parameters), function (this: sqlite3.RunResult, error: Error | null) {
        if (error) {
          reject(failure(path, error));
        } else {
          resolve({ changes: this.changes, lastId: this.lastID });
        }
      });
    });
  }

  async runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void> {
    const { path, handle } = this;
    const statement = await new Promise<sqlite3.Statement>((resolve, reject) => {
      const prepared: sqlite3.Statement = handle.prepare(sql, (error: Error | null) => {
        if (error) {
          reject(failure(path, error));
        } else {
          resolve(prepared);
        }
      });
    });
    try {
      for (const row of rows) {
        await new Promise<void>((resolve, reject) => {
          statement.run(bindable(row), settle(path, resolve, reject));
        });
      }
    } finally {
      await new Promise<void>((resolve) => statement.finalize(() => resolve()));
    }
  }

  all(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow[]> {
    const { path, handle } = this;
    return new Promise((resolve, reject) => {
      handle.all<SqlRow>(sql, bindable(parameters), (error, rows) => {
        if (error) {
          reject(failure(path, error));
        } else {
          resolve(rows);
        }
      });
    });
  }

  get(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow | undefined> {
    const { path, handle } = this;
    return new Promise((resolve, reject) => {
      handle.get<SqlRow | undefined>(sql, bindable(parameters), (error, row) => {
        if (error) {
          reject(failure(path, error));
        } else {
          resolve(row);
        }
      });
    });
  }

  exec(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.handle.exec(sql, settle(this.path, resolve, reject));
    });
  }
}

/** The package binds Buffers as BLOBs, but no other typed array. */
function bindable(parameters: readonly SqlValue[]): (null | number | string | Buffer)[] {
  return parameters.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value,
  );
}

function settle(path: string, resolve: () => void, reject: (error: Error) => void) {
  return (error: Error | null | undefined): void => {
    if (error) {
      reject(failure(path, error));
    } else {
      resolve();
    }
  };
}

function failure(path: string, error: Error): Error {
  if (error instanceof BenchError) {
    return error;
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'SQLITE_ERROR';
  return new SqliteFailure(path, code, `SQLite reports ${error.message}`, error);
}
