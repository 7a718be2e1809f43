/**
 * Looks at a file before SQLite does, so that somebody else's file is never touched: the first 100 bytes of a database
 * file are documented at https://www.sqlite.org/fileformat2.html, section 1.3.
 */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '../common/errors.js';

/** `BBcH`: marks a database as Brownout Bench's own in the header's application id. */
export const APPLICATION_ID = 0x42426348;

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';

export interface DatabaseFile {
  /** `new`: missing or empty. */
  state: 'new' | 'existing';
}

/**
 * Refuses every file that Brownout Bench must not open, without changing anything on disk.
 *
 * @param newestVersion the highest migration this program knows
 * @throws InputError `not-a-database`, `foreign-database`, `newer-database`, `truncated-database`, `no-such-database`,
 *   `no-such-folder`
 */
export async function inspectDatabaseFile(
  path: string,
  readOnly: boolean,
  newestVersion: number,
): Promise<DatabaseFile> {
  const status = await statOrUndefined(path);
  if (status === undefined || (status.isFile() && status.size === 0)) {
    if (readOnly) {
      throw new InputError({
        code: 'no-such-database',
        place: path,
        message: status === undefined ? 'there is no such file' : 'the file is empty',
        remedy: 'Check the path given with --db, or make runs first: brownout run CAMPAIGN.yaml --db FILE',
      });
    }
    const folder = await statOrUndefined(dirname(path));
    if (!folder?.isDirectory()) {
      throw new InputError({
        code: 'no-such-folder',
        place: path,
        message: `the folder ${dirname(path)} does not exist`,
        remedy: 'Create the folder first, or check the path given with --db',
      });
    }
    return { state: 'new' };
  }
  if (!status.isFile()) {
    throw notADatabase(path, status.isDirectory() ? 'this is a folder' : 'this is no ordinary file');
  }
  const header = await readHeader(path);
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw notADatabase(path, 'the file is not an SQLite database');
  }
  const applicationId = header.readUInt32BE(68);
  if (applicationId !== APPLICATION_ID) {
    throw new InputError({
      code: 'foreign-database',
      place: path,
      message: `the database belongs to another application (application id 0x${applicationId.toString(16)})`,
      remedy: 'Give --db a database made by Brownout Bench, or a new file name. Nothing was changed',
    });
  }
  assertNotNewer(path, header.readUInt32BE(60), newestVersion);
  await assertComplete(path, header, status.size);
  return { state: 'existing' };
}

/** @throws InputError `newer-database` */
export function assertNotNewer(path: string, version: number, newestVersion: number): void {
  if (version > newestVersion) {
    throw new InputError({
      code: 'newer-database',
      place: path,
      message: `the database has schema version ${version}; this program knows versions up to ${newestVersion}`,
      remedy: 'Update Brownout Bench, or use another --db. Nothing was changed',
    });
  }
}

/**
 * A file shorter than its header says was cut off in copying. Not told where a write-ahead log or a rollback journal
 * lies beside it: then SQLite can and will bring the file to its proper length.
 */
async function assertComplete(path: string, header: Buffer, bytes: number): Promise<void> {
  const storedPageBytes = header.readUInt16BE(16);
  const pageBytes = storedPageBytes === 1 ? 65536 : storedPageBytes;
  const pages = header.readUInt32BE(28);
  // The page count is only valid when the last writer was one that kept it.
  const valid = header.readUInt32BE(24) === header.readUInt32BE(92);
  if (!valid || bytes >= pages * pageBytes) {
    return;
  }
  for (const suffix of ['-wal', '-journal']) {
    const beside = await statOrUndefined(path + suffix);
    if (beside !== undefined && beside.size > 0) {
      return;
    }
  }
  throw new InputError({
    code: 'truncated-database',
    place: path,
    message: `the file is cut off: ${bytes} bytes of ${pages * pageBytes}`,
    remedy: 'Copy it again from where it came from, or use another --db. Nothing was changed',
  });
}

function notADatabase(path: string, message: string): InputError {
  return new InputError({
    code: 'not-a-database',
    place: path,
    message,
    remedy: 'Give --db a database made by Brownout Bench, or a new file name. Nothing was changed',
  });
}

async function readHeader(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const buffer = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(buffer, 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function statOrUndefined(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): InputError {
  return new InputError({
    code: 'unreadable-database',
    place: path,
    message: `the file cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: 'Check its permissions, or use another --db',
    cause,
  });
}
