/** What it takes to execute neighbouring pieces in one go: pieces of one operator that meet are one call of its kernel. */
import type { OperatorCycles } from './cost.js';

interface Piece {
  operator: number;
  unitBegin: number;
  unitEnd: number;
}

/** Pieces of one operator. */
interface Run {
  operator: number;
  /** First piece, and the one behind the last. */
  begin: number;
  end: number;
  /** Joules of all runs before this one. */
  before: number;
  /** By (from - begin) * count + to - begin - 1, as far as they have been asked for; NaN = not yet. */
  known: Float64Array;
}

export class WorkCosts {
  readonly #runs: Run[] = [];
  /** By piece: its run. */
  readonly #runOf: Run[] = [];

  /** By boundary: joules of all transfers before it. */
  readonly #transfersBefore: number[] = [0];

  /** @param transferJoules by piece: what is moved around its units */
  constructor(
    private readonly pieces: readonly Piece[],
    transferJoules: readonly number[],
    private readonly cycles: OperatorCycles,
    private readonly joulesPerCycle: number,
  ) {
    for (const joules of transferJoules) {
      this.#transfersBefore.push((this.#transfersBefore.at(-1) ?? 0) + joules);
    }
    let before = 0;
    for (let begin = 0; begin < pieces.length;) {
      let end = begin + 1;
      while (end < pieces.length && pieces[end].operator === pieces[begin].operator) {
        end++;
      }
      const known = new Float64Array((end - begin) ** 2).fill(NaN);
      const run = { operator: pieces[begin].operator, begin, end, before, known };
      this.#runs.push(run);
      for (let piece = begin; piece < end; piece++) {
        this.#runOf.push(run);
      }
      before += this.#within(run, begin, end);
      begin = end;
    }
  }

  /** Pieces from .. to - 1. An operator that begins there is not in the cache yet; one that goes on is. */
  joules(from: number, to: number): number {
    return from === to
      ? 0
      : this.#transfersBefore[to] - this.#transfersBefore[from] + this.#executeJoules(from, to);
  }

  #executeJoules(from: number, to: number): number {
    const [first, last] = [this.#runOf[from], this.#runOf[to - 1]];
    if (first === last) {
      return this.#within(first, from, to);
    }
    const next = this.#runOf[first.end];
    return (
      this.#within(first, from, first.end) + (last.before - next.before) + this.#within(last, last.begin, to)
    );
  }

  /** What it takes more to begin at a piece right after a start of the board, with nothing in the cache. */
  coldJoules(piece: number): number {
    if (piece >= this.pieces.length) {
      return 0;
    }
    const { operator, unitBegin, unitEnd } = this.pieces[piece];
    if (unitBegin === 0) {
      return 0;
    }
    const [cold, warm] = [true, false].map((is) => this.cycles.of(operator, unitBegin, unitEnd, is));
    return Math.max(0, cold - warm) * this.joulesPerCycle;
  }

  #within({ operator, begin, end, known }: Run, from: number, to: number): number {
    const at = (from - begin) * (end - begin) + to - begin - 1;
    if (Number.isNaN(known[at])) {
      const { unitBegin } = this.pieces[from];
      const { unitEnd } = this.pieces[to - 1];
      known[at] = this.cycles.of(operator, unitBegin, unitEnd, unitBegin === 0) * this.joulesPerCycle;
    }
    return known[at];
  }
}
