import { mkdir } from 'node:fs/promises';
import { InputError } from './errors.js';

/**
 * Makes a folder and those above it, where they are not there.
 * @throws InputError when it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new InputError({
      code: 'cannot-write',
      place: path,
      message: `the folder cannot be made (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      remedy: 'Name a database in a folder that you may write to with --db',
      cause,
    });
  }
}
