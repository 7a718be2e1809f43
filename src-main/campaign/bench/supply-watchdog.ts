/** A process that outlives this one and switches a supply off when this one dies, however it dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RunError } from '../../common/errors.js';

export interface WatchedSupply {
  address: string;
  /** Id of its profile. */
  profile: string;
}

export interface SupplyWatchdog {
  readonly pid: number;
  /** The supply is off, or meant to stay on: the watchdog ends without touching it. */
  disarm(): Promise<void>;
}

/** Longest wait for the watchdog to come up. */
const READY_MILLISECONDS = 15_000;

/**
 * Starts the watchdog of one supply. It holds one end of a pipe; when the other end closes and nobody has disarmed it, it
 * opens the port and switches off. It is in a session of its own, so that Ctrl+C and a closed terminal do not reach it.
 *
 * @throws RunError `supply-watchdog` when it does not come up: then nothing should be switched on
 */
export async function startSupplyWatchdog(supply: WatchedSupply): Promise<SupplyWatchdog> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./supply-watchdog-process.js', import.meta.url))],
    {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      // In the desktop application this executable is Electron, which then behaves as Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    },
  );
  const failed = new Promise<never>((_, reject) => {
    const refuse = (reason: string) =>
      reject(
        new RunError({
          code: 'supply-watchdog',
          place: supply.address,
          message: `the watchdog that would switch the supply off after a crash did not start: ${reason}`,
          remedy: 'Nothing was switched on. Look at the free memory and the permissions of this machine',
        }),
      );
    child.once('error', (error) => refuse(error.message));
    child.once('exit', (code) => refuse(`it ended with ${code ?? 'a signal'}`));
    setTimeout(() => refuse('it did not answer'), READY_MILLISECONDS).unref();
  });
  failed.catch(() => undefined);
  // A dead watchdog must not take this process with it.
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(supply)}\n`);
  await Promise.race([once(child.stdout, 'data'), failed]);
  child.unref();
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    disarm: async () => {
      child.ref();
      child.stdin.end('disarm\n');
      await exited;
    },
  };
}
