import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of a file that ships with the product (firmware/prebuilt, migrations, dist/examples, dist/window), wherever the
 * product runs from: a checkout, or the resources folder of a packaged application.
 */
export function resourcePath(...parts: string[]): string {
  return join(productRoot(), ...parts);
}

/** The nearest folder above this file that holds package.json: the checkout, or the unpacked application. */
function productRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(
        'package.json of Brownout Bench was not found above its own code; reinstall the application',
      );
    }
    folder = parent;
  }
  return folder;
}
