import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';

const folder = mkdtempSync(join(tmpdir(), 'brownout-reporter-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs made-up test files with our reporter, in a Node that does not know it is inside of a test. */
function report(files: Record<string, string>): { status: number | null; lines: string[] } {
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `import assert from 'node:assert/strict';\nimport { test, suite } from 'node:test';\n${text}`,
    );
    return path;
  });
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const reporter = resourcePath('tools', 'test-reporter.mjs');
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...paths],
    { env, encoding: 'utf8' },
  );
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('all tests passed: dots, then the count as the last line', () => {
  const { status, lines } = report({
    'passes.test.mjs': `
      test('one', () => {});
      suite('group', () => { test('two', () => {}); test('three', { skip: 'no tool' }, () => {}); });`,
  });
  assert.equal(status, 0);
  assert.equal(lines[0], '..s');
  assert.equal(lines.at(-1), '2 passed, 0 failed, 1 skipped');
});

test('failures are told in full, counted once each, and end with a status', () => {
  const { status, lines } = report({
    'fails.test.mjs': `
      suite('group', () => { test('wrong sum', () => { console.log('said by the test'); assert.equal(1, 2); }); });
      test('right', () => {});`,
    'crashes.test.mjs': 'process.exit(3);',
  });
  const text = lines.join('\n');
  assert.equal(status, 1);
  assert.match(text, /X wrong sum \(.*fails\.test\.mjs:4\)[\s\S]*1 !== 2/);
  assert.match(text, /printed by .*fails\.test\.mjs\nsaid by the test/);
  assert.match(text, /X .*crashes\.test\.mjs/);
  assert.doesNotMatch(text, /X group/);
  assert.equal(lines.at(-1), '1 passed, 2 failed');
});
