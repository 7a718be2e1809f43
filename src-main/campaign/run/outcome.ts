/** The last part of a run: its outcome, from what board and bench counted and what the host received. */
import { accuracy } from '../../common/accuracy.js';
import { sha256 } from '../../common/sha256.js';
import { productVersions } from '../../common/versions.js';
import { summarizeQuantization } from '../../compiler/index.js';
import type { Bench } from '../bench/bench.js';
import type { Artifact, PowerCycle, RunMeasures, RunOutcome } from '../types.js';
import type { RunContext, RunProgress } from './context.js';

/** Reads the bench, so it must be called before the bench is closed: closing takes bench time. */
export function outcomeOf({ prepared, bench, progress, hooks }: RunContext): RunOutcome {
  const { compiled, profile, artifacts } = prepared;
  const hashOf = (kind: Artifact['kind']) => artifacts.find((artifact) => artifact.kind === kind)?.sha256;
  return {
    status: progress.status,
    reason: progress.reason,
    measures: measure({ prepared, bench, progress }),
    predicted: prepared.predicted,
    provenance: {
      modelSha256: hashOf('model') ?? '',
      dataSha256: hashOf('data') ?? '',
      calibrationSha256: hashOf('calibration') ?? null,
      quantization: summarizeQuantization(compiled.quantization.report),
      harvestSha256: hashOf('harvest') ?? null,
      imageSha256: sha256(compiled.image),
      firmwareSha256: sha256(prepared.firmware),
      boardProfile: profile,
      supply: progress.supply,
      versions: productVersions(),
      campaignSha256: hooks.campaignSha256,
    },
    results: progress.results,
    powerCycles: powerCyclesOf(bench, progress),
    traces: bench.traces(),
    log: progress.log,
    artifacts,
  };
}

function measure({
  prepared: { compiled },
  bench,
  progress,
}: Pick<RunContext, 'prepared' | 'bench' | 'progress'>): RunMeasures {
  const { activeSeconds, energyJoules, cycles, powerCycles, powerCyclesSeen } = bench.observe();
  const { record, results } = progress;
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
    powerCycles: powerCyclesSeen ? powerCycles : (record?.powerCycles ?? 0),
    checkpoints: record?.checkpoints ?? 0,
    restores: record?.restores ?? 0,
    tasksExecuted: record?.tasksExecuted ?? 0,
    tasksReexecuted: record?.tasksReexecuted ?? 0,
    nvmBytesRead: record?.nvmBytesRead ?? 0,
    nvmBytesWritten: record?.nvmBytesWritten ?? 0,
    accuracy: accuracy(
      results.map((result) => result.predicted),
      results.map((result) => result.label),
    ),
  };
}

/** The bench's on-windows joined with the positions the board reported when it started. */
function powerCyclesOf(bench: Bench, progress: RunProgress): PowerCycle[] {
  let position = { inference: 0, task: 0 };
  return bench.onWindows().map((window, index) => {
    position = progress.starts[index] ?? position;
    return { index, ...window, ...position };
  });
}
