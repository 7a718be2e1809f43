/**
 * The campaign engine: expands a definition, checks its inputs, runs every cell that is not done yet, and stores each run
 * before it starts and as soon as it ends, so that a death of the program loses no finished run.
 */
import { availableParallelism } from 'node:os';
import { basename, extname } from 'node:path';
import { BenchError, InputError } from '../common/errors.js';
import { formatQuantity } from '../common/quantity.js';
import { sha256 } from '../common/sha256.js';
import type { Store } from '../store/store.js';
import type { CampaignDefinition } from './definition.js';
import { expandCampaign, type Cell } from './expand.js';
import { checkInWorker, runInWorker } from './run-in-worker.js';
import type { RunEvent, RunMeasures, RunOutcome, RunStatus } from './types.js';

export type CampaignEvent =
  | { kind: 'run-started'; runId: number; cell: string; index: number; total: number; label: string }
  | { kind: 'run-event'; runId: number; event: RunEvent }
  | {
      kind: 'run-finished';
      runId: number;
      status: RunStatus;
      reason: string | null;
      measures: RunMeasures | null;
    }
  | { kind: 'campaign-finished'; campaignId: number; status: 'finished' | 'cancelled' };

export interface CampaignOptions {
  /** Opened when the campaign has been found right, where a function is given: a wrong one then leaves no file. */
  store: Store | (() => Promise<Store>);
  onEvent: (event: CampaignEvent) => void;
  signal: AbortSignal;
  /** Cells run at the same time; virtual runs are bound by the processor. Default: all cores. */
  parallelRuns?: number;
  /** Leave out cells that this very campaign file has finished before in this store. */
  resume: boolean;
}

export interface StartedCampaign {
  campaignId: number;
  /** Cells of the whole matrix, and of these the ones found done. */
  totalRuns: number;
  skippedRuns: number;
  /** Ids of the runs started by now; complete once `done` has resolved. */
  runIds: readonly number[];
  /** Resolves when the last run is stored; rejects when the store fails. A failed run does not reject. */
  done: Promise<void>;
}

/**
 * Checks and starts a campaign.
 * @throws InputError before anything is stored: a board or file that is not there, a model that cannot be compiled
 */
export async function startCampaign(
  definition: CampaignDefinition,
  options: CampaignOptions,
): Promise<StartedCampaign> {
  const { signal } = options;
  const cells = expandCampaign(definition);
  const campaignSha256 = sha256(definition.source);
  await checkInputs(cells, signal);
  const store = typeof options.store === 'function' ? await options.store() : options.store;
  const finished = options.resume ? await store.findFinishedCells(campaignSha256) : new Map<string, number>();
  const open = cells.map((cell, index) => ({ cell, index })).filter(({ cell }) => !finished.has(cell.key));
  if (open.length === 0) {
    throw new InputError({
      code: 'nothing-to-run',
      place: definition.name,
      message: `all ${cells.length} runs of this campaign are already stored`,
      remedy: 'Show them with `brownout runs`, or run them anew with --again',
    });
  }
  const campaignId = await store.createCampaign({
    name: definition.name,
    source: definition.source,
    plannedRuns: cells.length,
  });
  const runIds: number[] = [];
  const context: CellContext = {
    ...options,
    store,
    campaignId,
    campaignSha256,
    totalRuns: cells.length,
    runIds,
  };
  return {
    campaignId,
    totalRuns: cells.length,
    skippedRuns: cells.length - open.length,
    runIds,
    done: runCells(open, context),
  };
}

interface CellContext extends CampaignOptions {
  store: Store;
  campaignId: number;
  campaignSha256: string;
  totalRuns: number;
  runIds: number[];
}

interface OpenCell {
  cell: Cell;
  index: number;
}

/** Every distinct combination of files and plan is prepared once, so that a wrong one is found before the first run. */
async function checkInputs(cells: Cell[], signal: AbortSignal): Promise<void> {
  const distinct = new Map(
    cells.map(({ config }) => [
      JSON.stringify([
        config.modelPath,
        config.dataPath,
        config.calibrationPath,
        config.calibrateBy,
        config.strategy,
        config.kernels,
        config.power,
        config.capacitanceFarads,
        config.turnOnVolts,
        config.brownOutVolts,
      ]),
      config,
    ]),
  );
  await checkInWorker([...distinct.values()], signal);
}

async function runCells(open: OpenCell[], context: CellContext): Promise<void> {
  const { store, onEvent, campaignId } = context;
  const queue = open.values();
  // There is one of each instrument: runs on them go one after the other.
  const real = open.some(({ cell }) => cell.config.bench !== undefined);
  const parallelRuns = real ? 1 : Math.max(1, context.parallelRuns ?? availableParallelism());
  // A fault of the store ends the runs of the other lanes too: nothing may go on that nobody waits for.
  const fault = new AbortController();
  const signal = AbortSignal.any([context.signal, fault.signal]);
  const lane = async () => {
    try {
      for (const next of queue) {
        if (signal.aborted) {
          return;
        }
        await runCell(next, { ...context, signal });
      }
    } catch (error) {
      fault.abort();
      throw error;
    }
  };
  const lanes = Array.from({ length: Math.min(parallelRuns, open.length) }, lane);
  await Promise.allSettled(lanes);
  if (fault.signal.aborted) {
    // The store may refuse this too; the first fault is the one to tell.
    await store.finishCampaign(campaignId, 'interrupted').catch(() => undefined);
    await Promise.all(lanes);
  }
  const status = context.signal.aborted ? 'cancelled' : 'finished';
  await store.finishCampaign(campaignId, status);
  onEvent({ kind: 'campaign-finished', campaignId, status });
}

async function runCell({ cell, index }: OpenCell, context: CellContext): Promise<void> {
  const { store, onEvent, campaignId } = context;
  const runId = await store.createRun({
    campaignId,
    cell: cell.key,
    repeat: cell.repeat,
    config: cell.config,
  });
  context.runIds.push(runId);
  const { modelPath, strategy, capacitanceFarads } = cell.config;
  const label = [
    basename(modelPath, extname(modelPath)),
    strategy,
    formatQuantity(capacitanceFarads, 'F'),
    cell.power,
  ].join(' · ');
  onEvent({ kind: 'run-started', runId, cell: cell.key, index, total: context.totalRuns, label });
  let outcome: RunOutcome | null = null;
  let reason: string;
  try {
    outcome = await runInWorker(cell.config, {
      signal: context.signal,
      campaignSha256: context.campaignSha256,
      onEvent: (event) => {
        onEvent({ kind: 'run-event', runId, event });
      },
    });
    onEvent({ kind: 'run-event', runId, event: { kind: 'stage', stage: 'store', fraction: 0 } });
    await store.completeRun(runId, outcome);
    reason = outcome.reason ?? '';
  } catch (error) {
    if (outcome !== null) {
      throw error;
    }
    // The run never came to an outcome of its own: its thread died, or an input changed under it.
    reason = error instanceof BenchError ? error.message : String(error);
    await store.failRun(runId, reason);
  }
  onEvent({
    kind: 'run-finished',
    runId,
    status: outcome?.status ?? 'failed',
    reason: reason === '' ? null : reason,
    measures: outcome?.measures ?? null,
  });
}
