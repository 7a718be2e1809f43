import type { ReportRun } from '../../src-main/report/report.js';
import type { RunConfig, RunOutcome } from '../../src-main/campaign/types.js';
import { exampleConfig, exampleOutcome } from './example-runs.js';

/** A run as a report gets it, without a store in between. */
export function reportRun(
  id: number,
  changes: { config?: Partial<RunConfig>; outcome?: Partial<RunOutcome>; factor?: number } = {},
): ReportRun {
  const config = exampleConfig(changes.config);
  const { measures, provenance, status, reason, ...rest } = exampleOutcome(changes.outcome, changes.factor);
  return {
    row: {
      id,
      campaignId: 1,
      campaignName: 'example',
      cell: `cell ${id}`,
      status,
      reason,
      createdAt: `2026-02-03T04:05:0${id % 10}.000Z`,
      finishedAt: `2026-02-03T04:06:0${id % 10}.000Z`,
      model: 'digits.onnx',
      strategy: config.strategy,
      kernels: config.kernels,
      board: config.board,
      power: 'rf-walk.csv',
      capacitanceFarads: config.capacitanceFarads,
      turnOnVolts: config.turnOnVolts,
      brownOutVolts: config.brownOutVolts,
      repeat: 1,
      seed: config.seed,
      samples: config.sampleCount,
      ...measures,
      predictedLatencySeconds: rest.predicted?.latencySeconds ?? null,
      predictedEnergyJoules: rest.predicted?.energyJoules ?? null,
      predictedPowerCycles: rest.predicted?.powerCycles ?? null,
      predictedCycles: rest.predicted?.cycles ?? null,
    },
    config,
    measures,
    predicted: rest.predicted,
    provenance,
    results: rest.results,
    powerCycles: rest.powerCycles,
    log: rest.log,
    channels: rest.traces.map((trace) => trace.channel),
    traces: rest.traces,
    opening: null,
  };
}
