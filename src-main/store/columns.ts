/** Which columns a list of runs has, and what they are called in SQL: the allowlist of every filter and sort. */
import { InputError } from '../common/errors.js';
import { nearest } from '../common/nearest.js';
import type { RunColumn } from './types.js';

export interface ColumnDefinition {
  /** SQL expression over `runs` alias r and `campaigns` alias c. */
  sql: string;
  type: 'text' | 'number';
}

/** In the order in which lists and files show them. */
export const RUN_COLUMNS: Readonly<Record<RunColumn, ColumnDefinition>> = {
  id: { sql: 'r.id', type: 'number' },
  campaignId: { sql: 'r.campaign_id', type: 'number' },
  campaignName: { sql: 'c.name', type: 'text' },
  cell: { sql: 'r.cell', type: 'text' },
  status: { sql: 'r.status', type: 'text' },
  reason: { sql: 'r.reason', type: 'text' },
  createdAt: { sql: 'r.created_at', type: 'text' },
  finishedAt: { sql: 'r.finished_at', type: 'text' },
  model: { sql: 'r.model', type: 'text' },
  strategy: { sql: 'r.strategy', type: 'text' },
  kernels: { sql: 'r.kernels', type: 'text' },
  board: { sql: 'r.board', type: 'text' },
  power: { sql: 'r.power', type: 'text' },
  capacitanceFarads: { sql: 'r.capacitance_farads', type: 'number' },
  turnOnVolts: { sql: 'r.turn_on_volts', type: 'number' },
  brownOutVolts: { sql: 'r.brown_out_volts', type: 'number' },
  repeat: { sql: 'r.repeat', type: 'number' },
  seed: { sql: 'r.seed', type: 'number' },
  samples: { sql: 'r.samples', type: 'number' },
  latencySeconds: { sql: 'r.latency_seconds', type: 'number' },
  activeSeconds: { sql: 'r.active_seconds', type: 'number' },
  totalSeconds: { sql: 'r.total_seconds', type: 'number' },
  energyJoules: { sql: 'r.energy_joules', type: 'number' },
  accuracy: { sql: 'r.accuracy', type: 'number' },
  powerCycles: { sql: 'r.power_cycles', type: 'number' },
  checkpoints: { sql: 'r.checkpoints', type: 'number' },
  restores: { sql: 'r.restores', type: 'number' },
  tasksExecuted: { sql: 'r.tasks_executed', type: 'number' },
  tasksReexecuted: { sql: 'r.tasks_reexecuted', type: 'number' },
  nvmBytesRead: { sql: 'r.nvm_bytes_read', type: 'number' },
  nvmBytesWritten: { sql: 'r.nvm_bytes_written', type: 'number' },
  cycles: { sql: 'r.cycles', type: 'number' },
  sramBytes: { sql: 'r.sram_bytes', type: 'number' },
  nvmBytes: { sql: 'r.nvm_bytes', type: 'number' },
  imageBytes: { sql: 'r.image_bytes', type: 'number' },
  tasks: { sql: 'r.tasks', type: 'number' },
  macs: { sql: 'r.macs', type: 'number' },
  parameters: { sql: 'r.parameters', type: 'number' },
  inferences: { sql: 'r.inferences', type: 'number' },
  predictedLatencySeconds: { sql: 'r.predicted_latency_seconds', type: 'number' },
  predictedEnergyJoules: { sql: 'r.predicted_energy_joules', type: 'number' },
  predictedPowerCycles: { sql: 'r.predicted_power_cycles', type: 'number' },
  predictedCycles: { sql: 'r.predicted_cycles', type: 'number' },
};

export function isRunColumn(name: string): name is RunColumn {
  return Object.hasOwn(RUN_COLUMNS, name);
}

/**
 * @param place where the name was given, for the message
 * @throws InputError `unknown-column`, naming the column that was probably meant
 */
export function requireRunColumn(name: string, place: string): RunColumn {
  if (isRunColumn(name)) {
    return name;
  }
  throw new InputError({
    code: 'unknown-column',
    place,
    message: `runs have no column "${name}"`,
    remedy: `Did you mean ${nearestColumn(name)}? Columns: ${Object.keys(RUN_COLUMNS).join(', ')}`,
  });
}

/** The column that was probably meant: one that only lacks its unit (`latency`), else the one with the fewest edits. */
export function nearestColumn(name: string): string {
  const columns = Object.keys(RUN_COLUMNS);
  const start = name.toLowerCase();
  const beginning = start.length >= 3 && columns.find((column) => column.toLowerCase().startsWith(start));
  // A name longer than any column is wrong in any case; do not spend time on a whole file given by mistake.
  return beginning || (nearest(name.slice(0, 64), columns) ?? '');
}
