/** Where to commit: the cheapest sequence of tasks of which each fits one power cycle. */

/** Boundaries are numbered 0 (start of the inference) to `count` (its end); all energies in joules. */
export interface ScheduleProblem {
  /** Pieces of work that are never cut; boundary k lies before piece k. */
  count: number;
  /** Energy of a power cycle that may be planned with. */
  budgetJoules: number;
  /** What a power cycle gives on average. */
  cycleJoules: number;
  startJoules: number;
  /** Rebuilding the state at a boundary. */
  restoreJoules(boundary: number): number;
  /** Work from one boundary to a later one. */
  computeJoules(from: number, to: number): number;
  /** Saving and committing at `to` what was done since the commit at `from`. */
  commitJoules(from: number, to: number): number;
  /** Whether commits of the plan may be preceded by others between them, from which it must be possible to go on too. */
  restartsAnywhere: boolean;
}

/** Energy that a power cycle must give for the task; infinite never. */
export function neededJoules(problem: ScheduleProblem, from: number, to: number): number {
  const own = (begin: number): number =>
    problem.startJoules + problem.restoreJoules(begin) + problem.computeJoules(begin, to);
  let largest = own(from);
  for (let begin = from + 1; problem.restartsAnywhere && begin < to; begin++) {
    largest = Math.max(largest, own(begin));
  }
  return largest + problem.commitJoules(from, to);
}

/**
 * Expected energy of a task. Where in a power cycle it begins is as good as random, so the power fails within it with the
 * probability that it takes of what a power cycle has left after start and restore; half of it is then lost on average, and
 * a start and a restore are paid.
 */
export function expectedJoules(problem: ScheduleProblem, from: number, to: number): number {
  const own = problem.computeJoules(from, to) + problem.commitJoules(from, to);
  const again = problem.startJoules + problem.restoreJoules(from);
  const failures = Math.min(1, own / Math.max(problem.cycleJoules - again, Number.MIN_VALUE));
  return own + failures * (own / 2 + again);
}

export type Schedule =
  /** Boundaries at which to commit, in order; the last is `count`. */
  | { fits: true; commits: number[]; joules: number }
  /** Boundary that can be reached, but not left. */
  | { fits: false; boundary: number };

/**
 * Dynamic programming over the boundaries: the best way to the end of every prefix. Work only grows with the length of a
 * task, so the search for each begin stops where its work alone is more than the budget.
 */
export function schedule(problem: ScheduleProblem): Schedule {
  const { count, budgetJoules } = problem;
  const best = new Array<number>(count + 1).fill(Infinity);
  const previous = new Array<number>(count + 1).fill(-1);
  best[0] = 0;
  let reached = 0;
  for (let from = 0; from < count; from++) {
    if (best[from] === Infinity) {
      continue;
    }
    reached = from;
    for (let to = from + 1; to <= count; to++) {
      if (problem.startJoules + problem.computeJoules(from, to) > budgetJoules) {
        break;
      }
      const joules = best[from] + expectedJoules(problem, from, to);
      if (joules < best[to] && neededJoules(problem, from, to) <= budgetJoules) {
        best[to] = joules;
        previous[to] = from;
      }
    }
  }
  if (best[count] === Infinity) {
    return { fits: false, boundary: reached };
  }
  const commits: number[] = [];
  for (let at = count; at > 0; at = previous[at]) {
    commits.unshift(at);
  }
  return { fits: true, commits, joules: best[count] };
}
