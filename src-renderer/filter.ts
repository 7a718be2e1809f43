/**
 * The filter box of the runs list: words and comparisons, all of which must hold.
 *
 *     tile latency<2 status=finished capacitance>=4.7m model~digits
 */
import type { RunColumn, RunFilter } from '../src-main/service/manifest.js';

/** What a user may call a column. */
const COLUMNS: Readonly<Partial<Record<string, RunColumn>>> = {
  id: 'id',
  run: 'id',
  campaign: 'campaignName',
  cell: 'cell',
  status: 'status',
  model: 'model',
  strategy: 'strategy',
  kernels: 'kernels',
  board: 'board',
  power: 'power',
  harvest: 'power',
  capacitance: 'capacitanceFarads',
  capacitor: 'capacitanceFarads',
  repeat: 'repeat',
  seed: 'seed',
  samples: 'samples',
  latency: 'latencySeconds',
  active: 'activeSeconds',
  total: 'totalSeconds',
  energy: 'energyJoules',
  accuracy: 'accuracy',
  powercycles: 'powerCycles',
  cycles: 'cycles',
  checkpoints: 'checkpoints',
  restores: 'restores',
  tasks: 'tasks',
  created: 'createdAt',
};
const TEXT_COLUMNS: readonly RunColumn[] = [
  'campaignName',
  'cell',
  'status',
  'model',
  'strategy',
  'kernels',
  'board',
  'power',
  'createdAt',
];
const STATUSES = ['running', 'finished', 'not-terminating', 'failed', 'cancelled', 'interrupted'];
const STRATEGIES = ['restart', 'layer', 'tile', 'loop', 'planned', 'adaptive'];
const PREFIXES: Readonly<Partial<Record<string, number>>> = {
  p: 1e-12,
  n: 1e-9,
  u: 1e-6,
  µ: 1e-6,
  μ: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
};

export type ParsedFilter = { filters: RunFilter[]; problem: null } | { filters: null; problem: string };

/** Never throws: a text that cannot be understood gives the problem to show under the box. */
export function parseFilter(text: string): ParsedFilter {
  const filters: RunFilter[] = [];
  for (const token of text.match(/(?:"[^"]*"|\S)+/g) ?? []) {
    const parsed = parseToken(token);
    if (typeof parsed === 'string') {
      return { filters: null, problem: parsed };
    }
    filters.push(parsed);
  }
  return { filters, problem: null };
}

function parseToken(token: string): RunFilter | string {
  const match = /^([A-Za-z]+)(<=|>=|!=|=|<|>|~|:)(.*)$/.exec(token);
  if (!match) {
    return wordFilter(unquote(token));
  }
  const [, name = '', sign = '', rest = ''] = match;
  const column = COLUMNS[name.toLowerCase()] ?? Object.values(COLUMNS).find((known) => known === name);
  if (!column) {
    return `There is no column “${name}”. Known: ${Object.keys(COLUMNS).join(', ')}.`;
  }
  const value = unquote(rest);
  if (value === '') {
    return `“${token}” lacks a value after ${sign}.`;
  }
  if (TEXT_COLUMNS.includes(column)) {
    const operator = sign === '~' || sign === ':' ? 'contains' : (sign as RunFilter['operator']);
    return { column, operator, value };
  }
  const number = parseNumber(value);
  if (number === null) {
    return `“${value}” is no number. Write for example ${name}<2, ${name}>=4.7m or ${name}<100u.`;
  }
  return {
    column,
    operator: sign === '~' || sign === ':' ? '=' : (sign as RunFilter['operator']),
    value: number,
  };
}

/** A bare word means the most likely column. */
function wordFilter(word: string): RunFilter {
  if (STATUSES.includes(word)) {
    return { column: 'status', operator: '=', value: word };
  }
  if (STRATEGIES.includes(word)) {
    return { column: 'strategy', operator: '=', value: word };
  }
  return { column: 'model', operator: 'contains', value: word };
}

/** `4.7m`, `100uF`, `2s`, `95%`; null when it is none. */
function parseNumber(text: string): number | null {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(%|([pnuµμmkMG])?[FsJVA]?)$/.exec(text);
  if (!match) {
    return null;
  }
  const digits = match[1];
  const suffix = match.at(2);
  const prefix = match.at(3);
  const factor = suffix === '%' ? 0.01 : (PREFIXES[prefix ?? ''] ?? 1);
  // Through the decimal text, so that 4.7m is the very number 0.0047 that a campaign stored.
  return Number((Number(digits) * factor).toPrecision(12));
}

function unquote(text: string): string {
  return text.replaceAll('"', '');
}
