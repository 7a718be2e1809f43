import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Folder of this user's bench data, by the custom of the platform: $XDG_DATA_HOME wherever it is set, else
 * ~/.local/share, ~/Library/Application Support or %LOCALAPPDATA%.
 */
export function dataFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  return join(platformDataFolder(environment, platform, home), 'brownout-bench');
}

/** The data base that is used when none is named on the command line. */
export function defaultDatabasePath(folder: string = dataFolder()): string {
  return join(folder, 'bench.sqlite');
}

function platformDataFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  const custom = environment['XDG_DATA_HOME'];
  if (custom) {
    return custom;
  }
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support');
    case 'win32':
      return environment['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
    default:
      return join(home, '.local', 'share');
  }
}
