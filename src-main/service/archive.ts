/** `brownout runs`, `compare` and `report`: reading what is stored. */
import { assertReportFormat, readReportRuns, writeReport } from '../report/write-report.js';
import { parseFilter } from '../store/filter.js';
import { openStore, type Store } from '../store/store.js';
import type { RunDetail, RunRow } from '../store/types.js';

/** @throws InputError for a database that is not one, or a filter that cannot be read */
export async function listRuns(
  databasePath: string,
  where: string,
  limit: number,
): Promise<{ rows: RunRow[]; total: number }> {
  const filters = parseFilter(where);
  return reading(databasePath, (store) =>
    store.listRuns({ filters, sortBy: 'id', descending: false, limit, offset: 0 }),
  );
}

/** @throws InputError for a run that is not stored */
export async function readRuns(databasePath: string, ids: number[]): Promise<RunDetail[]> {
  return reading(databasePath, (store) => Promise.all(ids.map((id) => store.getRun(id))));
}

/**
 * Writes a report of stored runs; the ending of `outPath` chooses its form.
 * @param command the command line that asks for it, for the appendix; empty where a window does
 * @throws InputError for an ending that is not known, a run that is not stored, a path that cannot be written
 */
export async function reportRuns(
  databasePath: string,
  ids: number[],
  outPath: string,
  command: string[],
): Promise<void> {
  assertReportFormat(outPath);
  const runs = await reading(databasePath, (store) => readReportRuns(store, ids));
  await writeReport(outPath, { runs, command });
}

async function reading<Result>(
  databasePath: string,
  work: (store: Store) => Promise<Result>,
): Promise<Result> {
  const store = await openStore(databasePath, { readOnly: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
