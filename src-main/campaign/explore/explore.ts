/** Sweeps of what decides how an inference goes, on all cores, and what of them is worth having. */
import { availableParallelism } from 'node:os';
import { boardProfile } from '../../board/profiles/index.js';
import { mapInThreads } from '../../common/thread-pool.js';
import { paretoFront } from './pareto.js';
import type { Exploration, ExploredPoint, ExplorePoint, ExploreSpace } from './types.js';

/** Every combination, once; strategy, then capacitance, then SRAM. */
export function pointsOf({ strategies, capacitances, sramLimits, board }: ExploreSpace): ExplorePoint[] {
  const { arenaBytes } = boardProfile(board);
  const limits = [...new Set(sramLimits.map((bytes) => Math.min(bytes, arenaBytes)))];
  return [...new Set(strategies)].flatMap((strategy) =>
    [...new Set(capacitances)].flatMap((capacitanceFarads) =>
      limits.map((sramLimitBytes) => ({ strategy, capacitanceFarads, sramLimitBytes })),
    ),
  );
}

/**
 * @throws InputError for files that are missing or wrong, operators and boards that are not known; the signal's reason when
 *   aborted
 */
export async function explore(
  space: ExploreSpace,
  hooks: { signal: AbortSignal; onProgress?: (done: number, total: number) => void; threads?: number },
): Promise<Exploration> {
  const wanted = pointsOf(space);
  let done = 0;
  const points = await mapInThreads<ExploredPoint>(
    new URL('./explore-worker.js', import.meta.url),
    space,
    wanted,
    {
      threads: hooks.threads ?? availableParallelism(),
      place: 'explore',
      signal: hooks.signal,
      onResult: () => {
        done++;
        hooks.onProgress?.(done, wanted.length);
      },
    },
  );
  return { points, front: frontOf(points) };
}

/** Indices of the points on the Pareto front, by latency. */
export function frontOf(points: readonly ExploredPoint[]): number[] {
  const feasible = points.flatMap((point, index) =>
    point.feasible ? [{ index, objectives: point.objectives }] : [],
  );
  return paretoFront(feasible.map(({ objectives }) => objectives)).map((i) => feasible[i].index);
}
