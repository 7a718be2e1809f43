/** `brownout explore`: the sweep, its picture, and points of its front run on the virtual bench. */
import { basename } from 'node:path';
import { boardProfile } from '../board/profiles/index.js';
import { explore } from '../campaign/explore/explore.js';
import type { Exploration, ExploredPoint, ExploreSpace } from '../campaign/explore/types.js';
import { runInWorker } from '../campaign/run-in-worker.js';
import type { RunMeasures } from '../campaign/types.js';
import { InputError } from '../common/errors.js';
import { formatQuantity } from '../common/quantity.js';
import { writeWhole } from '../common/write-whole.js';
import { explorePlot } from '../report/explore-plot.js';
import { html } from '../report/html/markup.js';

export interface ExploreRequest {
  space: ExploreSpace;
  /** Samples for the verification. */
  dataPath: string | null;
  /** Where the picture goes: .svg or .html. */
  plotPath: string | null;
  /** Points of the front to run on the virtual bench. */
  verify: number;
}

export interface Verification {
  /** Index in the exploration's points. */
  point: number;
  status: string;
  reason: string | null;
  measured: RunMeasures | null;
}

export interface ExploreResult extends Exploration {
  model: string;
  verified: Verification[];
}

export interface ExploreHooks {
  signal: AbortSignal;
  onProgress: (stage: 'explore' | 'verify', done: number, total: number) => void;
}

/**
 * @throws InputError for wrong files or arguments; the signal's reason when aborted
 */
export async function exploreModel(
  { space, dataPath, plotPath, verify }: ExploreRequest,
  hooks: ExploreHooks,
): Promise<ExploreResult> {
  if (verify > 0 && dataPath === null) {
    throw new InputError({
      code: 'option-missing',
      place: '--verify',
      message: 'the virtual bench needs a sample to infer',
      remedy: 'Add --data FILE.npz',
    });
  }
  if (plotPath !== null && !/\.(svg|html)$/.test(plotPath)) {
    throw new InputError({
      code: 'option-value',
      place: '--out',
      message: `'${plotPath}' is neither .svg nor .html`,
      remedy: 'Name a file that ends in .svg or .html',
    });
  }
  const exploration = await explore(space, {
    signal: hooks.signal,
    onProgress: (done, total) => {
      hooks.onProgress('explore', done, total);
    },
  });
  const model = basename(space.modelPath);
  if (plotPath !== null) {
    await writeWhole(plotPath, picture(plotPath, model, exploration));
  }
  const verified: Verification[] = [];
  const chosen = dataPath === null ? [] : spreadOver(exploration.front, verify);
  for (const point of chosen) {
    hooks.signal.throwIfAborted();
    hooks.onProgress('verify', verified.length, chosen.length);
    verified.push({
      point,
      ...(await measure(space, exploration.points[point], dataPath ?? '', hooks.signal)),
    });
  }
  return { model, ...exploration, verified };
}

async function measure(
  space: ExploreSpace,
  point: ExploredPoint,
  dataPath: string,
  signal: AbortSignal,
): Promise<Omit<Verification, 'point'>> {
  const { power } = boardProfile(space.board);
  const { status, reason, measures } = await runInWorker(
    {
      modelPath: space.modelPath,
      dataPath,
      calibrationPath: space.calibrationPath,
      ...(space.calibrateBy === undefined ? {} : { calibrateBy: space.calibrateBy }),
      strategy: point.strategy,
      kernels: space.kernels,
      board: space.board,
      sramBytes: point.sramLimitBytes,
      capacitanceFarads: point.capacitanceFarads,
      turnOnVolts: space.turnOnVolts ?? power.turnOnVolts.value,
      brownOutVolts: space.brownOutVolts ?? power.brownOutVolts.value,
      power: space.power,
      firstSample: 0,
      sampleCount: 1,
      seed: 1,
      stop: { powerCyclesWithoutProgress: 20, maximumSeconds: 86_400 },
    },
    { signal, onEvent: () => undefined, campaignSha256: null },
  );
  signal.throwIfAborted();
  return { status, reason, measured: status === 'finished' ? measures : null };
}

/** Words for a point. */
export function describePoint({ strategy, capacitanceFarads, sramLimitBytes }: ExploredPoint): string {
  return `${strategy}, ${formatQuantity(capacitanceFarads, 'F', 3)}, SRAM up to ${sramLimitBytes} bytes`;
}

function picture(path: string, model: string, { points, front }: Exploration): string {
  const onFront = new Set(front);
  const title = `${model}: ${points.length} combinations, ${front.length} on the Pareto front`;
  const svg = explorePlot(
    title,
    points.flatMap((point, index) =>
      point.feasible
        ? [
            {
              ...point.objectives,
              strategy: point.strategy,
              label: `${describePoint(point)}: ${formatQuantity(point.objectives.latencySeconds, 's', 3)}, ${formatQuantity(point.objectives.energyJoules, 'J', 3)}`,
              onFront: onFront.has(index),
            },
          ]
        : [],
    ),
  );
  if (path.endsWith('.svg')) {
    return svg;
  }
  const head = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
      </head>
      <body></body>
    </html>`;
  return `${head.source}${svg}</body></html>\n`;
}

/** At most `count` entries, from the first to the last evenly. */
function spreadOver(items: readonly number[], count: number): number[] {
  const some = Math.min(count, items.length);
  return Array.from({ length: some }, (_, i) =>
    some === 1 ? items[0] : items[Math.round((i * (items.length - 1)) / (some - 1))],
  );
}
