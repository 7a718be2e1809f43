/** Traces: columnar, compressed, read back in as few points as a plot needs. */
import type { TraceChannel } from '../campaign/types.js';
import { RunError } from '../common/errors.js';
import { pack, unpack } from './artifacts.js';
import type { Connection, SqlValue } from './sqlite-driver.js';
import type { TraceWindow } from './types.js';
import { blob, number, text } from './values.js';

/** The row of trace_channels, compressed before the transaction that stores it begins. */
export async function packTrace(runId: number, trace: TraceChannel): Promise<SqlValue[]> {
  const buckets = trace.times.length;
  if (trace.minima.length !== buckets || trace.maxima.length !== buckets) {
    throw new RangeError(`trace ${trace.channel}: times, minima and maxima must have the same length`);
  }
  const [times, minima, maxima] = await Promise.all(
    [trace.times, trace.minima, trace.maxima].map((column) =>
      // Every system that Node runs the bench on is little-endian, so memory is the stored form.
      pack(new Uint8Array(column.buffer, column.byteOffset, column.byteLength)),
    ),
  );
  return [runId, trace.channel, trace.unit, buckets, times, minima, maxima];
}

export async function insertTraces(connection: Connection, rows: readonly SqlValue[][]): Promise<void> {
  await connection.runMany(
    `INSERT INTO trace_channels (run_id, channel, unit, buckets, times, minima, maxima)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    rows,
  );
}

export async function listChannels(
  connection: Connection,
  runId: number,
): Promise<TraceChannel['channel'][]> {
  const rows = await connection.all('SELECT channel FROM trace_channels WHERE run_id = ? ORDER BY channel', [
    runId,
  ]);
  return rows.flatMap((row) => CHANNELS.filter((channel) => channel === row['channel']));
}

const CHANNELS: readonly TraceChannel['channel'][] = ['capacitorVolts', 'loadAmps', 'powered', 'progress'];
const UNITS: readonly TraceChannel['unit'][] = ['V', 'A', '', '1'];

/**
 * @returns null when the run has no such channel
 * @throws RunError `damaged-trace`
 */
export async function readTrace(
  connection: Connection,
  runId: number,
  channel: TraceChannel['channel'],
  window: TraceWindow,
): Promise<TraceChannel | null> {
  const row = await connection.get(
    'SELECT unit, buckets, times, minima, maxima FROM trace_channels WHERE run_id = ? AND channel = ?',
    [runId, channel],
  );
  if (row === undefined) {
    return null;
  }
  const buckets = number(row, 'buckets');
  const unit = UNITS.find((known) => known === text(row, 'unit')) ?? '';
  try {
    const [times, minima, maxima] = await Promise.all([
      unpack(blob(row, 'times'), buckets * Float64Array.BYTES_PER_ELEMENT),
      unpack(blob(row, 'minima'), buckets * Float32Array.BYTES_PER_ELEMENT),
      unpack(blob(row, 'maxima'), buckets * Float32Array.BYTES_PER_ELEMENT),
    ]);
    const trace: TraceChannel = {
      channel,
      unit,
      times: new Float64Array(aligned(times)),
      minima: new Float32Array(aligned(minima)),
      maxima: new Float32Array(aligned(maxima)),
    };
    return decimate(trace, window);
  } catch (error) {
    throw new RunError({
      code: 'damaged-trace',
      place: `run ${runId}, trace ${channel}`,
      message: 'the stored trace cannot be decompressed',
      remedy: 'The database file is damaged; restore it from a copy. The rest of the run can still be read',
      cause: error,
    });
  }
}

/** A copy that starts at offset 0 of a buffer of its own, as a view of wider elements needs. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/**
 * The buckets that overlap [from, to], with neighbours merged until no more than maxPoints are left. Every extreme of
 * the window survives: a brown-out of one microsecond stays visible in a plot of an hour.
 */
export function decimate(trace: TraceChannel, window: TraceWindow): TraceChannel {
  const { from = -Infinity, to = Infinity, maxPoints = Infinity } = window;
  // Bucket i lasts until bucket i + 1 begins; the one that `from` falls into belongs to the window.
  const begin = Math.max(0, upperBound(trace.times, from) - 1);
  const end = Math.max(begin, upperBound(trace.times, to));
  const count = end - begin;
  const group = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(maxPoints))));
  const points = Math.ceil(count / group);
  const times = new Float64Array(points);
  const minima = new Float32Array(points);
  const maxima = new Float32Array(points);
  for (let point = 0; point < points; point++) {
    const first = begin + point * group;
    const last = Math.min(end, first + group);
    times[point] = trace.times[first];
    minima[point] = trace.minima.subarray(first, last).reduce((a, b) => Math.min(a, b));
    maxima[point] = trace.maxima.subarray(first, last).reduce((a, b) => Math.max(a, b));
  }
  return { channel: trace.channel, unit: trace.unit, times, minima, maxima };
}

/** Index of the first entry greater than `value`; `sorted` ascends. */
function upperBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
