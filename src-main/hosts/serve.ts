import { openService } from '../service/open.js';
import { electronState } from './electron-runtime.js';
import { startBrowserHost } from './browser.js';
import { openBrowser } from './open-browser.js';

export interface ServeOptions {
  /** 0 takes any free port. */
  port: number;
  databasePath: string;
  /** Opens the user's browser, where there is one. */
  open: boolean;
  say: (line: string) => void;
}

/**
 * The bench in a browser: opens the data base, serves the window, and resolves once SIGINT or SIGTERM has ended it; a
 * run on the bench is then cancelled and stored. Throws InputError when the data base or the port cannot be used.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const service = await openService({
    databasePath: options.databasePath,
    host: 'browser',
    electron: electronState(),
  });
  const host = await startBrowserHost({ service, port: options.port }).catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
  options.say(`Runs are stored in ${options.databasePath}`);
  options.say(`The window is at   ${host.url}`);
  if (options.open && !openBrowser(host.url)) {
    options.say(
      'No browser was found on this machine: open that address yourself. It works on this machine only;',
    );
    options.say(`from another one, first: ssh -L ${host.port}:127.0.0.1:${host.port} THIS-MACHINE`);
  }
  options.say('Ctrl+C ends the bench.');
  await interrupted();
  options.say('Closing: a run on the bench is cancelled and stored ...');
  await host.close();
  await service.close();
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.once('SIGINT', () => process.exit(130));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
