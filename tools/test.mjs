// `npm test`: builds, provides the programs that only tests need, then runs every compiled test with Node's own runner.
// Arguments narrow it down to paths that contain one of them: `npm test -- compiler store`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import { provideTestTools } from './test-tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);

const build = spawnSync(process.execPath, [join(root, 'tools/build.mjs')], { stdio: 'inherit' });
if (build.status !== 0) {
  finishWithoutTests('the build failed');
}
const testRoot = join(root, 'dist/test');
const files = readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  // A compiled test whose source is gone (renamed, another branch) would test yesterday's code.
  .filter((name) => existsSync(join(root, 'test', name.replace(/\.js$/, '.ts'))))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => relative(root, join(testRoot, name)))
  .sort();
if (files.length === 0) {
  finishWithoutTests(`no test's path contains ${wanted.join(' or ')}`);
}
provideTestTools();
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=./tools/test-reporter.mjs',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);

function finishWithoutTests(why) {
  console.error(`npm test: ${why}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
