import type { Port } from '../common/port.js';
import { openSupply } from './drivers/index.js';
import type { ShutdownOutcome } from './driver.js';
import type { SupplyProfile } from './profiles/index.js';

export interface EnsureOffOptions {
  /** Opens the port anew; each attempt begins with it, since a replugged port is another one. */
  open: () => Promise<Port>;
  profile: SupplyProfile;
  /** Total patience, on the clock of `now`. */
  patienceSeconds: number;
  /** Pause between attempts. */
  pauseSeconds: number;
  now: () => number;
  sleep: (seconds: number) => Promise<void>;
}

export interface EnsureOffResult {
  outcome: ShutdownOutcome;
  attempts: number;
  /** Of the last attempt that failed; null when none did. */
  lastError: string | null;
}

/**
 * Switches a supply's output off, whatever has happened to the program or the line before: again and again until the
 * instrument confirms, or patience ends. An instrument that cannot be asked is done when the command could be sent.
 * Never throws.
 */
export async function ensureOff(options: EnsureOffOptions): Promise<EnsureOffResult> {
  const { open, profile, patienceSeconds, pauseSeconds, now, sleep } = options;
  const deadline = now() + patienceSeconds;
  let best: ShutdownOutcome = 'failed';
  let lastError: string | null = null;
  for (let attempts = 1; ; attempts++) {
    let port: Port | null = null;
    try {
      port = await open();
      const outcome = await openSupply(port, profile).shutdown();
      if (outcome === 'confirmed' || (outcome === 'sent' && !profile.confirmsOff)) {
        return { outcome, attempts, lastError };
      }
      best = outcome === 'sent' ? 'sent' : best;
      lastError = `the output-off command was ${outcome === 'sent' ? 'sent, but not confirmed' : 'not sent'}`;
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
    } finally {
      await port?.close().catch(() => undefined);
    }
    if (now() + pauseSeconds > deadline) {
      return { outcome: best, attempts, lastError };
    }
    await sleep(pauseSeconds);
  }
}
