import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resourcePath } from '../../src-main/common/resources.js';

/** Path of a file in the folder `shared` that lies beside the checkout or a folder above it; null without one. */
export function sharedFile(...parts: string[]): string | null {
  for (let folder = resourcePath(); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'shared', ...parts);
    if (existsSync(path)) {
      return path;
    }
  }
  return null;
}
