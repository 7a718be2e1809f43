// `npm test`: builds, provides the programs that only tests need, then runs every compiled test with Node's own runner.
// Arguments narrow it down to paths that contain one of them: `npm test -- compiler store`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join, relative } from 'node:path';
import { provideTestTools } from './test-tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);

const build = spawnSync(process.execPath, [join(root, 'tools/build.mjs')], { stdio: 'inherit' });
if (build.status !== 0) {
  finishWithoutTests('the build failed');
}
const testRoot = join(root, 'dist/test');
const found = readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  // A compiled test whose source is gone (renamed, another branch) would test yesterday's code.
  .filter((name) => existsSync(sourceOf(name)))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort();
const runnable = hasSharedFolder() ? found : found.filter((name) => !needsSharedFolder(name));
if (runnable.length < found.length) {
  const left = found.length - runnable.length;
  console.log(
    `test data: no folder "shared" beside the checkout; ${left} test files that need its models are left out`,
  );
}
const files = runnable.map((name) => relative(root, join(testRoot, name)));
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

function sourceOf(compiledTest) {
  return join(root, 'test', compiledTest.replace(/\.js$/, '.ts'));
}

/** Real models, samples and traces of other projects are not part of this repository. */
function hasSharedFolder() {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'shared', 'DESIGN.md'))) {
      return true;
    }
  }
  return false;
}

function needsSharedFolder(compiledTest) {
  return /from '[./]+support\/shared\.js'/.test(readFileSync(sourceOf(compiledTest), 'utf8'));
}

function finishWithoutTests(why) {
  console.error(`npm test: ${why}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
