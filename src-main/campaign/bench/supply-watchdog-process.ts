/** Entry of the watchdog's process, see supply-watchdog.ts. Reads one line of JSON, then waits for `disarm` or the end. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { dataFolder } from '../../common/data-folder.js';
import { ensureOff } from '../../supply/ensure-off.js';
import { supplyProfile } from '../../supply/profiles/index.js';
import { openSupplyPort } from './supply-port.js';

/** A pulled cable may be put back by somebody who hears the alarm. */
const PATIENCE_SECONDS = 120;
const PAUSE_SECONDS = 0.5;

const Supply = z.object({ address: z.string(), profile: z.string() });

async function main(): Promise<void> {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => undefined);
  }
  let watched: z.infer<typeof Supply> | null = null;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'disarm') {
      return;
    }
    watched = Supply.parse(JSON.parse(line));
    process.stdout.write('ready\n');
  }
  if (watched === null) {
    return;
  }
  const { address } = watched;
  const profile = supplyProfile(watched.profile);
  note(`${address} (${profile.id}): the program that held it has gone; switching off`);
  const { outcome, attempts, lastError } = await ensureOff({
    open: () => openSupplyPort(address, profile),
    profile,
    patienceSeconds: PATIENCE_SECONDS,
    pauseSeconds: PAUSE_SECONDS,
    now: () => performance.now() / 1000,
    sleep: (seconds) => sleep(seconds * 1000),
  });
  const told = {
    confirmed: 'output is off',
    sent: 'output off was sent',
    failed: 'COULD NOT BE SWITCHED OFF',
  };
  note(
    `${address} (${profile.id}): ${told[outcome]} after ${attempts} attempt(s)` +
      (lastError === null ? '' : `; last: ${lastError}`),
  );
  process.exitCode = outcome === 'failed' ? 1 : 0;
}

/** There is nobody to print for any more. */
function note(text: string): void {
  try {
    mkdirSync(dataFolder(), { recursive: true });
    appendFileSync(join(dataFolder(), 'supply-watchdog.log'), `${new Date().toISOString()} ${text}\n`);
  } catch {
    // Switching off matters more.
  }
}

await main();
process.exit();
