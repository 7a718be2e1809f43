/** `brownout supply`: one supply in a person's hands, with everything that keeps its output from staying on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { boardProfile } from '../board/profiles/index.js';
import { RunError } from '../common/errors.js';
import type {
  BenchSupply,
  ListStep,
  ShutdownOutcome,
  SupplyIdentity,
  SupplyLimits,
  SupplyReading,
  SupplyState,
} from '../supply/driver.js';
import { openSupply } from '../supply/drivers/index.js';
import { ensureOff } from '../supply/ensure-off.js';
import { limitsForBoard, supplyProfileFor, type SupplyProfile } from '../supply/profiles/index.js';
import { openSupplyPort } from '../campaign/bench/supply-port.js';
import { startSupplyWatchdog } from '../campaign/bench/supply-watchdog.js';

export interface SupplyRequest {
  /** Serial port or tcp:HOST:PORT. */
  address: string;
  /** Profile or driver. */
  supply: string;
  /** Board profile whose limits nothing passes. */
  board: string;
}

export interface OpenSupply {
  profile: SupplyProfile;
  limits: SupplyLimits;
  supply: BenchSupply;
}

/** Patience with a line that fails while the output has to go off. */
const OFF_PATIENCE_SECONDS = 10;

/** Profile and limits of a request, without opening anything. */
export function resolveSupply({ supply, board }: Pick<SupplyRequest, 'supply' | 'board'>): {
  profile: SupplyProfile;
  limits: SupplyLimits;
} {
  const profile = supplyProfileFor(supply, '--driver');
  const { power } = boardProfile(board);
  return {
    profile,
    limits: limitsForBoard(profile.limits, {
      maximumVolts: power.maximumVolts.value,
      maximumAmps: power.maximumAmps.value,
    }),
  };
}

/** For what cannot switch anything on: asks and closes; the output stays as it is. */
export async function withSupply<T>(
  request: SupplyRequest,
  work: (open: OpenSupply) => Promise<T>,
): Promise<T> {
  const { profile, limits } = resolveSupply(request);
  const port = await openSupplyPort(request.address, profile);
  try {
    return await work({ profile, limits, supply: openSupply(port, profile, limits) });
  } finally {
    await port.close();
  }
}

/** Output off, by whatever it takes. @throws RunError `supply-still-on` when that could not be made sure */
export async function switchOff(
  request: SupplyRequest,
  patienceSeconds = OFF_PATIENCE_SECONDS,
): Promise<ShutdownOutcome> {
  const { profile } = resolveSupply(request);
  const { outcome, lastError } = await ensureOff({
    open: () => openSupplyPort(request.address, profile),
    profile,
    patienceSeconds,
    pauseSeconds: 0.25,
    now: () => performance.now() / 1000,
    sleep: (seconds) => sleep(seconds * 1000),
  });
  if (outcome === 'failed' || (outcome === 'sent' && profile.confirmsOff)) {
    throw new RunError({
      code: 'supply-still-on',
      place: request.address,
      message: `the output may still be on: ${lastError ?? 'the supply did not confirm'}`,
      remedy: 'Switch it off at its front panel, or pull the wires, then look at cable and port',
    });
  }
  return outcome;
}

/**
 * For what switches on. A watchdog is armed before anything is sent; `work` may end by itself, by an error or because
 * `signal` was aborted: in every case the output goes off, unless `leaveOn` and `work` has come to its end.
 */
export async function withPower<T>(
  request: SupplyRequest,
  options: { leaveOn: boolean },
  work: (open: OpenSupply) => Promise<T>,
): Promise<{ result: T; off: ShutdownOutcome | 'left on' }> {
  const { profile, limits } = resolveSupply(request);
  const watchdog = await startSupplyWatchdog({ address: request.address, profile: profile.id });
  let off: ShutdownOutcome | 'left on' = 'failed';
  let result: T;
  try {
    const port = await openSupplyPort(request.address, profile);
    const supply = openSupply(port, profile, limits);
    let finished = false;
    try {
      result = await work({ profile, limits, supply });
      finished = true;
    } finally {
      if (finished && options.leaveOn) {
        off = 'left on';
      } else {
        off = await supply.shutdown();
      }
      await port.close().catch(() => undefined);
    }
  } finally {
    if (off !== 'left on' && off !== 'confirmed' && !(off === 'sent' && !profile.confirmsOff)) {
      // The line has failed: open it anew until it works again. An error of `work` is the one to tell all the same.
      off = await switchOff(request).catch(() => 'failed' as const);
    }
    // What could not be switched off is left to the watchdog, which has more patience.
    if (off === 'failed') {
      console.error(
        `brownout: ${request.address}: THE OUTPUT MAY STILL BE ON; the watchdog (process ${watchdog.pid}) keeps trying`,
      );
    } else {
      await watchdog.disarm();
    }
  }
  return { result, off };
}

/**
 * Brings the supply to a known state before it feeds anything: identified, off, protected, set. An output that is
 * found on is told, since somebody else may be using it.
 */
export async function prepareSupply(
  { supply, limits }: OpenSupply,
  point: { volts: number; amps: number; overVolts: number | null },
): Promise<{ identity: SupplyIdentity; found: SupplyState }> {
  const identity = await supply.identify();
  const found = await supply.state();
  if (found.on !== false) {
    await supply.output(false);
  }
  await supply.set(point.volts, point.amps);
  await supply.protect({ overVolts: point.overVolts ?? limits.maximumVolts * 1.05, overAmps: null });
  return { identity, found };
}

/** Plays a list to its end. @returns when the last step has passed or `signal` was aborted */
export async function playList(
  open: OpenSupply,
  steps: readonly ListStep[],
  repeats: number,
  signal: AbortSignal,
): Promise<{ seconds: number }> {
  const { supply } = open;
  await prepareSupply(open, { volts: steps[0].volts, amps: steps[0].amps, overVolts: null });
  await supply.loadList(steps, repeats);
  if (signal.aborted) {
    return { seconds: 0 };
  }
  await supply.startList();
  const begin = performance.now();
  const total = steps.reduce((sum, { seconds }) => sum + seconds, 0) * repeats;
  // 2^31 ms is the longest timer there is.
  await sleep(Math.min(total * 1000, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined);
  await supply.stopList();
  return { seconds: (performance.now() - begin) / 1000 };
}

/** Readings until `seconds` have passed or `signal` was aborted. */
export async function watchOutput(
  { supply, profile }: OpenSupply,
  seconds: number,
  signal: AbortSignal,
  onReading: (reading: SupplyReading) => void,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const period = Math.max(1000, 1000 / profile.readingsPerSecond);
  while (!signal.aborted && performance.now() < end) {
    onReading(await supply.measure());
    const left = Math.min(period, end - performance.now());
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => undefined);
  }
}
