import { dirname } from 'node:path';
import { defaultDatabasePath } from '../common/data-folder.js';
import { makeFolder } from '../common/make-folder.js';
import { productVersions } from '../common/versions.js';
import { renderHtml } from '../report/html/html.js';
import { readReportRuns } from '../report/write-report.js';
import { openStore } from '../store/store.js';
import { examine } from './doctor.js';
import { campaignEngine, exampleCampaign } from './engine.js';
import { createService } from './service.js';
import type { Service } from './service.js';

export interface OpenServiceOptions {
  /** Created when it does not exist; its folder only where it is the default one. */
  databasePath: string;
  host: 'electron' | 'browser';
  /** Whether the Electron runtime can be used, and where it is or why not: only a host knows. */
  electron: { usable: boolean; detail: string };
}

/**
 * Puts the service together from the real parts of the bench. Rejects with InputError when the data base cannot be
 * used; nothing on disk is changed then.
 */
export async function openService(options: OpenServiceOptions): Promise<Service> {
  if (options.databasePath === defaultDatabasePath()) {
    await makeFolder(dirname(options.databasePath));
  }
  const store = await openStore(options.databasePath);
  const versions = productVersions();
  return createService({
    info: {
      name: 'Brownout Bench',
      version: versions['brownout-bench'],
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
    engine: campaignEngine(store),
    example: exampleCampaign,
    doctor: () => examine({ databasePath: store.path, electron: options.electron }),
    onDefect: (error, call) => {
      console.error(`${call}:`, error);
    },
  });
}
