import { rename, rm, writeFile } from 'node:fs/promises';
import { InputError } from './errors.js';

/**
 * Writes a file whole or not at all: a reader or a crash never sees half of it.
 * @throws InputError when the folder does not exist or cannot be written
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  // Of its own for every process: two that write the same file at once must not take each other's half away.
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new InputError({
      code: 'cannot-write',
      place: path,
      message: `cannot be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      remedy: 'Choose a folder that exists and that you may write to',
      cause,
    });
  }
}
