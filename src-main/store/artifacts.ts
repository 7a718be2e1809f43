/** Files that runs were made from: stored once under the hash of their bytes, compressed. */
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { Artifact } from '../campaign/types.js';
import { RunError } from '../common/errors.js';
import { sha256 } from '../common/sha256.js';
import type { Connection } from './sqlite-driver.js';
import type { StoredArtifact } from './types.js';
import { blob, number, text } from './values.js';

// On Node's thread pool, so that a large model does not hold up the caller.
const compress = promisify(deflate);
const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate);

const KINDS: readonly Artifact['kind'][] = [
  'model',
  'data',
  'calibration',
  'harvest',
  'image',
  'firmware',
  'campaign',
];

/** @returns the hash under which the bytes are kept; storing the same bytes again changes nothing */
export async function putArtifact(
  connection: Connection,
  artifact: Omit<Artifact, 'sha256'>,
  now: Date,
): Promise<string> {
  const hash = sha256(artifact.bytes);
  if (await connection.get('SELECT 1 FROM artifacts WHERE sha256 = ?', [hash])) {
    return hash;
  }
  await connection.run(
    `INSERT INTO artifacts (sha256, kind, name, created_at, byte_length, content)
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
    [
      hash,
      artifact.kind,
      artifact.name,
      now.toISOString(),
      artifact.bytes.byteLength,
      await compress(artifact.bytes),
    ],
  );
  return hash;
}

/**
 * @returns null when there is no artifact with this hash
 * @throws RunError `damaged-artifact` when the bytes no longer have the hash they are stored under
 */
export async function getArtifact(connection: Connection, hash: string): Promise<StoredArtifact | null> {
  const row = await connection.get('SELECT * FROM artifacts WHERE sha256 = ?', [hash]);
  if (row === undefined) {
    return null;
  }
  const name = text(row, 'name');
  let bytes: Uint8Array;
  try {
    bytes = await unpack(blob(row, 'content'), number(row, 'byte_length'));
  } catch (error) {
    throw damaged(name, hash, error);
  }
  if (sha256(bytes) !== hash) {
    throw damaged(name, hash, undefined);
  }
  const kind = KINDS.find((known) => known === row['kind']);
  if (kind === undefined) {
    throw damaged(name, hash, undefined);
  }
  return { sha256: hash, kind, name, createdAt: text(row, 'created_at'), bytes };
}

/** zlib stream of the bytes. */
export async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes);
}

/**
 * @param expectedBytes length after decompression; never allocates more
 * @throws Error when the stream is damaged or has another length
 */
export async function unpack(packed: Uint8Array, expectedBytes: number): Promise<Uint8Array> {
  // maxOutputLength must be at least 1.
  const bytes = await decompress(packed, { maxOutputLength: Math.max(1, expectedBytes) });
  if (bytes.byteLength !== expectedBytes) {
    throw new RangeError(`${bytes.byteLength} bytes instead of ${expectedBytes}`);
  }
  return bytes;
}

function damaged(name: string, hash: string, cause: unknown): RunError {
  return new RunError({
    code: 'damaged-artifact',
    place: `artifact ${name} (${hash.slice(0, 12)})`,
    message: 'the stored bytes no longer have the hash they were stored under',
    remedy: 'The database file is damaged; restore it from a copy',
    cause,
  });
}
