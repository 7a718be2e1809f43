// Builds everything that Node and the window need into dist/. Incremental: a second call takes a few seconds.
// Plain JavaScript because it runs before TypeScript has been compiled.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a script of an installed package or of ours with this Node; ends the build on failure. */
function run(label, script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`build: ${label} failed`);
    process.exit(status ?? 1);
  }
}

run('TypeScript', 'node_modules/typescript/bin/tsc');
if (existsSync(join(root, 'src-renderer/vite.config.mjs'))) {
  run('window', 'tools/build-window.mjs');
}
if (existsSync(join(root, 'dist/tools/build-examples.js'))) {
  run('example data', 'dist/tools/build-examples.js');
}
