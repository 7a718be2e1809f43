/**
 * Who writes, and who still lives. Every open store that writes has a row in `writers`; runs and campaigns point at the
 * writer that began them. When one is left 'running', another store decides from that row whether its process died.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Connection } from './sqlite-driver.js';
import { number, text, textOrNull } from './values.js';

/** How often a writer with runs under way says that it lives. */
export const HEARTBEAT_MILLISECONDS = 5_000;
/** A writer that has been silent for this long counts as dead, even where its process id exists. */
export const HEARTBEAT_LIMIT_MILLISECONDS = 60_000;

/** @returns the id under which this store writes */
export async function registerWriter(connection: Connection, now: Date): Promise<number> {
  return insertWriter(connection, null, now);
}

async function insertWriter(connection: Connection, id: number | null, now: Date): Promise<number> {
  const { lastId } = await connection.run(
    'INSERT INTO writers (id, host, pid, process_identity, opened_at, heartbeat_at) VALUES (?, ?, ?, ?, ?, ?)',
    [id, hostname(), process.pid, await processIdentity(process.pid), now.toISOString(), now.toISOString()],
  );
  return lastId;
}

/**
 * Says that this writer lives. Where another store has meanwhile taken it for dead (the computer slept), its runs and
 * campaigns that are still under way are taken back.
 */
export async function beat(
  connection: Connection,
  writerId: number,
  open: { runs: Iterable<number>; campaigns: Iterable<number> },
  now: Date,
): Promise<void> {
  const { changes } = await connection.run('UPDATE writers SET heartbeat_at = ? WHERE id = ?', [
    now.toISOString(),
    writerId,
  ]);
  if (changes > 0) {
    return;
  }
  await insertWriter(connection, writerId, now);
  for (const [table, ids] of [
    ['runs', open.runs],
    ['campaigns', open.campaigns],
  ] as const) {
    const reason = table === 'runs' ? ', reason = NULL' : '';
    await connection.runMany(
      `UPDATE ${table} SET status = 'running', finished_at = NULL, writer_id = ?${reason}
       WHERE id = ? AND status = 'interrupted'`,
      [...ids].map((id) => [writerId, id]),
    );
  }
}

/**
 * Marks what dead writers left 'running' as 'interrupted', and forgets those writers. Runs of living ones, this one
 * included, are not touched.
 *
 * @returns ids of the runs that were marked
 */
export async function markInterrupted(connection: Connection, ownId: number, now: Date): Promise<number[]> {
  const writers = await connection.all('SELECT id, host, pid, process_identity, heartbeat_at FROM writers');
  const marked: number[] = [];
  for (const writer of writers) {
    const id = number(writer, 'id');
    const alive = await isAlive(
      {
        host: text(writer, 'host'),
        pid: number(writer, 'pid'),
        processIdentity: textOrNull(writer, 'process_identity'),
        heartbeatAt: text(writer, 'heartbeat_at'),
      },
      now,
    );
    if (id !== ownId && !alive) {
      marked.push(...(await interruptWork(connection, id, now)));
      await connection.run('DELETE FROM writers WHERE id = ?', [id]);
    }
  }
  return marked;
}

/** Marks everything this writer left 'running' as 'interrupted'. @returns ids of the runs */
export async function interruptWork(connection: Connection, writerId: number, now: Date): Promise<number[]> {
  const rows = await connection.all(
    `UPDATE runs SET status = 'interrupted', finished_at = ?,
       reason = 'the program ended before the run did; run the campaign again to repeat it'
     WHERE writer_id = ? AND status = 'running' RETURNING id`,
    [now.toISOString(), writerId],
  );
  await connection.run(
    `UPDATE campaigns SET status = 'interrupted', finished_at = ? WHERE writer_id = ? AND status = 'running'`,
    [now.toISOString(), writerId],
  );
  return rows.map((row) => number(row, 'id'));
}

interface WriterLife {
  host: string;
  pid: number;
  processIdentity: string | null;
  heartbeatAt: string;
}

/** Of a writer on another host (a copied or shared file) only the heartbeat is known. */
async function isAlive(writer: WriterLife, now: Date): Promise<boolean> {
  // A heartbeat from the future (a clock that was set back) counts as silence too, once it is far enough off.
  const silence = Math.abs(now.getTime() - Date.parse(writer.heartbeatAt));
  if (!(silence <= HEARTBEAT_LIMIT_MILLISECONDS)) {
    return false;
  }
  if (writer.host !== hostname()) {
    return true;
  }
  return processExists(writer.pid) && (await processIdentity(writer.pid)) === writer.processIdentity;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Boot and start time of a process, which a later process with the same id does not share. Linux only: field 22 of
 * /proc/PID/stat (see proc_pid_stat(5)); null elsewhere, where the heartbeat has to do.
 */
async function processIdentity(pid: number): Promise<string | null> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
    const status = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything; fields are counted after it.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return `${boot}:${fields[19]}`;
  } catch {
    return null;
  }
}
