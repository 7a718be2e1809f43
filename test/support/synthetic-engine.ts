/**
 * A campaign engine without compiler and board, for tests of what lies above it: it stores real rows in a real store and
 * reports samples of a capacitor that charges linearly and drains exponentially. Its runs take as long as asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchSample, RunOutcome } from '../../src-main/campaign/types.js';
import { InputError } from '../../src-main/common/errors.js';
import type { CampaignEngine } from '../../src-main/service/backend.js';
import type { Store } from '../../src-main/store/store.js';
import { exampleConfig, exampleOutcome } from './example-runs.js';

const STRATEGIES = ['restart', 'layer', 'tile'] as const;
const CYCLE_SECONDS = 0.4;
const ON_SHARE = 0.45;

export interface SyntheticOptions {
  /** Wall time of each run. */
  runMilliseconds: number;
  samplesPerSecond: number;
  benchSeconds: number;
}

/** `volts, powered` at a time of the synthetic bench: turn-on 3 V, brown-out 1.8 V. */
export function syntheticSample(timeSeconds: number, benchSeconds: number): BenchSample {
  const phase = (timeSeconds % CYCLE_SECONDS) / CYCLE_SECONDS;
  const powered = phase >= 1 - ON_SHARE;
  const share = powered ? (phase - (1 - ON_SHARE)) / ON_SHARE : phase / (1 - ON_SHARE);
  const capacitorVolts = powered ? 1.8 + 1.2 * (1 - share) ** 1.4 : 1.8 + 1.2 * share ** 0.8;
  const ripple = 0.0015 * Math.sin(timeSeconds * 900);
  return {
    timeSeconds,
    capacitorVolts,
    loadAmps: powered ? 0.024 + ripple + (share < 0.08 ? 0.006 : 0) : 4e-6,
    powered,
    progress: Math.min(1, Math.floor((timeSeconds / benchSeconds) * 60) / 60),
  };
}

export function syntheticEngine(store: Store, options: SyntheticOptions): CampaignEngine {
  const check: CampaignEngine['check'] = (text) => {
    const name = /^name: (.+)$/m.exec(text.yaml)?.[1];
    if (!name) {
      throw new InputError({
        code: 'campaign-invalid',
        place: `${text.place}:1:1`,
        message: 'name is missing',
        remedy: 'Give the campaign a name',
      });
    }
    return { name, runs: STRATEGIES.map((strategy) => `digits · ${strategy} · 220 µF`) };
  };
  return {
    check,
    start: async (text, { onEvent, signal }) => {
      const summary = check(text);
      const campaignId = await store.createCampaign({
        name: summary.name,
        source: text.yaml,
        plannedRuns: STRATEGIES.length,
      });
      const work = async (): Promise<void> => {
        for (const [index, strategy] of STRATEGIES.entries()) {
          if (signal.aborted) {
            break;
          }
          const cell = `digits/${strategy}/220uF`;
          const runId = await store.createRun({
            campaignId,
            cell,
            repeat: 0,
            config: exampleConfig({ strategy }),
          });
          const label = summary.runs[index] ?? cell;
          onEvent({ kind: 'run-started', runId, cell, index, total: STRATEGIES.length, label });
          for (const stage of ['compile', 'flash'] as const) {
            onEvent({ kind: 'run-event', runId, event: { kind: 'stage', stage, fraction: 0.5 } });
            await sleep(options.runMilliseconds / 20);
          }
          const entry = {
            timeSeconds: 0,
            level: 'info',
            message: `image of ${label} flashed, 65 536 bytes`,
          } as const;
          onEvent({ kind: 'run-event', runId, event: { kind: 'log', entry } });
          await playRun(runId, options, onEvent, signal);
          const outcome = outcomeOf(strategy, signal.aborted, index + 1);
          await store.completeRun(runId, outcome);
          onEvent({
            kind: 'run-finished',
            runId,
            status: outcome.status,
            reason: outcome.reason,
            measures: outcome.measures,
          });
        }
        await store.finishCampaign(campaignId, signal.aborted ? 'cancelled' : 'finished');
      };
      return { campaignId, done: work() };
    },
  };
}

function outcomeOf(strategy: string, aborted: boolean, factor: number): RunOutcome {
  if (aborted) {
    return exampleOutcome({ status: 'cancelled', reason: 'cancelled by the user' }, factor);
  }
  return strategy === 'restart'
    ? exampleOutcome(
        {
          status: 'not-terminating',
          reason:
            'restart: 20 power cycles in a row brought no commit. Use layer or tile, or a larger capacitor',
        },
        factor,
      )
    : exampleOutcome({}, factor);
}

async function playRun(
  runId: number,
  options: SyntheticOptions,
  onEvent: Parameters<CampaignEngine['start']>[1]['onEvent'],
  signal: AbortSignal,
): Promise<void> {
  const steps = Math.max(1, Math.round(options.runMilliseconds / 8));
  const total = options.samplesPerSecond * options.benchSeconds;
  for (let step = 0; step < steps && !signal.aborted; step += 1) {
    const samples: BenchSample[] = [];
    for (
      let index = Math.round((total * step) / steps);
      index < Math.round((total * (step + 1)) / steps);
      index += 1
    ) {
      samples.push(syntheticSample(index / options.samplesPerSecond, options.benchSeconds));
    }
    onEvent({ kind: 'run-event', runId, event: { kind: 'stage', stage: 'run', fraction: step / steps } });
    onEvent({ kind: 'run-event', runId, event: { kind: 'samples', samples } });
    if (step % Math.ceil(steps / 3) === 0) {
      const inference = Math.floor(step / Math.ceil(steps / 3));
      const output = Int8Array.from({ length: 10 }, (_, position) => (position === inference ? 120 : -120));
      const result = {
        inference,
        sample: inference,
        label: inference,
        output,
        predicted: inference,
        finishedSeconds: 1,
      };
      onEvent({ kind: 'run-event', runId, event: { kind: 'result', result } });
    }
    await sleep(8);
  }
}
