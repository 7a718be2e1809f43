/** The main part of a run: the harvest plays, the board infers, and what it reports is taken until it has finished. */
import type { BoardEvent } from '../../board/link/messages.js';
import { argmax } from '../../common/argmax.js';
import { RunError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { Harvest } from '../../supply/harvest.js';
import { downsample } from '../../supply/traces/downsample.js';
import { HarvestPlayer } from '../harvest-player.js';
import type { InferenceResult } from '../types.js';
import { settleAtTurnOn } from './bring-up.js';
import { log, type RunContext } from './context.js';
import { stallReason } from './stop-rules.js';

/** Longest wait for the board before stop rules are looked at again. */
const PATIENCE_SECONDS = 1;

/**
 * Infers every sample of the run. On return `progress.status` is `finished`, or `not-terminating` with the reason.
 * @throws RunError when board or supply fail, or when the run is cancelled
 */
export async function infer(context: RunContext): Promise<void> {
  const { prepared, bench, link, progress, hooks } = context;
  const { config, compiled, harvest } = prepared;
  if (harvest !== null) {
    await settleAtTurnOn(context);
  }
  const tasksPerInference = compiled.plan.tasks.length;
  const runId = runIdOf(config.seed);
  // Still on bench power: the board checks every byte of image and samples first, which is no part of any inference.
  await link.run(runId, 0, config.sampleCount);
  bench.startMeasuring({ tasksPerInference, inferences: config.sampleCount });
  progress.originSeconds = bench.now();
  const player =
    harvest === null
      ? null
      : new HarvestPlayer(playable(harvest, context), bench.supply, progress.originSeconds);
  await player?.play(() => bench.now());
  hooks.onEvent({ kind: 'stage', stage: 'run', fraction: 0 });
  log(context, 'info', `run started, ${config.sampleCount} inferences, ${tasksPerInference} tasks each`);
  const deadlineSeconds = progress.originSeconds + config.stop.maximumSeconds;
  while (progress.record?.state !== 'finished') {
    const waitUntil = Math.min(
      player?.nextChangeSeconds ?? Infinity,
      bench.now() + PATIENCE_SECONDS,
      deadlineSeconds,
    );
    const event = await link.nextEvent(Math.max(0, waitUntil - bench.now()));
    if (event?.record.runId === runId) {
      await take(event, context);
    }
    await player?.play(() => bench.now());
    const reason = stallReason(context, deadlineSeconds);
    if (reason !== null) {
      progress.status = 'not-terminating';
      progress.reason = reason;
      log(context, 'error', reason);
      return;
    }
  }
  if (progress.results.length < config.sampleCount) {
    throw resultsMissing(context, config.sampleCount);
  }
  progress.status = 'finished';
  if (player !== null) {
    const lag = formatQuantity(player.worstLagSeconds, 's');
    log(context, 'info', `harvest: ${player.commands} set points sent, each within ${lag} of its time`);
  }
  bench.notes().forEach((note) => {
    log(context, 'info', note);
  });
  reconcile(context);
}

/** 32 bits on the board, and not the 0 that a board without a run reports. */
function runIdOf(seed: number): number {
  return (seed % 0xffff_ffff) + 1;
}

/** Takes one event of this run; a result is acknowledged every time but counted once. */
async function take(event: BoardEvent, context: RunContext): Promise<void> {
  const { link, progress, bench, prepared } = context;
  const previous = progress.record;
  progress.record = event.record;
  const tasks = prepared.compiled.plan.tasks.length;
  bench.noteProgress((event.record.inference + event.record.task / tasks) / prepared.config.sampleCount);
  if (event.kind === 'boot') {
    const { inference, task, powerCycles, state } = event.record;
    progress.starts[powerCycles - 1] = { inference, task };
    const stuck = previous === null ? task === 0 : previous.inference === inference && previous.task === task;
    progress.startsWithoutProgress = stuck ? progress.startsWithoutProgress + 1 : 0;
    if (state === 'stopped') {
      throw new RunError({
        code: 'board-stopped',
        place: bench.boardPort.name,
        message: 'the board stopped the run: its image is not the one the run was started with',
        remedy: 'Flash the image again and repeat the run',
      });
    }
    return;
  }
  progress.startsWithoutProgress = 0;
  if (event.kind === 'result') {
    // Before it is acknowledged: once the board knows that the host has it, the result is gone.
    if (event.inference > progress.results.length) {
      throw resultsMissing(context, event.inference);
    }
    await link.acknowledge(event.record.runId, event.inference);
    if (event.inference === progress.results.length) {
      keepResult(event, context);
    }
  }
}

function keepResult(event: Extract<BoardEvent, { kind: 'result' }>, context: RunContext): void {
  const { prepared, progress, hooks, bench } = context;
  const { config, labels } = prepared;
  const output = Int8Array.from(event.output);
  const result: InferenceResult = {
    inference: event.inference,
    sample: config.firstSample + event.inference,
    label: labels[event.inference],
    output,
    predicted: argmax(output),
    finishedSeconds: bench.now() - progress.originSeconds,
  };
  progress.results.push(result);
  hooks.onEvent({ kind: 'result', result });
  log(
    context,
    'info',
    `inference ${event.inference + 1} of ${config.sampleCount}: class ${result.predicted}`,
  );
}

/** @param expected results that must have arrived by now */
function resultsMissing({ bench, progress }: RunContext, expected: number): RunError {
  return new RunError({
    code: 'results-missing',
    place: bench.boardPort.name,
    message: `the board has gone on to inference ${expected}, but only ${progress.results.length} results arrived`,
    remedy: 'Make sure that no other program reads the serial port of the board, then repeat the run',
  });
}

/** The harvest in steps that this supply can follow; what that changes is said in the log. */
function playable(harvest: Harvest, context: RunContext): Harvest {
  harvest.notes?.forEach((note) => {
    log(context, 'info', `harvest ${harvest.name}: ${note}`);
  });
  const { harvest: merged, error } = downsample(harvest, context.bench.supply.limits.minimumStepSeconds);
  if (merged.steps.length < harvest.steps.length) {
    log(
      context,
      'info',
      `harvest ${harvest.name}: ${harvest.steps.length} steps merged into ${merged.steps.length} that the supply can follow; ` +
        `energy off by ${(100 * error.energyShare).toPrecision(2)} %, power by ${(100 * error.powerShare).toPrecision(2)} % rms`,
    );
  }
  return merged;
}

/** Board and bench count power cycles independently; a difference means that one of them missed a failure. */
function reconcile(context: RunContext): void {
  const { bench, progress } = context;
  const { powerCycles, powerCyclesSeen } = bench.observe();
  if (powerCyclesSeen && progress.record !== null && progress.record.powerCycles !== powerCycles) {
    log(
      context,
      'warning',
      `the board counted ${progress.record.powerCycles} power cycles, the bench saw ${powerCycles}`,
    );
  }
}
