/**
 * One run from its configuration to its outcome: prepare, flash, set the power, let the board infer, collect. Whatever
 * happens after the bench was opened, the supply is switched off, and the outcome holds the partial data and says why.
 */
import { BoardLink } from '../board/link/board-link.js';
import { BenchError } from '../common/errors.js';
import type { Bench } from './bench/bench.js';
import { checkRealBench, openRealBench } from './bench/real-bench.js';
import { VirtualBench, virtualSupplyLimits } from './bench/virtual-bench.js';
import { limitsForBoard } from '../supply/profiles/index.js';
import { assertPowerPossible } from './check-power.js';
import { isExact, predictRun } from './prediction/index.js';
import { prepareRun, type PreparedRun } from './prepare.js';
import { bringUp } from './run/bring-up.js';
import { emptyProgress, log, type RunContext, type RunHooks } from './run/context.js';
import { infer } from './run/infer.js';
import { LiveSampler } from './run/live-sampler.js';
import { outcomeOf } from './run/outcome.js';
import type { BenchSample, RunConfig, RunOutcome } from './types.js';

export type { RunHooks } from './run/context.js';

/**
 * Runs one cell, on the virtual bench or on the real one that it names.
 * @throws InputError before the bench is touched; later failures are part of the outcome
 */
export async function executeRun(config: RunConfig, hooks: RunHooks): Promise<RunOutcome> {
  hooks.onEvent({ kind: 'stage', stage: 'compile', fraction: 0 });
  const files = await prepareRun(config);
  assertBenchFits(config, files);
  const prepared: PreparedRun = { ...files, predicted: isExact(files) ? predictRun(files) : null };
  hooks.onEvent({ kind: 'stage', stage: 'compile', fraction: 1 });
  const live = new LiveSampler((samples) => {
    hooks.onEvent({ kind: 'samples', samples });
  });
  const { profile, firmware } = prepared;
  const { capacitanceFarads, turnOnVolts, brownOutVolts, seed } = config;
  const electrical = {
    profile,
    capacitanceFarads,
    turnOnVolts,
    brownOutVolts,
    signal: hooks.signal,
    onSample: (sample: BenchSample) => {
      live.take(sample);
    },
  };
  const bench =
    config.bench === undefined
      ? new VirtualBench({ ...electrical, firmware, seed })
      : await openRealBench({ ...electrical, spec: config.bench });
  const outcome = await runOnBench(prepared, bench, hooks);
  live.flush();
  return outcome;
}

/**
 * Whether power and capacitor of a run are possible on its bench.
 * @throws InputError saying what to change
 */
export function assertBenchFits(
  config: RunConfig,
  { profile, harvest }: Pick<PreparedRun, 'profile' | 'harvest'>,
): void {
  const { bench: spec } = config;
  if (spec === undefined) {
    assertPowerPossible(config, profile, harvest, virtualSupplyLimits(profile));
  } else {
    const { limits } = checkRealBench({ ...config, spec, profile });
    const { maximumVolts, maximumAmps } = profile.power;
    const board = { maximumVolts: maximumVolts.value, maximumAmps: maximumAmps.value };
    assertPowerPossible(config, profile, harvest, limitsForBoard(limits, board));
  }
}

/** Runs a prepared cell on any bench, and closes the bench however the run ends. */
export async function runOnBench(prepared: PreparedRun, bench: Bench, hooks: RunHooks): Promise<RunOutcome> {
  const context: RunContext = {
    prepared,
    bench,
    link: new BoardLink(bench.boardPort),
    progress: emptyProgress(),
    hooks,
  };
  let closed = false;
  try {
    await work(context);
    const outcome = outcomeOf(context);
    closed = true;
    const shutdown = await bench.close();
    if (shutdown === 'failed') {
      log(context, 'error', 'the supply did not confirm that its output is off: switch it off by hand');
    } else if (shutdown === 'sent') {
      log(context, 'warning', 'output off was sent to the supply, which cannot be asked whether it is off');
    }
    return outcome;
  } finally {
    if (!closed) {
      await bench.close();
    }
  }
}

/** Brings the bench up and infers; what goes wrong becomes status and reason. */
async function work(context: RunContext): Promise<void> {
  const { progress, hooks } = context;
  try {
    await bringUp(context);
    await infer(context);
  } catch (error) {
    progress.status = hooks.signal.aborted ? 'cancelled' : 'failed';
    progress.reason = error instanceof BenchError ? error.message : String(error);
    // What is no error of ours is a defect, and wants its stack.
    const defect = !(error instanceof BenchError) && error instanceof Error;
    log(context, 'error', defect ? (error.stack ?? progress.reason) : progress.reason);
  }
  log(context, 'info', `run ended: ${progress.status}`);
}
