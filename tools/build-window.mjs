// Builds the window (src-renderer) into dist/window, unless it is newer than everything it is made from.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

// package.json stands for the versions of svelte, uplot and vite.
const sources = [
  ...filesOf('src-renderer'),
  join(root, 'package.json'),
  join(root, 'tools/build-window.mjs'),
];
const target = join(root, 'dist/window/index.html');
const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
if (!existsSync(target) || statSync(target).mtimeMs <= newest) {
  await build({ configFile: join(root, 'src-renderer/vite.config.mjs') });
}

function filesOf(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
