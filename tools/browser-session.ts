/** The real browser host as a child process, and Debian's Chromium on it: for end-to-end tests and screenshots. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { resourcePath } from '../src-main/common/resources.js';

export const CHROMIUM = '/usr/bin/chromium';

export function hasChromium(): boolean {
  return existsSync(CHROMIUM);
}

/** A browser that talks to nobody but the pages it is told to open. */
export function launchChromium(extraArguments: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...extraArguments,
    ],
  });
}

export interface HostProcess {
  url: string;
  databasePath: string;
  /** Everything it has printed so far. */
  output(): string;
  /** Ends it as Ctrl+C does and resolves with its exit status. */
  stop(): Promise<number | null>;
}

/**
 * Starts what `npm start` runs, with its data in `folder`.
 * @throws Error with all that it printed, when no address appears within 30 s
 */
export async function startHostProcess(folder: string): Promise<HostProcess> {
  const databasePath = join(folder, 'bench.sqlite');
  const script = resourcePath('dist', 'src-main', 'hosts', 'start.js');
  const child = spawn(process.execPath, [script, '--browser', '--no-open', '--db', databasePath], {
    env: { ...process.env, XDG_DATA_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`the host printed no address within 30 s:\n${output}`));
    }, 30_000);
    const take = (data: Buffer): void => {
      output += data.toString();
      const match = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(output);
      if (match) {
        clearTimeout(timer);
        resolve(match[0]);
      }
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('exit', (status) => {
      clearTimeout(timer);
      reject(new Error(`the host ended with status ${status}:\n${output}`));
    });
  });
  return { url, databasePath, output: () => output, stop: () => stop(child) };
}

function stop(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode);
      return;
    }
    child.on('exit', (status) => {
      resolve(status);
    });
    child.kill('SIGINT');
  });
}
