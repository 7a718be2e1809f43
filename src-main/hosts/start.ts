/** What `npm start` runs: the Electron window where it can be had, else the same window in the browser. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFolder, defaultDatabasePath } from '../common/data-folder.js';
import { BenchError, InputError } from '../common/errors.js';
import { resourcePath } from '../common/resources.js';
import { fetchElectron, findElectron, hasDisplay, WINDOW_OPEN_LINE } from './electron-runtime.js';
import { serve } from './serve.js';

const USAGE = `npm start -- [--db FILE] [--port N] [--browser] [--no-open]
  --db FILE   data base of runs (default: ${defaultDatabasePath()})
  --port N    port of the browser host (default: any free one)
  --browser   the browser host even where Electron is usable
  --no-open   do not open the browser`;
const FETCH_TIMEOUT_MILLISECONDS = 60_000;
const ELECTRON_OPENS_WITHIN_MILLISECONDS = 20_000;

interface StartOptions {
  databasePath: string;
  port: number;
  browser: boolean;
  open: boolean;
}

function say(line: string): void {
  console.log(line);
}

function readOptions(args: string[]): StartOptions | null {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        db: { type: 'string' },
        port: { type: 'string' },
        browser: { type: 'boolean' },
        'no-open': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    throw new InputError({
      code: 'unknown-option',
      place: 'command line',
      message: error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error),
      remedy: `Usage: ${USAGE}`,
    });
  }
  if (values.help) {
    return null;
  }
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InputError({
      code: 'invalid-port',
      place: '--port',
      message: `${values.port} is no port number`,
      remedy: 'Give a number from 1 to 65535, or leave it away to get a free one',
    });
  }
  return {
    databasePath: values.db ?? defaultDatabasePath(),
    port,
    browser: values.browser ?? false,
    open: !(values['no-open'] ?? false),
  };
}

/** The executable of Electron, or why the browser host is used instead. */
async function chooseElectron(options: StartOptions): Promise<{ executable: string } | { reason: string }> {
  if (options.browser) {
    return { reason: '--browser was given' };
  }
  if (!hasDisplay()) {
    return { reason: 'this session has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)' };
  }
  const packageFolder = resourcePath('node_modules', 'electron');
  const found = findElectron(packageFolder);
  if (found.executable !== null) {
    return found;
  }
  const markerFile = join(dataFolder(), `electron-${versionOf(packageFolder)}-not-available.txt`);
  const knownFailure = existsSync(markerFile);
  if (
    await fetchElectron({ packageFolder, markerFile, timeoutMilliseconds: FETCH_TIMEOUT_MILLISECONDS, say })
  ) {
    const fetched = findElectron(packageFolder);
    return fetched.executable !== null ? fetched : { reason: fetched.reason };
  }
  return {
    reason: knownFailure
      ? `${found.reason}, and an earlier attempt failed (see ${markerFile})`
      : found.reason,
  };
}

function versionOf(packageFolder: string): string {
  try {
    const content: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
    return typeof content === 'object' && content !== null && 'version' in content
      ? String(content.version)
      : 'unknown';
  } catch {
    return 'unknown';
  }
}

/**
 * Runs the Electron host until its window is closed. Resolves with null then, or with the reason when it ended before a
 * window was there (a missing system library, no permission for its sandbox), so that the browser host can take over.
 */
function runElectron(executable: string, options: StartOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const script = resourcePath('dist', 'src-main', 'hosts', 'electron.js');
    // Chromium refuses to start its sandbox as root.
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const child = spawn(executable, [...asRoot, script, '--db', options.databasePath], {
      stdio: ['inherit', 'pipe', 'pipe'],
    });
    let opened = false;
    let complaint = '';
    const timer = setTimeout(() => {
      complaint = `no window within ${ELECTRON_OPENS_WITHIN_MILLISECONDS / 1000} s`;
      child.kill();
    }, ELECTRON_OPENS_WITHIN_MILLISECONDS);
    child.stdout.on('data', (data: Buffer) => {
      if (data.toString().includes(WINDOW_OPEN_LINE)) {
        opened = true;
        clearTimeout(timer);
      }
    });
    child.stderr.on('data', (data: Buffer) => {
      complaint ||= data.toString().trim().split('\n')[0] ?? '';
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve(opened ? null : `it did not start: ${complaint || `status ${status}`}`);
    });
    process.once('SIGINT', () => child.kill('SIGINT'));
    process.once('SIGTERM', () => child.kill('SIGTERM'));
  });
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    say(USAGE);
    return;
  }
  let choice = await chooseElectron(options);
  if ('executable' in choice) {
    say('Brownout Bench opens in an Electron window.');
    say(`Runs are stored in ${options.databasePath}`);
    const failure = await runElectron(choice.executable, options);
    if (failure === null) {
      return;
    }
    choice = { reason: `Electron: ${failure}` };
  }
  say(`Brownout Bench serves its window to the browser, not to Electron: ${choice.reason}.`);
  await serve({ ...options, say });
}

main().catch((error: unknown) => {
  console.error(error instanceof BenchError ? error.message : error);
  process.exitCode = error instanceof BenchError ? error.exitStatus : 1;
});
