/** The runs table and what belongs to one run. */
import { basename } from 'node:path';
import type {
  InferenceResult,
  LogEntry,
  PowerCycle,
  Provenance,
  RunConfig,
  RunMeasures,
  RunOutcome,
  RunPrediction,
} from '../campaign/types.js';
import { RunError } from '../common/errors.js';
import { putArtifact } from './artifacts.js';
import { powerName } from './power-name.js';
import { countRuns, SELECT_ONE_RUN, selectRuns } from './run-query.js';
import type { Connection, SqlRow, SqlValue } from './sqlite-driver.js';
import { listChannels } from './traces.js';
import type { RunDetail, RunQuery, RunRow } from './types.js';
import { blob, number, numberOrNull, text, textOrNull } from './values.js';

export interface NewRun {
  /** Null for a run outside any campaign (`brownout infer`). */
  campaignId: number | null;
  /** Identity of the cell within its campaign. */
  cell: string;
  /** Counts the runs of one configuration, from 1. */
  repeat: number;
  config: RunConfig;
}

/** Stores the configuration of a run that is about to start. @returns its id */
export async function insertRun(
  connection: Connection,
  run: NewRun,
  writerId: number,
  now: Date,
): Promise<number> {
  const { config } = run;
  const { lastId } = await connection.run(
    `INSERT INTO runs (campaign_id, cell, repeat, status, created_at, writer_id, model, strategy, kernels, board,
       power, capacitance_farads, turn_on_volts, brown_out_volts, seed, samples)
     VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      run.campaignId,
      run.cell,
      run.repeat,
      now.toISOString(),
      writerId,
      basename(config.modelPath),
      config.strategy,
      config.kernels,
      config.board,
      powerName(config.power),
      config.capacitanceFarads,
      config.turnOnVolts,
      config.brownOutVolts,
      config.seed,
      config.sampleCount,
    ],
  );
  await connection.run('INSERT INTO run_documents (run_id, config) VALUES (?, ?)', [
    lastId,
    JSON.stringify(config),
  ]);
  return lastId;
}

/**
 * Stores everything that came out of a run, traces aside (see traces.ts). Must run in one transaction with them.
 *
 * A run that was marked 'interrupted' by mistake (its program slept for longer than the heartbeat limit) may still be
 * completed by the program that began it.
 *
 * @throws RunError `run-not-open`
 */
export async function storeOutcome(
  connection: Connection,
  runId: number,
  outcome: RunOutcome,
  now: Date,
): Promise<void> {
  const { measures, provenance, predicted } = outcome;
  const columns: [string, SqlValue][] = [
    ['status', outcome.status],
    ['reason', outcome.reason],
    ['finished_at', now.toISOString()],
    ...MEASURE_COLUMNS.map(([name, column]): [string, SqlValue] => [column, measureValue(name, measures)]),
    ['predicted_latency_seconds', predicted?.latencySeconds ?? null],
    ['predicted_energy_joules', predicted?.energyJoules ?? null],
    ['predicted_power_cycles', predicted?.powerCycles ?? null],
    ['predicted_cycles', predicted?.cycles ?? null],
    ['model_sha256', provenance.modelSha256],
    ['data_sha256', provenance.dataSha256],
    ['image_sha256', provenance.imageSha256],
    ['firmware_sha256', provenance.firmwareSha256],
  ];
  const { changes } = await connection.run(
    `UPDATE runs SET ${columns.map(([column]) => `${column} = ?`).join(', ')}
     WHERE id = ? AND status IN ('running', 'interrupted')`,
    [...columns.map(([, value]) => value), runId],
  );
  if (changes === 0) {
    throw notOpen(runId);
  }
  await connection.run('UPDATE run_documents SET provenance = ?, prediction = ? WHERE run_id = ?', [
    JSON.stringify(provenance),
    predicted === null ? null : JSON.stringify(predicted),
    runId,
  ]);
  await connection.runMany(
    `INSERT INTO inferences (run_id, inference, sample, label, predicted, finished_seconds, output)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    outcome.results.map((result) => [
      runId,
      result.inference,
      result.sample,
      result.label,
      result.predicted,
      result.finishedSeconds,
      new Uint8Array(result.output.buffer, result.output.byteOffset, result.output.byteLength),
    ]),
  );
  await connection.runMany(
    'INSERT INTO power_cycles (run_id, cycle, on_seconds, off_seconds, inference, task) VALUES (?, ?, ?, ?, ?, ?)',
    outcome.powerCycles.map((cycle) => [
      runId,
      cycle.index,
      cycle.onSeconds,
      cycle.offSeconds,
      cycle.inference,
      cycle.task,
    ]),
  );
  await connection.runMany(
    'INSERT INTO run_log (run_id, entry, time_seconds, level, message) VALUES (?, ?, ?, ?, ?)',
    outcome.log.map((entry, index) => [runId, index, entry.timeSeconds, entry.level, entry.message]),
  );
  for (const artifact of outcome.artifacts) {
    await putArtifact(connection, artifact, now);
  }
}

/**
 * Ends a run that came to no outcome: its worker died, or its input changed under it.
 *
 * @throws RunError `run-not-open`
 */
export async function storeFailure(
  connection: Connection,
  runId: number,
  reason: string,
  now: Date,
): Promise<void> {
  const { changes } = await connection.run(
    `UPDATE runs SET status = 'failed', reason = ?, finished_at = ?
     WHERE id = ? AND status IN ('running', 'interrupted')`,
    [reason, now.toISOString(), runId],
  );
  if (changes === 0) {
    throw notOpen(runId);
  }
}

function notOpen(runId: number): RunError {
  return new RunError({
    code: 'run-not-open',
    place: `run ${runId}`,
    message: 'the run has ended already or was deleted, so its outcome cannot be stored',
    remedy: `Look at it with: brownout runs --where id=${runId}`,
  });
}

/** @throws InputError for a column, operator or value that a query cannot have */
export async function listRuns(
  connection: Connection,
  query: RunQuery,
): Promise<{ rows: RunRow[]; total: number }> {
  const select = selectRuns(query);
  const count = countRuns(query.filters);
  const rows = await connection.all(select.sql, select.parameters);
  const counted = await connection.get(count.sql, count.parameters);
  return { rows: rows.map(runRow), total: Number(counted?.['total'] ?? 0) };
}

/** @returns null when there is no such run */
export async function readRun(connection: Connection, id: number): Promise<RunDetail | null> {
  const row = await connection.get(SELECT_ONE_RUN, [id]);
  const documents = await connection.get(
    'SELECT config, provenance, prediction FROM run_documents WHERE run_id = ?',
    [id],
  );
  if (row === undefined || documents === undefined) {
    return null;
  }
  const provenance = textOrNull(documents, 'provenance');
  const prediction = textOrNull(documents, 'prediction');
  return {
    row: runRow(row),
    config: JSON.parse(text(documents, 'config')) as RunConfig,
    measures: readMeasures(row),
    predicted: prediction === null ? null : (JSON.parse(prediction) as RunPrediction),
    provenance: provenance === null ? null : (JSON.parse(provenance) as Provenance),
    results: await readResults(connection, id),
    powerCycles: await readPowerCycles(connection, id),
    log: await readLog(connection, id),
    channels: await listChannels(connection, id),
  };
}

async function readResults(connection: Connection, runId: number): Promise<InferenceResult[]> {
  const rows = await connection.all('SELECT * FROM inferences WHERE run_id = ? ORDER BY inference', [runId]);
  return rows.map((row) => ({
    inference: number(row, 'inference'),
    sample: number(row, 'sample'),
    label: numberOrNull(row, 'label'),
    output: new Int8Array(blob(row, 'output')),
    predicted: number(row, 'predicted'),
    finishedSeconds: number(row, 'finished_seconds'),
  }));
}

async function readPowerCycles(connection: Connection, runId: number): Promise<PowerCycle[]> {
  const rows = await connection.all('SELECT * FROM power_cycles WHERE run_id = ? ORDER BY cycle', [runId]);
  return rows.map((row) => ({
    index: number(row, 'cycle'),
    onSeconds: number(row, 'on_seconds'),
    offSeconds: numberOrNull(row, 'off_seconds'),
    inference: number(row, 'inference'),
    task: number(row, 'task'),
  }));
}

async function readLog(connection: Connection, runId: number): Promise<LogEntry[]> {
  const rows = await connection.all('SELECT * FROM run_log WHERE run_id = ? ORDER BY entry', [runId]);
  return rows.map((row) => ({
    timeSeconds: number(row, 'time_seconds'),
    level: (['info', 'warning', 'error'] as const).find((level) => level === row['level']) ?? 'info',
    message: text(row, 'message'),
  }));
}

const FRACTIONAL: readonly (keyof RunMeasures)[] = [
  'latencySeconds',
  'activeSeconds',
  'totalSeconds',
  'energyJoules',
  'accuracy',
];

/** Counts are whole: a bench that counts cycles in fractions of a clock must not lose its run to a strict column. */
function measureValue(name: keyof RunMeasures, measures: RunMeasures): number | null {
  const value = measures[name];
  return value === null || FRACTIONAL.includes(name) ? value : Math.round(value);
}

const MEASURE_COLUMNS: readonly [keyof RunMeasures, string][] = [
  ['macs', 'macs'],
  ['parameters', 'parameters'],
  ['sramBytes', 'sram_bytes'],
  ['nvmBytes', 'nvm_bytes'],
  ['imageBytes', 'image_bytes'],
  ['tasks', 'tasks'],
  ['inferences', 'inferences'],
  ['latencySeconds', 'latency_seconds'],
  ['activeSeconds', 'active_seconds'],
  ['totalSeconds', 'total_seconds'],
  ['energyJoules', 'energy_joules'],
  ['cycles', 'cycles'],
  ['powerCycles', 'power_cycles'],
  ['checkpoints', 'checkpoints'],
  ['restores', 'restores'],
  ['tasksExecuted', 'tasks_executed'],
  ['tasksReexecuted', 'tasks_reexecuted'],
  ['nvmBytesRead', 'nvm_bytes_read'],
  ['nvmBytesWritten', 'nvm_bytes_written'],
  ['accuracy', 'accuracy'],
];

/** Null until the run has produced them: one that ended has all of them, latency and accuracy perhaps excepted. */
function readMeasures(row: SqlRow): RunMeasures | null {
  const mayBeMissing: readonly (keyof RunMeasures)[] = ['latencySeconds', 'accuracy'];
  if (MEASURE_COLUMNS.some(([name]) => row[name] === null && !mayBeMissing.includes(name))) {
    return null;
  }
  return {
    macs: number(row, 'macs'),
    parameters: number(row, 'parameters'),
    sramBytes: number(row, 'sramBytes'),
    nvmBytes: number(row, 'nvmBytes'),
    imageBytes: number(row, 'imageBytes'),
    tasks: number(row, 'tasks'),
    inferences: number(row, 'inferences'),
    latencySeconds: numberOrNull(row, 'latencySeconds'),
    activeSeconds: number(row, 'activeSeconds'),
    totalSeconds: number(row, 'totalSeconds'),
    energyJoules: number(row, 'energyJoules'),
    cycles: number(row, 'cycles'),
    powerCycles: number(row, 'powerCycles'),
    checkpoints: number(row, 'checkpoints'),
    restores: number(row, 'restores'),
    tasksExecuted: number(row, 'tasksExecuted'),
    tasksReexecuted: number(row, 'tasksReexecuted'),
    nvmBytesRead: number(row, 'nvmBytesRead'),
    nvmBytesWritten: number(row, 'nvmBytesWritten'),
    accuracy: numberOrNull(row, 'accuracy'),
  };
}

function runRow(row: SqlRow): RunRow {
  return {
    id: number(row, 'id'),
    campaignId: numberOrNull(row, 'campaignId'),
    campaignName: textOrNull(row, 'campaignName'),
    cell: text(row, 'cell'),
    status: text(row, 'status'),
    reason: textOrNull(row, 'reason'),
    createdAt: text(row, 'createdAt'),
    finishedAt: textOrNull(row, 'finishedAt'),
    model: text(row, 'model'),
    strategy: text(row, 'strategy'),
    kernels: text(row, 'kernels'),
    board: text(row, 'board'),
    power: text(row, 'power'),
    capacitanceFarads: number(row, 'capacitanceFarads'),
    turnOnVolts: number(row, 'turnOnVolts'),
    brownOutVolts: number(row, 'brownOutVolts'),
    repeat: number(row, 'repeat'),
    seed: number(row, 'seed'),
    samples: number(row, 'samples'),
    latencySeconds: numberOrNull(row, 'latencySeconds'),
    activeSeconds: numberOrNull(row, 'activeSeconds'),
    totalSeconds: numberOrNull(row, 'totalSeconds'),
    energyJoules: numberOrNull(row, 'energyJoules'),
    accuracy: numberOrNull(row, 'accuracy'),
    powerCycles: numberOrNull(row, 'powerCycles'),
    checkpoints: numberOrNull(row, 'checkpoints'),
    restores: numberOrNull(row, 'restores'),
    tasksExecuted: numberOrNull(row, 'tasksExecuted'),
    tasksReexecuted: numberOrNull(row, 'tasksReexecuted'),
    nvmBytesRead: numberOrNull(row, 'nvmBytesRead'),
    nvmBytesWritten: numberOrNull(row, 'nvmBytesWritten'),
    cycles: numberOrNull(row, 'cycles'),
    sramBytes: numberOrNull(row, 'sramBytes'),
    nvmBytes: numberOrNull(row, 'nvmBytes'),
    imageBytes: numberOrNull(row, 'imageBytes'),
    tasks: numberOrNull(row, 'tasks'),
    macs: numberOrNull(row, 'macs'),
    parameters: numberOrNull(row, 'parameters'),
    inferences: numberOrNull(row, 'inferences'),
    predictedLatencySeconds: numberOrNull(row, 'predictedLatencySeconds'),
    predictedEnergyJoules: numberOrNull(row, 'predictedEnergyJoules'),
    predictedPowerCycles: numberOrNull(row, 'predictedPowerCycles'),
    predictedCycles: numberOrNull(row, 'predictedCycles'),
  };
}
