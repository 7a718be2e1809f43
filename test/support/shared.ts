import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of a file in the folder `shared` (real models, samples and traces) that lies beside the checkout, or beside a
 * folder above it; it is recognised by its DESIGN.md.
 */
export function sharedPath(...parts: string[]): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'shared', 'DESIGN.md'))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(
        'the folder "shared" with DESIGN.md is not beside the checkout; the tests need its real models',
      );
    }
    folder = parent;
  }
  return join(folder, 'shared', ...parts);
}
