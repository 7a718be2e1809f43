// Builds everything that Node and the window need into dist/. Incremental: a second call takes a few seconds.
// Plain JavaScript because it runs before TypeScript has been compiled.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = 'node_modules/typescript/bin/tsc';

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

if (!existsSync(join(root, compiler))) {
  // `npm ci --omit=dev` runs the build too; what an earlier full install built stays as it is.
  const built = existsSync(join(root, 'dist/src-main'));
  console.log(
    `build: skipped, development packages are not installed. ${built ? 'dist/ is left as it is' : 'Run npm ci without --omit=dev to build dist/'}.`,
  );
  process.exit(0);
}
run('TypeScript', compiler);
if (existsSync(join(root, 'src-renderer/vite.config.mjs'))) {
  run('window', 'tools/build-window.mjs');
}
run('example data', 'dist/tools/build-examples.js');
