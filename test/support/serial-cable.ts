import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './temporary-folder.js';

/** Ends of a cable as socat knows them; `pty` is a pseudo-terminal at a path. */
export interface SerialCable {
  /** Paths of the ends that are pseudo-terminals. */
  paths: string[];
  /** Pulls it out: every program that has an end open sees it vanish. */
  pull(): void;
}

/** A pseudo-terminal whose other end is a TCP port of this machine, or null (and the test is skipped) where socat is missing. */
export async function cableToTcp(context: TestContext, port: number): Promise<SerialCable | null> {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'tty');
  return cable(context, [`pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${port},nodelay`], [path]);
}

/** Two pseudo-terminals joined like the ends of a null-modem cable, or null (and the test is skipped) where socat is missing. */
export async function nullModem(context: TestContext): Promise<SerialCable | null> {
  const folder = await temporaryFolder(context);
  const paths = [join(folder, 'a'), join(folder, 'b')];
  return cable(
    context,
    paths.map((path) => `pty,raw,echo=0,link=${path}`),
    paths,
  );
}

async function cable(context: TestContext, ends: string[], paths: string[]): Promise<SerialCable | null> {
  const socat = spawn('socat', ends, { stdio: 'ignore' });
  const missing = new Promise<boolean>((resolve) => socat.once('error', () => resolve(true)));
  context.after(() => socat.kill());
  for (let attempt = 0; attempt < 100 && !paths.every((path) => existsSync(path)); attempt++) {
    if (await Promise.race([missing, sleep(20).then(() => false)])) {
      context.skip('socat is not installed');
      return null;
    }
  }
  return { paths, pull: () => void socat.kill() };
}
