/** How the columns of a run are shown: labels, units and roles, the same in terminal, HTML and comparison. */
import type { Unit } from '../common/quantity.js';
import type { RunColumn } from '../store/types.js';

/** What the values of a column are. */
export type ColumnKind =
  | { kind: 'text' }
  /** ISO 8601 */
  | { kind: 'date' }
  /** A whole number without unit. */
  | { kind: 'count' }
  /** 0 .. 1, shown in per cent. */
  | { kind: 'share' }
  | { kind: 'quantity'; unit: Unit };

export interface ColumnPresentation {
  label: string;
  values: ColumnKind;
  /** What tells runs apart by name; what was asked for; what came out; what follows from model, board and plan. */
  role: 'identity' | 'configuration' | 'measure' | 'plan';
  /** Which way is better, where there is one. */
  better?: 'less' | 'more';
}

const text: ColumnKind = { kind: 'text' };
const count: ColumnKind = { kind: 'count' };
const quantity = (unit: Unit): ColumnKind => ({ kind: 'quantity', unit });

/** In the order in which tables show them. */
export const PRESENTATION: Readonly<Record<RunColumn, ColumnPresentation>> = {
  id: { label: 'Run', values: count, role: 'identity' },
  campaignId: { label: 'Campaign no.', values: count, role: 'identity' },
  campaignName: { label: 'Campaign', values: text, role: 'identity' },
  cell: { label: 'Cell', values: text, role: 'identity' },
  model: { label: 'Model', values: text, role: 'configuration' },
  strategy: { label: 'Strategy', values: text, role: 'configuration' },
  kernels: { label: 'Kernels', values: text, role: 'configuration' },
  board: { label: 'Board', values: text, role: 'configuration' },
  power: { label: 'Power', values: text, role: 'configuration' },
  capacitanceFarads: { label: 'Capacitance', values: quantity('F'), role: 'configuration' },
  turnOnVolts: { label: 'Turn-on', values: quantity('V'), role: 'configuration' },
  brownOutVolts: { label: 'Brown-out', values: quantity('V'), role: 'configuration' },
  samples: { label: 'Samples', values: count, role: 'configuration' },
  repeat: { label: 'Repeat', values: count, role: 'configuration' },
  seed: { label: 'Seed', values: count, role: 'configuration' },
  status: { label: 'Status', values: text, role: 'measure' },
  reason: { label: 'Reason', values: text, role: 'measure' },
  createdAt: { label: 'Started', values: { kind: 'date' }, role: 'identity' },
  finishedAt: { label: 'Ended', values: { kind: 'date' }, role: 'identity' },
  latencySeconds: { label: 'Latency', values: quantity('s'), role: 'measure', better: 'less' },
  activeSeconds: { label: 'Active time', values: quantity('s'), role: 'measure', better: 'less' },
  totalSeconds: { label: 'Total time', values: quantity('s'), role: 'measure', better: 'less' },
  energyJoules: { label: 'Energy', values: quantity('J'), role: 'measure', better: 'less' },
  accuracy: { label: 'Accuracy', values: { kind: 'share' }, role: 'measure', better: 'more' },
  powerCycles: { label: 'Power cycles', values: count, role: 'measure', better: 'less' },
  inferences: { label: 'Inferences', values: count, role: 'measure' },
  checkpoints: { label: 'Checkpoints', values: count, role: 'measure' },
  restores: { label: 'Restores', values: count, role: 'measure', better: 'less' },
  tasksExecuted: { label: 'Tasks executed', values: count, role: 'measure', better: 'less' },
  tasksReexecuted: { label: 'Re-executed', values: count, role: 'measure', better: 'less' },
  nvmBytesRead: { label: 'NVM read', values: quantity('B'), role: 'measure', better: 'less' },
  nvmBytesWritten: { label: 'NVM written', values: quantity('B'), role: 'measure', better: 'less' },
  cycles: { label: 'CPU cycles', values: count, role: 'measure', better: 'less' },
  predictedLatencySeconds: { label: 'Predicted latency', values: quantity('s'), role: 'measure' },
  predictedEnergyJoules: { label: 'Predicted energy', values: quantity('J'), role: 'measure' },
  predictedPowerCycles: { label: 'Predicted power cycles', values: count, role: 'measure' },
  predictedCycles: { label: 'Predicted CPU cycles', values: count, role: 'measure' },
  tasks: { label: 'Tasks in plan', values: count, role: 'plan' },
  sramBytes: { label: 'SRAM', values: quantity('B'), role: 'plan', better: 'less' },
  nvmBytes: { label: 'NVM', values: quantity('B'), role: 'plan', better: 'less' },
  imageBytes: { label: 'Image', values: quantity('B'), role: 'plan', better: 'less' },
  macs: { label: 'MACs', values: count, role: 'plan' },
  parameters: { label: 'Parameters', values: count, role: 'plan' },
};

/** Whether a name is a column of a run. */
export function isColumn(name: string): name is RunColumn {
  return Object.hasOwn(PRESENTATION, name);
}

/** Columns with one of these roles, in table order. */
export function columnsOf(...roles: ColumnPresentation['role'][]): RunColumn[] {
  return Object.keys(PRESENTATION)
    .filter(isColumn)
    .filter((column) => roles.includes(PRESENTATION[column].role));
}
