/**
 * One run from its configuration to its outcome: prepare, flash, set the power, let the board infer, collect. Whatever
 * happens after the bench was opened, the outcome holds the partial data and says why.
 */
import { flashBoard } from '../board/flashers/loader.js';
import { BoardLink } from '../board/link/board-link.js';
import type { BoardEvent } from '../board/link/messages.js';
import type { BoardProfile } from '../board/profile.js';
import type { BoardRecord } from '../board/record.js';
import { BenchError, RunError } from '../common/errors.js';
import { productVersions } from '../common/versions.js';
import type { SupplyDriver, SupplyIdentity } from '../supply/driver.js';
import type { Harvest } from '../supply/harvest.js';
import { downsample } from '../supply/traces/downsample.js';
import type { Bench } from './bench/bench.js';
import { VirtualBench } from './bench/virtual-bench.js';
import { HarvestPlayer } from './harvest-player.js';
import { prepareRun, sha256, type PreparedRun } from './prepare.js';
import type {
  Artifact,
  BenchSample,
  InferenceResult,
  LogEntry,
  PowerCycle,
  RunConfig,
  RunEvent,
  RunMeasures,
  RunOutcome,
} from './types.js';

/** Bench power while flashing and for runs on continuous power, within the board profile's limits. */
const BENCH_AMPS = 0.5;
const BENCH_HEADROOM_VOLTS = 0.2;

/** Longest wait for the board before stop rules are looked at again. */
const PATIENCE_SECONDS = 1;

/**
 * A sample goes to the live charts when this much wall time has passed since the last, or the voltage has moved this far;
 * the stored trace has them all.
 */
const LIVE_SAMPLE_MILLISECONDS = 2;
const LIVE_SAMPLE_VOLTS = 0.04;
/** ... and sent at most this often, many at a time. */
const LIVE_BATCH_MILLISECONDS = 25;

export interface RunHooks {
  signal: AbortSignal;
  onEvent: (event: RunEvent) => void;
  campaignSha256: string | null;
}

/** What the run has gathered so far; grows while it goes on, and becomes the outcome however it ends. */
interface Progress {
  results: InferenceResult[];
  /** Bench time of startMeasuring; run times count from here. Infinity before it. */
  originSeconds: number;
  /** Position the board reported at its n-th power cycle; holes where it died before it could. */
  starts: ({ inference: number; task: number } | undefined)[];
  record: BoardRecord | null;
  /** Starts of the board in a row that found nothing new committed. */
  startsWithoutProgress: number;
  log: LogEntry[];
  supply: SupplyIdentity;
  status: RunOutcome['status'];
  reason: string | null;
}

/**
 * Runs one cell on the virtual bench.
 * @throws InputError before the bench is touched; later failures are part of the outcome
 */
export async function executeRun(config: RunConfig, hooks: RunHooks): Promise<RunOutcome> {
  hooks.onEvent({ kind: 'stage', stage: 'compile', fraction: 0 });
  const prepared = await prepareRun(config);
  hooks.onEvent({ kind: 'stage', stage: 'compile', fraction: 1 });
  const bench = new VirtualBench({
    profile: prepared.profile,
    firmware: prepared.firmware,
    capacitanceFarads: config.capacitanceFarads,
    turnOnVolts: config.turnOnVolts,
    brownOutVolts: config.brownOutVolts,
    seed: config.seed,
    signal: hooks.signal,
    onSample: liveSampler(hooks.onEvent),
  });
  return await runOnBench(prepared, bench, hooks);
}

/** Runs a prepared cell on any bench and closes the bench. Never throws. */
export async function runOnBench(prepared: PreparedRun, bench: Bench, hooks: RunHooks): Promise<RunOutcome> {
  const progress: Progress = {
    results: [],
    originSeconds: Infinity,
    starts: [{ inference: 0, task: 0 }],
    record: null,
    startsWithoutProgress: 0,
    log: [],
    supply: { manufacturer: '', model: '', serial: '', firmware: '' },
    status: 'failed',
    reason: null,
  };
  const log = (level: LogEntry['level'], message: string) => {
    // Setting up happens before the run's clock starts.
    const timeSeconds = Math.max(0, bench.now() - progress.originSeconds);
    const entry: LogEntry = { timeSeconds, level, message };
    progress.log.push(entry);
    hooks.onEvent({ kind: 'log', entry });
  };
  try {
    const link = new BoardLink(bench.boardPort);
    await bringUp(prepared, bench, link, progress, hooks, log);
    await infer(prepared, bench, link, progress, hooks, log);
  } catch (error) {
    progress.status = hooks.signal.aborted ? 'cancelled' : 'failed';
    progress.reason = error instanceof BenchError ? error.message : String(error);
    log('error', progress.reason);
  }
  if (progress.record !== null && progress.status === 'finished') {
    reconcile(progress.record, bench, log);
  }
  log('info', `run ended: ${progress.status}`);
  const outcome = assemble(prepared, bench, progress, hooks.campaignSha256);
  await bench.close();
  return outcome;
}

type Log = (level: LogEntry['level'], message: string) => void;

/** Bench power on, board identified and flashed, capacitor settled at the turn-on voltage. */
async function bringUp(
  { profile, config, compiled, datasetImage }: PreparedRun,
  bench: Bench,
  link: BoardLink,
  progress: Progress,
  hooks: RunHooks,
  log: Log,
): Promise<void> {
  progress.supply = await bench.supply.identify();
  log('info', `supply: ${progress.supply.manufacturer} ${progress.supply.model}`);
  const { volts, amps } = benchSetPoint(profile, config);
  await bench.supply.set(volts, amps);
  await bench.supply.output(true);
  const identity = await link.identify();
  log('info', `board ${profile.name}, firmware ${identity.firmwareMajor}.${identity.firmwareMinor}`);
  await flashBoard(
    link,
    { image: compiled.image, dataset: datasetImage },
    {
      signal: hooks.signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        hooks.onEvent({ kind: 'stage', stage: 'flash', fraction: doneBytes / totalBytes });
      },
    },
  );
  log('info', `flashed image (${compiled.image.length} bytes) and data set (${datasetImage.length} bytes)`);
}

async function infer(
  prepared: PreparedRun,
  bench: Bench,
  link: BoardLink,
  progress: Progress,
  hooks: RunHooks,
  log: Log,
): Promise<void> {
  const { config, compiled, harvest, labels } = prepared;
  if (harvest !== null) {
    // Every run starts the same: the capacitor just at the turn-on voltage, the switch closed, the harvest at its zero.
    await bench.supply.set(config.turnOnVolts, benchSetPoint(prepared.profile, config).amps);
    await link.nextEvent(settlingSeconds(prepared));
  }
  bench.startMeasuring({ tasksPerInference: compiled.plan.tasks.length, inferences: config.sampleCount });
  const originSeconds = bench.now();
  progress.originSeconds = originSeconds;
  const player =
    harvest === null
      ? null
      : new HarvestPlayer(playable(harvest, bench.supply, log), bench.supply, originSeconds);
  await player?.play(() => bench.now());
  const runId = (config.seed >>> 0) + 1;
  await link.run(runId, 0, config.sampleCount);
  hooks.onEvent({ kind: 'stage', stage: 'run', fraction: 0 });
  log('info', `run started, ${config.sampleCount} inferences, ${compiled.plan.tasks.length} tasks each`);
  const deadlineSeconds = originSeconds + config.stop.maximumSeconds;
  while (progress.record?.state !== 'finished') {
    const waitUntil = Math.min(
      player?.nextChangeSeconds ?? Infinity,
      bench.now() + PATIENCE_SECONDS,
      deadlineSeconds,
    );
    const event = await link.nextEvent(Math.max(0, waitUntil - bench.now()));
    if (event !== null) {
      await take(event, runId, { labels, config, originSeconds, bench, link, progress, hooks, log });
    }
    await player?.play(() => bench.now());
    if (hasStalled(progress, bench, config, deadlineSeconds)) {
      progress.status = 'not-terminating';
      log('error', progress.reason ?? '');
      return;
    }
  }
  progress.status = 'finished';
}

interface Taking {
  labels: (number | null)[];
  config: RunConfig;
  originSeconds: number;
  bench: Bench;
  link: BoardLink;
  progress: Progress;
  hooks: RunHooks;
  log: Log;
}

/** Takes one event of the board; a result is acknowledged every time but counted once. */
async function take(event: BoardEvent, runId: number, context: Taking): Promise<void> {
  const { labels, config, originSeconds, bench, link, progress, hooks, log } = context;
  if (event.record.runId !== runId) {
    return;
  }
  const previous = progress.record;
  progress.record = event.record;
  if (event.kind === 'boot') {
    const { inference, task } = event.record;
    progress.starts[event.record.powerCycles - 1] = { inference, task };
    const stuck = previous !== null && previous.inference === inference && previous.task === task;
    progress.startsWithoutProgress =
      stuck || (previous === null && task === 0) ? progress.startsWithoutProgress + 1 : 0;
    if (event.record.state === 'stopped') {
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
  if (event.kind !== 'result') {
    return;
  }
  await link.acknowledge(runId, event.inference);
  if (event.inference !== progress.results.length) {
    return;
  }
  const { buffer, byteOffset, length } = event.output;
  const output = new Int8Array(buffer, byteOffset, length).slice();
  const result: InferenceResult = {
    inference: event.inference,
    sample: config.firstSample + event.inference,
    label: labels[event.inference],
    output,
    predicted: argmax(output),
    finishedSeconds: bench.now() - originSeconds,
  };
  progress.results.push(result);
  hooks.onEvent({ kind: 'result', result });
  log('info', `inference ${event.inference + 1} of ${config.sampleCount}: class ${result.predicted}`);
}

/** The stop rules; sets the reason. */
function hasStalled(progress: Progress, bench: Bench, config: RunConfig, deadlineSeconds: number): boolean {
  const { powerCyclesWithoutProgress, maximumSeconds } = config.stop;
  const where = progress.record ?? { inference: 0, task: 0 };
  // A board that dies before it can report a start is seen by the bench only.
  const unreportedStarts = bench.observe().powerCycles - progress.starts.length;
  const starts = Math.max(progress.startsWithoutProgress, unreportedStarts);
  if (starts >= powerCyclesWithoutProgress) {
    progress.reason =
      `no progress in ${starts} power cycles, at inference ${where.inference}, task ${where.task}: ` +
      'the task needs more energy than one power cycle gives. Use a larger capacitor, a wider voltage window, or a strategy with smaller tasks';
    return true;
  }
  if (bench.now() >= deadlineSeconds) {
    progress.reason =
      `not finished after ${maximumSeconds} s of bench time, at inference ${where.inference}, task ${where.task}. ` +
      'Raise stop.maximumTime or harvest more';
    return true;
  }
  return false;
}

/** The harvest in steps that this supply can follow; what that changes is said in the log. */
function playable(harvest: Harvest, supply: SupplyDriver, log: Log): Harvest {
  harvest.notes?.forEach((note) => {
    log('info', `harvest ${harvest.name}: ${note}`);
  });
  const { harvest: steps, error } = downsample(harvest, supply.limits.minimumStepSeconds);
  if (steps.steps.length < harvest.steps.length) {
    log(
      'info',
      `harvest ${harvest.name}: ${harvest.steps.length} steps merged into ${steps.steps.length} that the supply can follow; ` +
        `energy off by ${(100 * error.energyShare).toPrecision(2)} %, power by ${(100 * error.powerShare).toPrecision(2)} % rms`,
    );
  }
  return steps;
}

/**
 * Time in which the sleeping board draws the capacitor from bench voltage down to the turn-on voltage: C dV / I, twice
 * over for the tolerance of a real capacitor.
 */
function settlingSeconds({ profile, config }: PreparedRun): number {
  const { sleepAmps, railVolts, converterEfficiency } = profile.power;
  const benchVolts = benchSetPoint(profile, config).volts;
  const capacitorAmps = (sleepAmps.value * railVolts.value) / converterEfficiency.value / benchVolts;
  return (2 * config.capacitanceFarads * Math.max(0, benchVolts - config.turnOnVolts)) / capacitorAmps;
}

/** Bench power, for flashing and for continuous runs: above turn-on, within what the board takes. */
function benchSetPoint(profile: BoardProfile, config: RunConfig): { volts: number; amps: number } {
  const { maximumVolts, maximumAmps } = profile.power;
  return {
    volts: Math.min(maximumVolts.value, config.turnOnVolts + BENCH_HEADROOM_VOLTS),
    amps: Math.min(maximumAmps.value, BENCH_AMPS),
  };
}

/** Board and bench count power cycles independently; a difference means that one of them missed a failure. */
function reconcile(record: BoardRecord, bench: Bench, log: Log): void {
  const { powerCycles } = bench.observe();
  if (record.powerCycles !== powerCycles) {
    log('warning', `the board counted ${record.powerCycles} power cycles, the bench saw ${powerCycles}`);
  }
}

/** The outcome, from what board and bench counted and what the host received. */
function assemble(
  prepared: PreparedRun,
  bench: Bench,
  progress: Progress,
  campaignSha256: string | null,
): RunOutcome {
  const { compiled, profile, artifacts } = prepared;
  const hashOf = (kind: Artifact['kind']) => artifacts.find((artifact) => artifact.kind === kind)?.sha256;
  return {
    status: progress.status,
    reason: progress.reason,
    measures: measure(prepared, bench, progress),
    provenance: {
      modelSha256: hashOf('model') ?? '',
      dataSha256: hashOf('data') ?? '',
      calibrationSha256: hashOf('calibration') ?? null,
      harvestSha256: hashOf('harvest') ?? null,
      imageSha256: sha256(compiled.image),
      firmwareSha256: sha256(prepared.firmware),
      boardProfile: profile,
      supply: progress.supply,
      versions: productVersions(),
      campaignSha256,
    },
    results: progress.results,
    powerCycles: powerCyclesOf(bench, progress),
    traces: bench.traces(),
    log: progress.log,
    artifacts,
  };
}

function measure({ compiled }: PreparedRun, bench: Bench, progress: Progress): RunMeasures {
  const { activeSeconds, energyJoules, cycles, powerCycles } = bench.observe();
  const { record, results } = progress;
  const labelled = results.filter((result) => result.label !== null);
  const correct = labelled.filter((result) => result.label === result.predicted);
  return {
    macs: compiled.plan.macs,
    parameters: compiled.inspection.parameters,
    sramBytes: compiled.plan.arenaBytes,
    nvmBytes: compiled.plan.nvmBytes,
    imageBytes: compiled.image.length,
    tasks: compiled.plan.tasks.length,
    inferences: results.length,
    latencySeconds:
      results.length === 0 ? null : results[results.length - 1].finishedSeconds / results.length,
    activeSeconds,
    totalSeconds: Math.max(0, bench.now() - progress.originSeconds),
    energyJoules,
    cycles: Math.round(cycles),
    powerCycles,
    checkpoints: record?.checkpoints ?? 0,
    restores: record?.restores ?? 0,
    tasksExecuted: record?.tasksExecuted ?? 0,
    tasksReexecuted: record?.tasksReexecuted ?? 0,
    nvmBytesRead: record?.nvmBytesRead ?? 0,
    nvmBytesWritten: record?.nvmBytesWritten ?? 0,
    accuracy: labelled.length === 0 ? null : correct.length / labelled.length,
  };
}

/** The bench's on-windows joined with the positions the board reported when it started. */
function powerCyclesOf(bench: Bench, progress: Progress): PowerCycle[] {
  let position = { inference: 0, task: 0 };
  return bench.onWindows().map((window, index) => {
    position = progress.starts[index] ?? position;
    return { index, ...window, ...position };
  });
}

/** Index of the largest element, the first among equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if (values[index] > values[best]) {
      best = index;
    }
  }
  return best;
}

/** Thins samples out to what a live chart can use, and sends them in batches. */
function liveSampler(onEvent: RunHooks['onEvent']): (sample: BenchSample) => void {
  let batch: BenchSample[] = [];
  let sentMilliseconds = -Infinity;
  let lastMilliseconds = -Infinity;
  let last: BenchSample | null = null;
  return (sample) => {
    const now = performance.now();
    const unchanged =
      last !== null &&
      sample.powered === last.powered &&
      Math.abs(sample.capacitorVolts - last.capacitorVolts) < LIVE_SAMPLE_VOLTS;
    if (unchanged && now - lastMilliseconds < LIVE_SAMPLE_MILLISECONDS) {
      return;
    }
    lastMilliseconds = now;
    last = sample;
    batch.push(sample);
    if (now - sentMilliseconds >= LIVE_BATCH_MILLISECONDS) {
      sentMilliseconds = now;
      onEvent({ kind: 'samples', samples: batch });
      batch = [];
    }
  };
}
