/** Configurations and outcomes for tests of what is done with runs: plausible, small, the same on every call. */
import type { RunConfig, RunOutcome } from '../../src-main/campaign/types.js';

export function exampleConfig(changes: Partial<RunConfig> = {}): RunConfig {
  return {
    modelPath: '/bench/models/digits.onnx',
    dataPath: '/bench/data/digits.npz',
    calibrationPath: '/bench/data/digits-calibration.npz',
    strategy: 'tile',
    kernels: 'reference',
    board: 'pico-fram',
    capacitanceFarads: 220e-6,
    turnOnVolts: 3,
    brownOutVolts: 1.8,
    power: { kind: 'trace', path: '/bench/traces/rf-walk.csv', scale: 1 },
    firstSample: 0,
    sampleCount: 2,
    seed: 7,
    stop: { powerCyclesWithoutProgress: 8, maximumSeconds: 600 },
    ...changes,
  };
}

/** A finished run whose measures scale with `factor`, so that two of them differ. */
export function exampleOutcome(changes: Partial<RunOutcome> = {}, factor = 1): RunOutcome {
  const buckets = 400;
  const cycleSeconds = 0.25 * factor;
  const times = Float64Array.from({ length: buckets }, (_, index) => index * 0.01 * factor);
  const low = Float32Array.from(times, (time) => 3 - 1.2 * ((time % cycleSeconds) / cycleSeconds));
  const progress = Float32Array.from(times, (_, index) => index / buckets);
  return {
    status: 'finished',
    reason: null,
    measures: {
      macs: 1_234_567,
      parameters: 30_210,
      sramBytes: 24_576,
      nvmBytes: 18_432,
      imageBytes: 65_536,
      tasks: 42,
      inferences: 2,
      latencySeconds: 2 * factor,
      activeSeconds: 1.25 * factor,
      totalSeconds: 4 * factor,
      energyJoules: 0.0225 * factor,
      cycles: 156_250_000 * factor,
      powerCycles: 16,
      checkpoints: 84,
      restores: 15,
      tasksExecuted: 99,
      tasksReexecuted: 15,
      nvmBytesRead: 700_001,
      nvmBytesWritten: 600_001,
      accuracy: 0.5,
    },
    provenance: {
      modelSha256: '1'.repeat(64),
      dataSha256: '2'.repeat(64),
      calibrationSha256: '3'.repeat(64),
      harvestSha256: '6'.repeat(64),
      imageSha256: '4'.repeat(64),
      firmwareSha256: '5'.repeat(64),
      boardProfile: { id: 'pico-fram', clockHertz: 125_000_000 },
      supply: { manufacturer: 'Brownout Bench', model: 'virtual supply', serial: '0', firmware: '1.0' },
      versions: { 'brownout-bench': '0.1.0', node: '20.20.0' },
      campaignSha256: null,
    },
    predicted: {
      latencySeconds: 2.05 * factor,
      activeSeconds: 1.25 * factor,
      totalSeconds: 4.1 * factor,
      energyJoules: 0.0221 * factor,
      cycles: Math.round(156_000_000 * factor),
      powerCycles: 16,
      checkpoints: 84,
      restores: 15,
      tasksReexecuted: 15,
      nvmBytesRead: 80_000,
      nvmBytesWritten: 200_000,
      inferences: 2,
      terminates: true,
    },
    results: [
      {
        inference: 0,
        sample: 0,
        label: 7,
        output: Int8Array.of(-128, 3, 127),
        predicted: 2,
        finishedSeconds: 1.9,
      },
      {
        inference: 1,
        sample: 1,
        label: null,
        output: Int8Array.of(1, -1, 0),
        predicted: 0,
        finishedSeconds: 4,
      },
    ],
    powerCycles: Array.from({ length: 16 }, (_, index) => ({
      index,
      onSeconds: index * cycleSeconds,
      offSeconds: index === 15 ? null : index * cycleSeconds + 0.08 * factor,
      inference: index >> 3,
      task: (index * 5) % 42,
    })),
    traces: [
      { channel: 'capacitorVolts', unit: 'V', times, minima: low, maxima: low.map((volts) => volts + 0.02) },
      { channel: 'progress', unit: '1', times, minima: progress, maxima: progress },
    ],
    log: [
      { timeSeconds: 0, level: 'info', message: 'image flashed: 65536 bytes' },
      { timeSeconds: 3.5, level: 'warning', message: 'power cycle 14 was shorter than planned' },
    ],
    artifacts: [],
    ...changes,
  };
}
