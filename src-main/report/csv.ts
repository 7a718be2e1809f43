/** CSV by RFC 4180, one line per run; the columns are documented in docs/csv-columns.md and only ever grow at the end. */
import type { RunColumn } from '../store/types.js';
import type { ReportRun } from './report.js';

/** Plain SI numbers, names as in the store. */
const ROW_COLUMNS: readonly RunColumn[] = [
  'id',
  'campaignId',
  'campaignName',
  'cell',
  'status',
  'reason',
  'createdAt',
  'finishedAt',
  'model',
  'strategy',
  'kernels',
  'board',
  'power',
  'capacitanceFarads',
  'turnOnVolts',
  'brownOutVolts',
  'repeat',
  'seed',
  'samples',
  'latencySeconds',
  'activeSeconds',
  'totalSeconds',
  'energyJoules',
  'accuracy',
  'powerCycles',
  'checkpoints',
  'restores',
  'tasksExecuted',
  'tasksReexecuted',
  'nvmBytesRead',
  'nvmBytesWritten',
  'cycles',
  'sramBytes',
  'nvmBytes',
  'imageBytes',
  'tasks',
  'macs',
  'parameters',
  'inferences',
];

const HASHES = [
  'modelSha256',
  'dataSha256',
  'calibrationSha256',
  'harvestSha256',
  'imageSha256',
  'firmwareSha256',
  'campaignSha256',
] as const;

/** In the order of the file. */
export const CSV_COLUMNS: readonly string[] = [...ROW_COLUMNS, ...HASHES, 'version'];

/** Header line and one line per run; lines end in CR LF, a missing value is an empty field. */
export function renderCsv(runs: readonly ReportRun[]): string {
  const lines = runs.map(({ row, provenance }) => [
    ...ROW_COLUMNS.map((column) => row[column]),
    ...HASHES.map((hash) => provenance?.[hash] ?? null),
    provenance?.versions['brownout-bench'] ?? null,
  ]);
  return [CSV_COLUMNS, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  if (value === null) {
    return '';
  }
  const text = String(value);
  // An empty text is quoted, to tell it from a missing value.
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
