import { readFile } from 'node:fs/promises';
import { RunError } from '../common/errors.js';
import { resourcePath } from '../common/resources.js';
import type { BoardProfile } from './profile.js';

/**
 * The firmware that comes with the bench for a board: flash content from offset 0.
 * @throws RunError when it cannot be read: the installation is damaged
 */
export async function prebuiltFirmware(profile: BoardProfile): Promise<Uint8Array> {
  const path = resourcePath('firmware', 'prebuilt', `${profile.id}.bin`);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new RunError({
      code: 'firmware-missing',
      place: path,
      message: `the firmware of ${profile.name} cannot be read (${(cause as Error).message})`,
      remedy: 'Install Brownout Bench again, or rebuild it with: npm run build:firmware',
      cause,
    });
  }
}
