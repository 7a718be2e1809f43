/**
 * How an inference fits SRAM that is too small for its tensors: which of them stay, which live in NVM and pass by in
 * stripes, and which operators are executed stripe by stripe together. Dynamic programming over the operators: what is
 * behind an operator matters only by where the tensors are that the rest still reads.
 */
import { operatorMacs } from '../inspect.js';
import type { KernelSet } from '../plan.js';
import { accessOf, type Range } from './access.js';
import { ALIGNMENT } from './allocate.js';
import type { Buffer } from './lifetimes.js';
import { scratchBytes } from './scratch.js';
import type { StageCosts } from './stage-cost.js';
import { isStripeable, stripeOf, stripesOf, type Source, type Stripe } from './stage.js';
import { unitsOf } from './units.js';

/** Longest stage that is tried; each operator more widens what stripes share. */
const MOST_OPERATORS_OF_STAGE = 10;
/** States that are kept in front of an operator, the cheapest ones: beyond, networks have dozens of tensors alive. */
const MOST_STATES = 400;

/** Where a tensor is that is still read: in SRAM, in both, in NVM (the sample: in flash, where it stays). */
type Status = 'sram' | 'both' | 'nvm';

/** How a stage gets what it did not compute: it is in SRAM, or comes in stripes, or is brought back as a whole. */
export type Way = 'resident' | 'fetch' | 'reload';

export interface StageDecision {
  /** Of the source graph; RESHAPE is none of them. */
  operators: number[];
  /** One for everything at once. */
  stripes: Stripe[];
  ways: Map<Buffer, Way>;
  /** Where the output of the last operator goes. */
  output: Status;
  /** Operators that the reference kernels have to execute, for want of scratch. */
  reference: number[];
  /** Multiply-accumulates that are done again, because stripes share rows. */
  recomputedMacs: number;
}

interface State {
  cycles: number;
  statuses: ReadonlyMap<Buffer, Status>;
  previous: State | null;
  stage: StageDecision | null;
}

/** A stage cut into stripes, whatever is around it. */
interface Cut {
  stripes: Stripe[];
  /** Of the largest stripe of each buffer, and of all of them together. */
  largest: Map<Buffer, number>;
  total: Map<Buffer, number>;
  /** Buffers of which every stripe has the same bytes as the stripe of the output. */
  likeOutput: Set<Buffer>;
  recomputedMacs: number;
  /** Position of its first operator. */
  begin: number;
  /** By operator and kernels: what its stripes take; asked for only where the cut fits. */
  cycles: Map<string, number>;
  /** By operator: what the fast kernels need for the highest stripe. */
  scratch: number[];
}

export interface TooLarge {
  fits: false;
  /** Source operator that cannot be executed, whatever is around it. */
  operator: number;
  /** What it needs at least: one stripe of each of its tensors, or all of them where it cannot be cut. */
  neededBytes: number;
}

export type Fit = { fits: true; stages: StageDecision[]; cycles: number } | TooLarge;

/**
 * @param sramBytes of all blocks alive together; a placement may need a little more
 * @param mostOperators of a stage: 1 for row tiling without patches
 */
export function fit(
  source: Source,
  kernels: KernelSet,
  sramBytes: number,
  costs: StageCosts,
  mostOperators = MOST_OPERATORS_OF_STAGE,
): Fit {
  return new Fitter(source, kernels, sramBytes, costs, mostOperators).run();
}

class Fitter {
  /** Operators that are executed, in order: positions below count in this list. */
  private readonly order: number[];
  private readonly produced = new Map<Buffer, number>();
  /** Position of the last reader; behind the last operator for the output. */
  private readonly lastRead = new Map<Buffer, number>();
  private readonly stripeable: boolean[];
  private readonly cuts = new Map<string, Cut | null>();

  constructor(
    private readonly source: Source,
    private readonly kernels: KernelSet,
    private readonly sramBytes: number,
    private readonly costs: StageCosts,
    private readonly mostOperators: number,
  ) {
    const { graph, buffers } = source;
    this.order = graph.operators.flatMap(({ kind }, index) => (kind === 'RESHAPE' ? [] : [index]));
    const positionOf = new Map(this.order.map((operator, position) => [operator, position]));
    const count = this.order.length;
    for (const buffer of buffers) {
      const produced = buffer.refill === null ? (positionOf.get(buffer.writes[0].operator) ?? 0) : -1;
      const reads = buffer.reads.map(({ operator }) => positionOf.get(operator) ?? 0);
      this.produced.set(buffer, produced);
      this.lastRead.set(
        buffer,
        buffer.lastOperator >= graph.operators.length ? count : Math.max(produced, ...reads),
      );
    }
    const operators = this.order.map((index) => graph.operators[index]);
    this.stripeable = operators.map((operator) => isStripeable(source, operator));
  }

  run(): Fit {
    const count = this.order.length;
    const states = Array.from({ length: count + 1 }, () => new Map<string, State>());
    const inputs = this.source.buffers.filter(({ refill }) => refill !== null);
    const start: State = {
      cycles: 0,
      statuses: new Map(inputs.map((buffer): [Buffer, Status] => [buffer, 'nvm'])),
      previous: null,
      stage: null,
    };
    states[0].set(this.keyOf(start), start);
    for (let position = 0; position < count; position++) {
      const kept = [...states[position].values()].sort((a, b) => a.cycles - b.cycles).slice(0, MOST_STATES);
      for (const state of kept) {
        for (let end = position; end < Math.min(count, position + this.mostOperators); end++) {
          if (end > position && !this.isStage(position, end)) {
            continue;
          }
          for (const next of this.transitions(state, position, end)) {
            const key = this.keyOf(next);
            const known = states[end + 1].get(key);
            if (known === undefined || next.cycles < known.cycles) {
              states[end + 1].set(key, next);
            }
          }
        }
      }
    }
    const ends = [...states[count].values()].sort((a, b) => a.cycles - b.cycles);
    const best = ends.at(0);
    if (best === undefined) {
      return this.tooLarge(states);
    }
    const stages: StageDecision[] = [];
    for (let state: State | null = best; state?.stage; state = state.previous) {
      stages.unshift(state.stage);
    }
    return { fits: true, stages, cycles: best.cycles };
  }

  private keyOf({ statuses }: State): string {
    return this.source.buffers.map((buffer) => statuses.get(buffer)?.[0] ?? '').join('.');
  }

  /** What lies between the operators is read by them only, and all of them can be cut. */
  private isStage(begin: number, end: number): boolean {
    for (let position = begin; position <= end; position++) {
      if (!this.stripeable[position]) {
        return false;
      }
      const output = this.outputOf(position);
      if (position < end && (output.tensors.length > 1 || (this.lastRead.get(output) ?? 0) > end)) {
        return false;
      }
    }
    // Each of them contributes to what the last one computes.
    return Array.from({ length: end - begin }, (_, index) => this.outputOf(begin + index)).every(
      ({ reads }) => reads.length > 0,
    );
  }

  private outputOf(position: number): Buffer {
    const { graph, bufferOf } = this.source;
    const buffer = bufferOf(graph.operators[this.order[position]].outputs[0]);
    if (buffer === undefined) {
      throw new RangeError(`operator ${this.order[position]} has no output`);
    }
    return buffer;
  }

  /** Buffers that operators begin .. end read and none of them computes. */
  private externals(begin: number, end: number): Buffer[] {
    const { graph, bufferOf } = this.source;
    const read = this.order
      .slice(begin, end + 1)
      .flatMap((operator) => graph.operators[operator].inputs.map(bufferOf))
      .filter((buffer) => buffer !== undefined);
    return [...new Set(read)].filter((buffer) => (this.produced.get(buffer) ?? 0) < begin);
  }

  private *transitions(state: State, begin: number, end: number): Generator<State> {
    const externals = this.externals(begin, end);
    const output = this.outputOf(end);
    const readLater = (this.lastRead.get(output) ?? 0) > end;
    const isResult = (this.lastRead.get(output) ?? 0) >= this.order.length;
    const readers = output.reads.length;
    const outputs: Status[] =
      !readLater || isResult ? ['sram'] : readers > 1 ? ['sram', 'nvm', 'both'] : ['sram', 'nvm'];
    for (const ways of this.waysOf(state, externals)) {
      for (const to of outputs) {
        const stage = this.bestStripes(state, begin, end, ways, to);
        if (stage !== null) {
          yield* this.successors(state, end, stage);
        }
      }
    }
  }

  private waysOf({ statuses }: State, externals: readonly Buffer[]): Map<Buffer, Way>[] {
    return externals.reduce<Map<Buffer, Way>[]>(
      (maps, buffer) => {
        const ways: Way[] = statuses.get(buffer) === 'nvm' ? ['fetch', 'reload'] : ['resident'];
        return ways.flatMap((way) => maps.map((map) => new Map(map).set(buffer, way)));
      },
      [new Map<Buffer, Way>()],
    );
  }

  /** The stage in as few stripes as fit, or in more if then the fast kernels have room, too; null when it does not fit. */
  private bestStripes(
    state: State,
    begin: number,
    end: number,
    ways: Map<Buffer, Way>,
    to: Status,
  ): { decision: StageDecision; cycles: number } | null {
    const { graph } = this.source;
    const output = this.outputOf(end);
    const height = this.stripeable[end]
      ? graph.tensors[graph.operators[this.order[end]].outputs[0]].shape[1]
      : 1;
    let rows = Infinity;
    let best: { decision: StageDecision; cycles: number } | null = null;
    for (let count = begin === end ? 1 : 2; count <= height; count++) {
      if (Math.ceil(height / count) === rows) {
        continue;
      }
      rows = Math.ceil(height / count);
      const cut = this.cut(begin, end, count, height);
      const reference = cut === null ? null : this.check(state, begin, end, ways, to, cut);
      if (cut === null || reference === null) {
        continue;
      }
      const cycles = this.cyclesOf(ways, to, output, cut, reference);
      if (best === null || cycles < best.cycles) {
        best = {
          cycles,
          decision: {
            operators: this.order.slice(begin, end + 1),
            stripes: cut.stripes,
            ways,
            output: to,
            reference,
            recomputedMacs: cut.recomputedMacs,
          },
        };
      }
      if (reference.length === 0) {
        break;
      }
    }
    return best;
  }

  private cut(begin: number, end: number, count: number, height: number): Cut | null {
    const key = `${begin} ${end} ${count}`;
    const known = this.cuts.get(key);
    if (known !== undefined) {
      return known;
    }
    const made = this.makeCut(begin, end, count, height);
    this.cuts.set(key, made);
    return made;
  }

  private makeCut(begin: number, end: number, count: number, height: number): Cut | null {
    const { graph } = this.source;
    const operators = this.order.slice(begin, end + 1);
    const rows: (Range | null)[] = count === 1 ? [null] : stripesOf(height, count);
    const stripes: Stripe[] = [];
    for (const each of rows) {
      const stripe = stripeOf(this.source, operators, each);
      if (stripe === null) {
        return null;
      }
      stripes.push(stripe);
    }
    const largest = new Map<Buffer, number>();
    const total = new Map<Buffer, number>();
    const likeOutput = new Set(stripes[0].ranges.keys());
    const output = this.outputOf(end);
    for (const { ranges } of stripes) {
      const made = ranges.get(output);
      for (const [buffer, range] of ranges) {
        const bytes = range.end - range.begin;
        largest.set(buffer, Math.max(largest.get(buffer) ?? 0, aligned(bytes)));
        total.set(buffer, (total.get(buffer) ?? 0) + bytes);
        if (range.begin !== made?.begin || range.end !== made.end) {
          likeOutput.delete(buffer);
        }
      }
    }
    let recomputedMacs = 0;
    operators.forEach((index, at) => {
      const operator = graph.operators[index];
      const { count: units, work } = unitsOf(graph, operator);
      const done = stripes.reduce((sum, { calls }) => sum + calls[at].rows.end - calls[at].rows.begin, 0);
      recomputedMacs += operatorMacs(graph, operator) > 0 ? Math.max(0, done - units) * work : 0;
    });
    const scratch = operators.map((_, at) => {
      const heights = stripes.map(({ calls }) => calls[at].rows.end - calls[at].rows.begin);
      return this.scratchOf(begin + at, count === 1 ? null : Math.max(...heights));
    });
    return { stripes, largest, total, likeOutput, recomputedMacs, begin, cycles: new Map(), scratch };
  }

  /** @param rows of the output; null for all of it */
  private scratchOf(position: number, rows: number | null): number {
    const { graph } = this.source;
    const operator = graph.operators[this.order[position]];
    if (this.kernels !== 'fast') {
      return 0;
    }
    if (rows === null) {
      return aligned(scratchBytes(graph, operator, 'scarce') ?? 0);
    }
    const [output] = operator.outputs;
    const tensors = [...graph.tensors];
    const [batch, , ...row] = tensors[output].shape;
    tensors[output] = { ...tensors[output], shape: [batch, rows, ...row] };
    return aligned(scratchBytes({ ...graph, tensors }, operator, 'scarce') ?? 0);
  }

  /** What the stripes of an operator take more than the whole with the best kernel that there is. */
  private executeCycles(cut: Cut, at: number, kernels: KernelSet): number {
    const key = `${at} ${kernels}`;
    const known = cut.cycles.get(key);
    if (known !== undefined) {
      return known;
    }
    const operator = this.order[cut.begin + at];
    const { count } = unitsOf(this.source.graph, this.source.graph.operators[operator]);
    const whole = this.costs.execute(operator, { begin: 0, end: count }, this.kernels, true);
    const cycles = cut.stripes.reduce(
      // Operators of a stage take turns, so that none finds its weights in the cache again.
      (sum, { calls }, stripe) =>
        sum + this.costs.execute(operator, calls[at].rows, kernels, stripe === 0 || calls.length > 1),
      -whole,
    );
    cut.cycles.set(key, cycles);
    return cycles;
  }

  /** @returns the operators that have to do without scratch, or null where even that does not fit */
  private check(
    state: State,
    begin: number,
    end: number,
    ways: ReadonlyMap<Buffer, Way>,
    to: Status,
    cut: Cut,
  ): number[] | null {
    const output = this.outputOf(end);
    let resident = to === 'nvm' ? 0 : aligned(output.bytes);
    for (const [buffer, status] of state.statuses) {
      resident += status === 'nvm' && ways.get(buffer) !== 'reload' ? 0 : aligned(buffer.bytes);
    }
    const overwritten = this.overwritten(begin, end, ways, to, cut);
    const reference: number[] = [];
    for (let position = begin; position <= end; position++) {
      let bytes = resident;
      for (const [buffer, stripeBytes] of cut.largest) {
        bytes += this.isStripeAlive(buffer, position, begin, end, ways, to) ? stripeBytes : 0;
      }
      bytes -= position === end ? overwritten : 0;
      if (bytes > this.sramBytes) {
        return null;
      }
      if (bytes + cut.scratch[position - begin] > this.sramBytes) {
        reference.push(this.order[position]);
      }
    }
    return reference;
  }

  private isStripeAlive(
    buffer: Buffer,
    position: number,
    begin: number,
    end: number,
    ways: ReadonlyMap<Buffer, Way>,
    to: Status,
  ): boolean {
    const produced = this.produced.get(buffer) ?? 0;
    if (buffer === this.outputOf(end)) {
      return to === 'nvm' && position === end;
    }
    const { order, source } = this;
    const readers = order
      .slice(begin, end + 1)
      .flatMap((operator, index) =>
        source.graph.operators[operator].inputs.some((tensor) => source.bufferOf(tensor) === buffer)
          ? [begin + index]
          : [],
      );
    const from = produced < begin ? Math.min(...readers) : produced;
    return (
      (produced >= begin || ways.get(buffer) === 'fetch') &&
      from <= position &&
      position <= Math.max(...readers)
    );
  }

  /** Bytes that the last operator of a stage takes twice in the sum, because it writes over one of its inputs. */
  private overwritten(
    begin: number,
    end: number,
    ways: ReadonlyMap<Buffer, Way>,
    to: Status,
    cut: Cut,
  ): number {
    const { graph, bufferOf } = this.source;
    const operator = graph.operators[this.order[end]];
    const output = this.outputOf(end);
    const saved = operator.inputs.map((tensor, index) => {
      const buffer = bufferOf(tensor);
      if (buffer?.bytes !== output.bytes || accessOf(graph, operator, index).kind !== 'same') {
        return 0;
      }
      const isStripe = ways.get(buffer) === 'fetch' || (this.produced.get(buffer) ?? 0) >= begin;
      if (isStripe) {
        const others = this.order
          .slice(begin, end)
          .some((other) => graph.operators[other].inputs.some((id) => bufferOf(id) === buffer));
        return to === 'nvm' && cut.likeOutput.has(buffer) && !others ? (cut.largest.get(output) ?? 0) : 0;
      }
      return begin === end && to !== 'nvm' && this.lastRead.get(buffer) === end ? aligned(output.bytes) : 0;
    });
    return Math.max(0, ...saved);
  }

  private cyclesOf(
    ways: ReadonlyMap<Buffer, Way>,
    to: Status,
    output: Buffer,
    cut: Cut,
    reference: readonly number[],
  ): number {
    const { order, costs } = this;
    let cycles = 0;
    for (const at of cut.stripes[0].calls.keys()) {
      const kernels = reference.includes(order[cut.begin + at]) ? 'reference' : this.kernels;
      cycles += this.executeCycles(cut, at, kernels);
    }
    for (const [buffer, way] of ways) {
      const kind = buffer.refill === null ? 'FETCH' : 'INPUT';
      const parts =
        way === 'resident'
          ? []
          : way === 'reload'
            ? [buffer.bytes]
            : cut.stripes.map(({ ranges }) => bytesOf(ranges.get(buffer)));
      cycles += parts.reduce((sum, bytes) => sum + costs.transfer(kind, bytes), 0);
    }
    if (to !== 'sram') {
      cycles += cut.stripes.reduce(
        (sum, { ranges }) => sum + costs.transfer('SPILL', bytesOf(ranges.get(output))),
        0,
      );
    }
    return cycles;
  }

  /** The state behind a stage, and those in which tensors that are in NVM, too, have left SRAM. */
  private *successors(
    state: State,
    end: number,
    { decision, cycles }: { decision: StageDecision; cycles: number },
  ): Generator<State> {
    const output = this.outputOf(end);
    const statuses = new Map<Buffer, Status>();
    const droppable: Buffer[] = [];
    for (const [buffer, status] of state.statuses) {
      if ((this.lastRead.get(buffer) ?? 0) > end) {
        const now = decision.ways.get(buffer) === 'reload' ? 'both' : status;
        statuses.set(buffer, now);
        if (now === 'both') {
          droppable.push(buffer);
        }
      }
    }
    if ((this.lastRead.get(output) ?? 0) > end) {
      statuses.set(output, decision.output);
    }
    for (let choice = 0; choice < 2 ** Math.min(droppable.length, 6); choice++) {
      const left = new Map(statuses);
      droppable.forEach((buffer, index) => {
        if ((choice >> index) & 1) {
          left.set(buffer, 'nvm');
        }
      });
      yield { cycles: state.cycles + cycles, statuses: left, previous: state, stage: decision };
    }
  }

  private tooLarge(states: readonly ReadonlyMap<string, State>[]): TooLarge {
    const { graph, bufferOf } = this.source;
    const reached = states.findLastIndex((each) => each.size > 0);
    const needs = this.order.map((index, position) => {
      const operator = graph.operators[index];
      const height = this.stripeable[position] ? graph.tensors[operator.outputs[0]].shape[1] : 1;
      const cut = this.cut(position, position, height, height) ?? this.cut(position, position, 1, height);
      const isResult = this.lastRead.get(this.outputOf(position)) === this.order.length;
      const sizes = [...(cut?.largest ?? [])].map(([buffer, stripe]) =>
        isResult && buffer === this.outputOf(position) ? aligned(buffer.bytes) : stripe,
      );
      const bytes = sizes.reduce((sum, each) => sum + each, 0);
      const inputs = new Set(operator.inputs.map(bufferOf));
      const isInPlace = operator.inputs.some(
        (tensor, input) =>
          accessOf(graph, operator, input).kind === 'same' &&
          inputs.size > 0 &&
          bufferOf(tensor)?.bytes === this.outputOf(position).bytes,
      );
      return bytes - (isInPlace ? (cut?.largest.get(this.outputOf(position)) ?? 0) : 0);
    });
    const worst = needs.reduce((best, bytes, position) => (bytes > needs[best] ? position : best), 0);
    const position = needs[worst] > this.sramBytes ? worst : Math.min(reached, this.order.length - 1);
    return { fits: false, operator: this.order[position], neededBytes: needs[position] };
  }
}

function bytesOf(range: Range | undefined): number {
  return range === undefined ? 0 : range.end - range.begin;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
