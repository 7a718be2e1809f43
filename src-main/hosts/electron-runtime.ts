/**
 * Finds out whether the Electron runtime can be used, and fetches it once where it may. The npm package alone does not
 * hold the runtime: that comes from outside the npm registry, which a bench PC may not reach.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resourcePath } from '../common/resources.js';

/** The Electron host prints this once its window is shown; until then a failure falls back on the browser. */
export const WINDOW_OPEN_LINE = 'brownout-bench: window is open';

export type ElectronRuntime = { executable: string } | { executable: null; reason: string };

/**
 * Looks for the runtime in an installed electron package (`node_modules/electron`): its install script leaves the name
 * of the executable in path.txt.
 */
export function findElectron(
  packageFolder: string,
  environment: NodeJS.ProcessEnv = process.env,
): ElectronRuntime {
  if (!existsSync(join(packageFolder, 'package.json'))) {
    return { executable: null, reason: 'the electron package is not installed' };
  }
  const pathFile = join(packageFolder, 'path.txt');
  if (!existsSync(pathFile)) {
    return { executable: null, reason: 'the Electron runtime was not downloaded' };
  }
  const distribution = environment['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(packageFolder, 'dist');
  const executable = join(distribution, readFileSync(pathFile, 'utf8').trim());
  return existsSync(executable)
    ? { executable }
    : { executable: null, reason: `the Electron runtime is incomplete: ${executable} is missing` };
}

/** Whether a window could be shown at all. macOS and Windows always have a display; elsewhere X11 or Wayland tell. */
export function hasDisplay(
  environment: NodeJS.ProcessEnv = process.env,
  platform = process.platform,
): boolean {
  return (
    platform === 'darwin' ||
    platform === 'win32' ||
    Boolean(environment['DISPLAY']) ||
    Boolean(environment['WAYLAND_DISPLAY'])
  );
}

/** The runtime in words, as the doctor tells it. */
export function electronState(): { usable: boolean; detail: string } {
  const runtime = findElectron(resourcePath('node_modules', 'electron'));
  return runtime.executable === null
    ? { usable: false, detail: runtime.reason }
    : { usable: true, detail: runtime.executable };
}

export interface FetchOptions {
  packageFolder: string;
  /** Where a failed attempt is remembered, so that only the first start waits for it. */
  markerFile: string;
  timeoutMilliseconds: number;
  say: (line: string) => void;
}

/**
 * Runs electron's own install script, once per version. Never throws: true when the runtime is there afterwards.
 */
export async function fetchElectron(options: FetchOptions): Promise<boolean> {
  const script = join(options.packageFolder, 'install.js');
  if (!existsSync(script) || existsSync(options.markerFile)) {
    return false;
  }
  options.say(`Fetching the Electron runtime, once (at most ${options.timeoutMilliseconds / 1000} s) ...`);
  const failure = await runQuietly(process.execPath, [script], options.timeoutMilliseconds);
  if (failure === null) {
    return true;
  }
  options.say(`It cannot be had: ${failure}`);
  try {
    mkdirSync(dirname(options.markerFile), { recursive: true });
    writeFileSync(options.markerFile, `${failure}\nDelete this file to let \`npm start\` try again.\n`);
  } catch {
    // Not being able to remember costs only another attempt at the next start.
  }
  return false;
}

/** Null on success, else the reason in one line. */
function runQuietly(executable: string, args: string[], timeoutMilliseconds: number): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMilliseconds);
    child.stderr.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-4000);
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) {
        resolve(null);
      } else if (signal === 'SIGKILL') {
        resolve(`no answer within ${timeoutMilliseconds / 1000} s`);
      } else {
        resolve(
          output
            .split('\n')
            .find((line) => /error/i.test(line))
            ?.trim() ?? `status ${status}`,
        );
      }
    });
  });
}
