import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { hasDisplay } from './electron-runtime.js';

/** Opens an address in the user's browser. False when this machine has no way to; never throws. */
export function openBrowser(
  url: string,
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): boolean {
  const command = openerOf(environment, platform);
  if (!command) {
    return false;
  }
  const child = spawn(command.file, [...command.args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
  return true;
}

function openerOf(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): { file: string; args: string[] } | null {
  switch (platform) {
    case 'darwin':
      return { file: 'open', args: [] };
    case 'win32':
      // Not through cmd.exe: its `start` would read characters of the address as commands.
      return { file: 'rundll32.exe', args: ['url.dll,FileProtocolHandler'] };
    default: {
      const folders = (environment['PATH'] ?? '').split(delimiter);
      const found = folders.some((folder) => existsSync(join(folder, 'xdg-open')));
      return found && hasDisplay(environment, platform) ? { file: 'xdg-open', args: [] } : null;
    }
  }
}
