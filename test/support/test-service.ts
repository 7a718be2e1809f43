import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { EventMessage } from '../../src-main/service/manifest.js';
import { createService, type Service } from '../../src-main/service/service.js';
import { openStore, type Store } from '../../src-main/store/store.js';
import { syntheticEngine, type SyntheticOptions } from './synthetic-engine.js';
import { temporaryFolder } from './temporary-folder.js';

export interface TestService {
  service: Service;
  store: Store;
  events: EventMessage[];
}

/** The service over a real store in a folder of its own, with an engine that needs neither compiler nor board. */
export async function openTestService(
  context: TestContext,
  options: Partial<SyntheticOptions> = {},
): Promise<TestService> {
  const store = await openStore(join(await temporaryFolder(context), 'bench.sqlite'));
  const service = createService({
    info: {
      name: 'Brownout Bench',
      version: '0.0.0',
      host: 'browser',
      databasePath: store.path,
      platform: process.platform,
      versions: {},
    },
    archive: {
      listRuns: (query) => store.listRuns(query),
      getRun: (id) => store.getRun(id),
      getTrace: (id, channel, window) => store.getTrace(id, channel, window),
      reportHtml: (ids) => Promise.resolve(`<!doctype html><title>Runs ${ids.join(' ')}</title>`),
      close: () => store.close(),
    },
    engine: syntheticEngine(store, {
      runMilliseconds: 60,
      samplesPerSecond: 2000,
      benchSeconds: 4,
      ...options,
    }),
    example: () => ({ yaml: 'name: Synthetic\n', place: 'example.yaml', folder: '/' }),
    doctor: () => Promise.resolve([]),
    onDefect: (error) => {
      throw error;
    },
  });
  context.after(() => service.close());
  const events: EventMessage[] = [];
  service.subscribe((message) => events.push(message));
  return { service, store, events };
}
