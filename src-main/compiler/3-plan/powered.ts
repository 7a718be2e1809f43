/** The strategies that know the power they will get: `planned` and `adaptive`. */
import { InputError } from '../../common/errors.js';
import { formatQuantity } from '../../common/quantity.js';
import type { Graph, Operator } from '../graph.js';
import type { KernelSet, Outlook, Rest, Save, Scratch, Step, Task } from '../plan.js';
import { allocate, ALIGNMENT } from './allocate.js';
import {
  capacitanceFor,
  commitCycles,
  joulesOf,
  OperatorCycles,
  startJoules,
  transferCycles,
  USABLE_SHARE,
  voltsFor,
  type PlanningPower,
} from './cost.js';
import { findBuffers, type Buffer } from './lifetimes.js';
import { neededJoules, schedule, type ScheduleProblem } from './schedule.js';
import { partName } from './stage.js';
import {
  outputStep,
  refillSteps,
  stateAt,
  tileSteps,
  writtenBy,
  type BufferRange,
  type PlacedBuffer,
  type Tile,
} from './tasks.js';
import { unitsOf, type Units } from './units.js';
import { WorkCosts } from './work-costs.js';

export interface PoweredTasks {
  tasks: Task[];
  nvmBytes: number;
  bankBytes: number;
  rest: Rest | null;
}

/**
 * Units of an operator are merged into pieces of at most the first of these shares of a power cycle with which every piece,
 * with its restore and commit, fits one. Finer pieces would lose less when the power fails right before a commit, but a board
 * that rests hardly ever does that, and every step of a fast kernel rearranges weights first, some for milliseconds.
 */
const PIECE_SHARES = [1 / 2, 1 / 4, 1 / 8, 1 / 16];
/** A thermometer's worth of trust in the ADC: resistors of the divider, reference and noise together. */
const SENSING_ERROR_VOLTS = 0.02;
/** On top of the predicted energy of the way to the next possible commit. */
const THRESHOLD_MARGIN = 1.15;
/** On top of the smallest capacitor that would do, since a larger one also changes how units are merged. */
const RECOMMENDED_CAPACITANCE_MARGIN = 1.1;

interface Context {
  graph: Graph;
  kernels: KernelSet;
  power: PlanningPower;
  buffers: readonly PlacedBuffer[];
  /** In execution order; boundary k lies before piece k. */
  pieces: readonly Piece[];
  /** By boundary, 0 .. pieces.length: what the rest reads; nothing at the end. */
  states: readonly (readonly BufferRange<PlacedBuffer>[])[];
  /** By piece: what it computes. */
  writes: readonly (readonly BufferRange<PlacedBuffer>[])[];
  cycles: OperatorCycles;
  work: WorkCosts;
}

/** A tile with what it is part of. */
interface Piece extends Tile {
  units: Units;
  source: Operator;
}

/**
 * Commits where the expected energy of the inference is smallest, each task fitting a power cycle. Saves are incremental:
 * bytes that an earlier commit preserved stay where they are.
 *
 * @throws InputError `task-too-large`
 */
export function plannedTasks(
  graph: Graph,
  kernels: KernelSet,
  scratch: readonly Scratch[],
  placed: readonly PlacedBuffer[],
  power: PlanningPower,
): PoweredTasks {
  // Commits may stand between any two units, or between any two of many parts of an operator.
  const context = createContext(graph, kernels, scratch, placed, power, FINEST_PIECES);
  const commits = scheduleOrThrow(context, problemOf(context, incrementalSave, false));
  const tasks = commits.map((to, index) => ({ from: index === 0 ? 0 : commits[index - 1], to }));
  const saves = tasks.map(({ from, to }) => incrementalSave(context, from, to));
  const loads = tasks.map(({ from }) => context.states[from].filter(({ buffer }) => !isRefilled(buffer)));

  // In units of tasks: a buffer's NVM is taken from the commit that first fills it to the last restore that reads it.
  const preserved = context.buffers
    .map((buffer) => ({
      buffer,
      begin: saves.findIndex((save) => save.some((range) => range.buffer === buffer)),
      end: loads.findLastIndex((load) => load.some((range) => range.buffer === buffer)),
    }))
    .filter(({ begin }) => begin >= 0);
  const nvm = allocate(preserved.map(({ buffer, begin, end }) => ({ bytes: buffer.bytes, begin, end })));
  const nvmOffsets = new Map(preserved.map(({ buffer }, index) => [buffer, nvm.offsets[index]]));
  const offsetOf = ({ buffer, begin }: BufferRange<PlacedBuffer>): number =>
    (nvmOffsets.get(buffer) ?? 0) + begin;
  return {
    tasks: tasks.map(({ from, to }, index) => ({
      name: nameOf(context, from, to),
      restore: from === 0 ? [] : restoreSteps(context, from, loads[index].map(offsetOf)),
      steps: workSteps(context, from, to),
      save: saves[index].map((range) => saveStep(range, offsetOf(range))),
      commit: { when: 'always' },
    })),
    nvmBytes: nvm.bytes,
    bankBytes: 0,
    rest: null,
  };
}

/**
 * What `planned` chooses from, for whoever wants to choose otherwise; null where there is nothing to plan.
 */
export function plannedProblem(
  graph: Graph,
  options: { kernels: KernelSet },
  power: PlanningPower,
): ScheduleProblem | null {
  const placed = findBuffers(graph).map((buffer) => ({ ...buffer, arenaOffset: 0, nvmOffset: null }));
  const context = createContext(graph, options.kernels, [], placed, power, FINEST_PIECES);
  return context.pieces.length === 0 ? null : problemOf(context, incrementalSave, false);
}

/**
 * A possible commit after every piece, made when the capacitor has less than the next piece and a commit after it need;
 * and planned commits for when the sensing cannot be trusted. Each commit saves the whole state into the other bank.
 *
 * @throws InputError `task-too-large`
 */
export function adaptiveTasks(
  graph: Graph,
  kernels: KernelSet,
  scratch: readonly Scratch[],
  placed: readonly PlacedBuffer[],
  power: PlanningPower,
): PoweredTasks {
  const candidates = PIECE_SHARES.map((share) => {
    const context = createContext(graph, kernels, scratch, placed, power, cheapestPieces(share));
    return { context, problem: problemOf(context, wholeSave, true) };
  });
  const { context, problem } =
    candidates.find((candidate) => schedule(candidate.problem).fits) ?? candidates[candidates.length - 1];
  const planned = new Set(scheduleOrThrow(context, problem));
  const banks = context.states.map((_, boundary) => packInBank(wholeSave(context, 0, boundary)));
  const bankBytes = Math.max(0, ...banks.map(({ bytes }) => bytes));
  const count = context.pieces.length;
  return {
    tasks: context.pieces.map((_, index) => ({
      name: nameOf(context, index, index + 1),
      restore: index === 0 ? [] : restoreSteps(context, index, banks[index].offsets),
      steps: workSteps(context, index, index + 1),
      save: wholeSave(context, index, index + 1).map((range, at) =>
        saveStep(range, banks[index + 1].offsets[at]),
      ),
      commit:
        index + 1 === count
          ? { when: 'always' }
          : {
              when: 'below',
              millivolts: thresholdMillivolts(power, problem.commitJoules(index, index + 1)),
              goMillivolts: thresholdMillivolts(
                power,
                Math.max(problem.commitJoules(index, index + 1), stretchJoules(problem, index + 1)),
              ),
              planned: planned.has(index + 1),
            },
      outlook: outlookOf(context, problem, index),
    })),
    nvmBytes: 2 * bankBytes,
    bankBytes,
    rest: restOf(power),
  };
}

/** The task from `boundary` on, and a commit after it. */
function stretchJoules(problem: ScheduleProblem, boundary: number): number {
  return problem.computeJoules(boundary, boundary + 1) + problem.commitJoules(boundary, boundary + 1);
}

function outlookOf(context: Context, problem: ScheduleProblem, boundary: number): Outlook {
  const { power } = context;
  const count = context.pieces.length;
  const leftJoules = problem.computeJoules(boundary, count) + problem.commitJoules(boundary, count);
  return {
    beginMillivolts: thresholdMillivolts(
      power,
      problem.restoreJoules(boundary) + stretchJoules(problem, boundary),
    ),
    leftSquareMillivolts: Math.min(0xffffffff, Math.ceil((2e6 * leftJoules) / power.capacitanceFarads)),
  };
}

/**
 * A source of limited current gives the more power the higher the capacitor stands, so waiting is done near the top, up to
 * the voltage that the source has shown it can reach: turn-on. The band is a share of what a power cycle holds. A nap is so
 * long that the rise that the firmware asks for in one, 4 mV at about 4.4 V, is worth nearly 9 mW.
 */
const NAP_SECONDS_PER_FARAD = 2;
const REST_BAND_SHARE = 0.15;

function restOf({ capacitanceFarads, turnOnVolts, brownOutVolts }: PlanningPower): Rest {
  const wakeVolts = turnOnVolts - SENSING_ERROR_VOLTS;
  const restVolts = Math.sqrt(wakeVolts ** 2 - REST_BAND_SHARE * (turnOnVolts ** 2 - brownOutVolts ** 2));
  return {
    brownOutMillivolts: Math.floor(1000 * (brownOutVolts - 5 * SENSING_ERROR_VOLTS)),
    restMillivolts: Math.round(1000 * restVolts),
    wakeMillivolts: Math.round(1000 * wakeVolts),
    napMicros: Math.round(Math.min(50_000, Math.max(200, 1e6 * capacitanceFarads * NAP_SECONDS_PER_FARAD))),
  };
}

function thresholdMillivolts(power: PlanningPower, neededToGoOn: number): number {
  const volts = voltsFor(neededToGoOn * THRESHOLD_MARGIN, power) + SENSING_ERROR_VOLTS;
  return Math.min(0xffff, Math.ceil(1000 * volts));
}

function createContext(
  graph: Graph,
  kernels: KernelSet,
  scratch: readonly Scratch[],
  placed: readonly PlacedBuffer[],
  power: PlanningPower,
  pieceRule: PieceRule,
): Context {
  const cycles = new OperatorCycles(graph, kernels, power.costs, scratch);
  const pieces = piecesOf(graph, cycles, power, pieceRule);
  const states = [...pieces.map((piece, index) => (index === 0 ? [] : stateAt(graph, placed, piece))), []];
  const writes = pieces.map((piece) => writtenBy(graph, placed, piece));
  const transfers = pieces.map((piece) =>
    transferJoules(
      power,
      tileSteps(graph, placed, [piece]).filter((step) => step.kind !== 'EXECUTE'),
    ),
  );
  const work = new WorkCosts(pieces, transfers, cycles, power.costs.joulesPerCycle);
  return { graph, kernels, power, buffers: placed, pieces, states, writes, cycles, work };
}

/** How many units of an operator make a piece, that is, are never parted by a commit. */
type PieceRule = (
  units: Units,
  piece: { coldJoules: (count: number) => number; warmJoules: (count: number) => number },
  power: PlanningPower,
) => number;

/**
 * Of the pieces that stay below their share of a power cycle, those with which the whole operator costs least: a kernel that
 * works in blocks of rows wastes what a piece has of a last, broken one. Among equals the largest.
 */
const cheapestPieces =
  (largestShare: number): PieceRule =>
  (units, { coldJoules, warmJoules }, { energyPerPowerCycleJoules }) => {
    let best = { count: 1, joules: Infinity };
    for (let pieces = 1; pieces <= units.count; pieces++) {
      const count = Math.ceil(units.count / pieces);
      const share = coldJoules(count) / energyPerPowerCycleJoules;
      const joules = warmJoules(count) * (units.count / count);
      if (share <= largestShare && joules < best.joules * (1 - 1e-9)) {
        best = { count, joules };
      }
    }
    return best.count;
  };

/** An operator has at most so many pieces, unless that would make them large. */
const MOST_PIECES = 64;
const LARGE_PIECE_SHARE = 1 / 64;

const FINEST_PIECES: PieceRule = (units, { coldJoules }, power) =>
  Math.min(
    Math.ceil(units.count / MOST_PIECES),
    Math.floor((LARGE_PIECE_SHARE * power.energyPerPowerCycleJoules) / coldJoules(1)),
  );

function piecesOf(graph: Graph, cycles: OperatorCycles, power: PlanningPower, rule: PieceRule): Piece[] {
  return graph.operators.flatMap((source, operator): Piece[] => {
    if (source.kind === 'RESHAPE') {
      return [];
    }
    const units = unitsOf(graph, source);
    const joulesOfPiece = (cold: boolean) => (count: number) =>
      cycles.of(operator, 0, count, cold) * power.costs.joulesPerCycle;
    const piece = { coldJoules: joulesOfPiece(true), warmJoules: joulesOfPiece(false) };
    const unitsPerPiece = Math.max(1, Math.min(units.count, rule(units, piece, power)));
    return Array.from({ length: Math.ceil(units.count / unitsPerPiece) }, (_, index) => ({
      source,
      units,
      operator,
      unitBegin: index * unitsPerPiece,
      unitEnd: Math.min((index + 1) * unitsPerPiece, units.count),
    }));
  });
}

function transferJoules({ costs }: PlanningPower, steps: readonly Step[]): number {
  return steps.reduce(
    (sum, step) =>
      sum + (step.kind === 'EXECUTE' ? 0 : joulesOf(costs, transferCycles(costs, step.kind, step.bytes))),
    0,
  );
}

type SaveRule = (context: Context, from: number, to: number) => BufferRange<PlacedBuffer>[];

/** Of what the rest reads at `to`, the bytes that were computed since `from`. */
const incrementalSave: SaveRule = ({ writes, states }, from, to) => {
  const ranges = states[to].map((range) => ({ ...range, madeBegin: Infinity, madeEnd: 0 }));
  for (let piece = from; piece < to; piece++) {
    for (const made of writes[piece]) {
      for (const range of ranges) {
        if (range.buffer === made.buffer) {
          range.madeBegin = Math.min(range.madeBegin, made.begin);
          range.madeEnd = Math.max(range.madeEnd, made.end);
        }
      }
    }
  }
  return ranges.flatMap(({ buffer, begin, end, madeBegin, madeEnd }) => {
    const clipped = { buffer, begin: Math.max(begin, madeBegin), end: Math.min(end, madeEnd) };
    return clipped.begin < clipped.end ? [clipped] : [];
  });
};

const wholeSave: SaveRule = ({ states }, _from, to) => states[to].filter(({ buffer }) => !isRefilled(buffer));

function problemOf(context: Context, save: SaveRule, restartsAnywhere: boolean): ScheduleProblem {
  const { graph, power, states, work, pieces } = context;
  const { costs } = power;
  const outputBytes = context.buffers.find(({ tensors }) => tensors.includes(graph.outputs[0]))?.bytes ?? 0;
  const transfers = (kind: 'LOAD' | 'SAVE', sizes: readonly number[]): number =>
    sizes.reduce((sum, bytes) => sum + joulesOf(costs, transferCycles(costs, kind, bytes)), 0);
  const sizes = (ranges: readonly BufferRange<PlacedBuffer>[]): number[] =>
    ranges.map(({ begin, end }) => end - begin);
  return {
    count: pieces.length,
    budgetJoules: USABLE_SHARE * power.energyPerPowerCycleJoules,
    cycleJoules: power.expectedPerPowerCycleJoules ?? power.energyPerPowerCycleJoules,
    startJoules: startJoules(costs),
    restoreJoules: (boundary) => {
      const loads = states[boundary].filter(({ buffer }) => !isRefilled(buffer));
      const refills = refillSteps(states[boundary].map(({ buffer }) => buffer));
      return transfers('LOAD', sizes(loads)) + transferJoules(power, refills) + work.coldJoules(boundary);
    },
    computeJoules: (from, to) => work.joules(from, to),
    commitJoules: (from, to) => {
      const saved = to === pieces.length ? [outputBytes] : sizes(save(context, from, to));
      return (
        transfers('SAVE', saved) +
        joulesOf(costs, commitCycles(costs, 'record', context.cycles.recordCycles(pieces[to - 1].operator))) +
        costs.senseCycles * costs.joulesPerCycle
      );
    },
    restartsAnywhere,
  };
}

/** @throws InputError `task-too-large` naming the first task that does not fit, by how much, and what capacitor would do */
function scheduleOrThrow(context: Context, problem: ScheduleProblem): number[] {
  const result = schedule(problem);
  if (result.fits) {
    return result.commits;
  }
  const { power, graph } = context;
  // Where one charge of the capacitor is too little, what is harvested while the board runs may still carry a task through.
  const helped = schedule({ ...problem, budgetJoules: USABLE_SHARE * problem.cycleJoules });
  if (helped.fits) {
    return helped.commits;
  }
  const at = result.boundary;
  const needed = neededJoules(problem, at, at + 1) / USABLE_SHARE;
  const available = power.energyPerPowerCycleJoules;
  const all = context.pieces.map((_, index) => neededJoules(problem, index, index + 1));
  const capacitance = roundUp(
    capacitanceFor((RECOMMENDED_CAPACITANCE_MARGIN * Math.max(...all)) / USABLE_SHARE, power),
  );
  throw new InputError({
    code: 'task-too-large',
    place: graph.name,
    message:
      `task "${nameOf(context, at, at + 1)}", which cannot be cut further, needs ${formatQuantity(needed, 'J')} with its start, ` +
      `restore and commit, and a power cycle gives ${formatQuantity(available, 'J')}: ` +
      `${formatQuantity(needed - available, 'J')} too little`,
    remedy:
      `Use a capacitor of at least ${formatQuantity(capacitance, 'F')} (now ${formatQuantity(power.capacitanceFarads, 'F')}), ` +
      'or a higher turn-on voltage',
  });
}

/** To two significant digits. */
function roundUp(value: number): number {
  const digit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / digit) * digit;
}

function nameOf({ pieces }: Context, from: number, to: number): string {
  const [first, last] = [pieces[from], pieces[to - 1]];
  if (from === 0 && to === pieces.length) {
    return 'whole inference';
  }
  if (first.operator !== last.operator) {
    return `${pieceName(first, first.unitBegin, first.units.count)} to ${pieceName(last, 0, last.unitEnd)}`;
  }
  return pieceName(first, first.unitBegin, last.unitEnd);
}

function pieceName({ source, units }: Piece, begin: number, end: number): string {
  return partName(source, units.label, units.count, { begin, end });
}

function workSteps({ graph, buffers, pieces }: Context, from: number, to: number): Step[] {
  return [
    ...tileSteps(graph, buffers, pieces.slice(from, to)),
    ...(to === pieces.length ? [outputStep(graph, buffers)] : []),
  ];
}

/** @param nvmOffsets of the state's ranges without those that are filled, in order */
function restoreSteps({ states }: Context, boundary: number, nvmOffsets: readonly number[]): Step[] {
  const loads = states[boundary].filter(({ buffer }) => !isRefilled(buffer));
  return [
    ...refillSteps(states[boundary].map(({ buffer }) => buffer)),
    ...loads.map(({ buffer, begin, end }, index): Step => ({
      kind: 'LOAD',
      arenaOffset: buffer.arenaOffset + begin,
      nvmOffset: nvmOffsets[index],
      bytes: end - begin,
    })),
  ];
}

function saveStep({ buffer, begin, end }: BufferRange<PlacedBuffer>, nvmOffset: number): Save {
  return { kind: 'SAVE', arenaOffset: buffer.arenaOffset + begin, nvmOffset, bytes: end - begin };
}

/** One range after the other. */
function packInBank(ranges: readonly BufferRange<PlacedBuffer>[]): { offsets: number[]; bytes: number } {
  let bytes = 0;
  const offsets = ranges.map(({ begin, end }) => {
    const offset = bytes;
    bytes += Math.ceil((end - begin) / ALIGNMENT) * ALIGNMENT;
    return offset;
  });
  return { offsets, bytes };
}

/** Needs no NVM: it can be filled again from where it came from. */
function isRefilled(buffer: Buffer): boolean {
  return buffer.refill !== null;
}
