/** `brownout run` and `brownout demo`: a campaign file, a database, and what came of it. */
import { dirname, resolve } from 'node:path';
import { parseCampaign } from '../campaign/definition.js';
import { startCampaign, type CampaignEvent } from '../campaign/engine.js';
import { readInput } from '../campaign/prepare.js';
import { InputError, RunError } from '../common/errors.js';
import { sha256 } from '../common/sha256.js';
import { assertUsableDatabase, openStore, type Store } from '../store/store.js';
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
  /** Null when every run was stored already and nothing was started. */
  campaignId: number | null;
  totalRuns: number;
  skippedRuns: number;
  /** Runs of this call, in the order they were started; the stored ones when nothing was left to run. */
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
  await assertUsableDatabase(request.databasePath);
  let opened: Store | null = null;
  const openOnce = async () => (opened ??= await openStore(request.databasePath));
  try {
    const started = await startCampaign(definition, {
      ...hooks,
      store: openOnce,
      resume: !request.again,
      ...(request.parallelRuns === null ? {} : { parallelRuns: request.parallelRuns }),
    }).catch((error: unknown) => {
      if (error instanceof InputError && error.code === 'nothing-to-run') {
        return null;
      }
      throw error;
    });
    const store = await openOnce();
    if (started === null) {
      const finished = [...(await store.findFinishedCells(sha256(definition.source))).values()];
      const rows = await Promise.all(
        finished.sort((a, b) => a - b).map(async (id) => (await store.getRun(id)).row),
      );
      return { campaignId: null, totalRuns: rows.length, skippedRuns: rows.length, rows };
    }
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
    await (opened as Store | null)?.close();
  }
}
