// Reporter for Node's test runner: a dot per passed test, every failure in full once all tests are done, and as the last
// line the plain count that people and machines read. Only tests count, not the suites around them.
import { relative } from 'node:path';
import { inspect } from 'node:util';

const DOTS_PER_LINE = 100;

/** Turns the runner's events into text. */
export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const outputs = new Map();
  let dots = 0;
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      outputs.set(data.file, `${outputs.get(data.file) ?? ''}${data.message}`);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const outcome = outcomeOf(type, data);
      if (outcome === null) {
        continue;
      }
      counts[outcome]++;
      if (outcome === 'failed') {
        failures.push(data);
      }
      const mark = { passed: '.', failed: 'X', skipped: 's' }[outcome];
      dots++;
      yield dots % DOTS_PER_LINE === 0 ? `${mark}\n` : mark;
    }
  }
  yield '\n';
  for (const failure of failures) {
    yield describe(failure);
  }
  for (const file of new Set(failures.map(({ file }) => file))) {
    if (outputs.has(file)) {
      yield `\n--- printed by ${shortPath(file)}\n${outputs.get(file).trimEnd()}\n`;
    }
  }
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  yield `\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`;
}

/** Suites count through their tests only; a file that ends without a failing test of its own (a crash) counts as failed. */
function outcomeOf(type, data) {
  const isSuite = data.details?.type === 'suite';
  if (type === 'test:fail' && data.todo === undefined) {
    const onlyRepeatsSubtests = data.details.error?.failureType === 'subtestsFailed';
    return isSuite && onlyRepeatsSubtests ? null : 'failed';
  }
  if (isSuite) {
    return null;
  }
  return data.skip !== undefined || data.todo !== undefined ? 'skipped' : 'passed';
}

function describe({ name, file, line, details }) {
  const cause = details.error?.cause ?? details.error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const more = cause instanceof Error && cause.cause ? `\ncause: ${inspect(cause.cause)}` : '';
  const lines = `${text}${more}`.split('\n').filter((part) => !part.includes('(node:internal/'));
  return `\nX ${name} (${shortPath(file)}${line ? `:${line}` : ''})\n    ${lines.join('\n    ')}\n`;
}

function shortPath(file) {
  return file ? relative(process.cwd(), file) : 'unknown file';
}
