/** `brownout run` and `brownout demo`: a campaign file, a database, and what came of it. */
import { dirname, resolve } from 'node:path';
import { parseCampaign } from '../campaign/definition.js';
import { startCampaign, type CampaignEvent } from '../campaign/engine.js';
import { readInput } from '../campaign/prepare.js';
import { RunError } from '../common/errors.js';
import { openStore } from '../store/store.js';
import type { RunRow } from '../store/types.js';

export interface CampaignFileRequest {
  campaignPath: string;
  databasePath: string;
  /** Run every cell, also those that this very campaign has finished before in this database. */
  again: boolean;
  /** Cells run at the same time; null = all cores. */
  parallelRuns: number | null;
}

export interface CampaignFileResult {
  campaignId: number;
  totalRuns: number;
  skippedRuns: number;
  /** Runs of this call, in the order they were started. */
  rows: RunRow[];
}

/**
 * Runs a campaign file to its end.
 * @throws InputError before anything is stored; RunError `cancelled` when the signal ended it (finished runs stay stored)
 */
export async function runCampaignFile(
  request: CampaignFileRequest,
  hooks: { signal: AbortSignal; onEvent: (event: CampaignEvent) => void },
): Promise<CampaignFileResult> {
  const source = Buffer.from(await readInput(request.campaignPath)).toString('utf8');
  const definition = parseCampaign(source, {
    place: request.campaignPath,
    folder: dirname(resolve(request.campaignPath)),
  });
  const store = await openStore(request.databasePath);
  try {
    const started = await startCampaign(definition, {
      ...hooks,
      store,
      resume: !request.again,
      ...(request.parallelRuns === null ? {} : { parallelRuns: request.parallelRuns }),
    });
    await started.done;
    if (hooks.signal.aborted) {
      throw new RunError({
        code: 'cancelled',
        place: request.campaignPath,
        message: `cancelled with ${started.runIds.length} of ${started.totalRuns} runs started`,
        remedy: 'The same command resumes it',
      });
    }
    const rows = await Promise.all(started.runIds.map(async (id) => (await store.getRun(id)).row));
    return {
      campaignId: started.campaignId,
      totalRuns: started.totalRuns,
      skippedRuns: started.skippedRuns,
      rows,
    };
  } finally {
    await store.close();
  }
}
