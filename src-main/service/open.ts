import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defaultDatabasePath } from '../common/data-folder.js';
import { RunError } from '../common/errors.js';
import { productVersions } from '../common/versions.js';
import { renderHtml } from '../report/html/html.js';
import { readReportRuns } from '../report/write-report.js';
import { openStore } from '../store/store.js';
import { createService } from './service.js';
import type { Service } from './service.js';

export interface OpenServiceOptions {
  /** Created when it does not exist; its folder only where it is the default one. */
  databasePath: string;
  host: 'electron' | 'browser';
}

/**
 * Puts the service together from the real parts of the bench. Rejects with InputError when the data base cannot be
 * used; nothing on disk is changed then.
 */
export async function openService(options: OpenServiceOptions): Promise<Service> {
  if (options.databasePath === defaultDatabasePath()) {
    await mkdir(dirname(options.databasePath), { recursive: true });
  }
  const store = await openStore(options.databasePath);
  const versions = productVersions();
  const missing = (): never => {
    throw new RunError({
      code: 'not-built-yet',
      place: 'campaign engine',
      message: 'this build has no campaign engine',
      remedy: 'Use a newer build',
    });
  };
  return createService({
    info: {
      name: 'Brownout Bench',
      version: versions['brownout-bench'] ?? 'unknown',
      host: options.host,
      databasePath: store.path,
      platform: process.platform,
      versions,
    },
    archive: {
      listRuns: (query) => store.listRuns(query),
      getRun: (id) => store.getRun(id),
      getTrace: (id, channel, window) => store.getTrace(id, channel, window),
      reportHtml: async (ids) => renderHtml({ runs: await readReportRuns(store, ids), command: [] }),
      close: () => store.close(),
    },
    engine: { check: missing, start: missing },
    example: missing,
    doctor: () => Promise.resolve([]),
    onDefect: (error, call) => console.error(`${call}:`, error),
  });
}
