import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderHtml } from '../../src-main/report/html/html.js';
import { shellWord } from '../../src-main/report/html/repeat-command.js';
import type { ReportData } from '../../src-main/report/report.js';
import { reportRun } from '../support/report-runs.js';

const example = (): ReportData => ({
  command: ['brownout', 'report', '1', '2', '--out', 'a report.html'],
  runs: [
    reportRun(1, {
      config: { strategy: 'restart' },
      outcome: { status: 'not-terminating', reason: 'no progress for 8 power cycles' },
    }),
    reportRun(2, { config: { strategy: 'layer' }, factor: 2 }),
    reportRun(3),
  ],
});

/** Opening tags and their attribute names, and a check that all tags are closed in order. */
function tagsOf(source: string): string[] {
  const withoutStyle = source.replace(/<style>[^<]*<\/style>/, '');
  const open: string[] = [];
  const tags: string[] = [];
  const expression = /<(\/?)([a-zA-Z!][^\s/>]*)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g;
  for (const [, closing, name, attributes, selfClosing] of withoutStyle.matchAll(expression)) {
    if (closing === '/') {
      assert.equal(open.pop(), name, 'tags are closed in order');
    } else {
      tags.push([name, ...[...attributes.matchAll(/([\w:-]+)=?/g)].map((match) => match[1])].join(' '));
      if (selfClosing === '' && !['!doctype', 'meta'].includes(name)) {
        open.push(name);
      }
    }
  }
  assert.deepEqual(open, []);
  // Whatever is left has no bracket: nothing was half a tag.
  assert.doesNotMatch(withoutStyle.replace(expression, ''), /[<>]/);
  return tags;
}

test('the same runs give the same bytes, and no other date', () => {
  const first = renderHtml(example());
  assert.equal(renderHtml(structuredClone(example())), first);
  const year = new Date().getUTCFullYear();
  const dates = [...first.matchAll(/\b\d{4}-\d{2}-\d{2}/g)].map(([date]) => date);
  assert.deepEqual([...new Set(dates)], ['2026-02-03'], `no date of ${year} but the runs'`);
});

test('the file stands alone', () => {
  const source = renderHtml(example());
  assert.doesNotMatch(source, /<script|<link|<img|<iframe|@import|url\(|https?:/i);
  assert.ok(source.includes("default-src 'none'"));
  tagsOf(source);
});

test('it says what differs, what failed, and how to do it again', () => {
  // Without the indentation of the source.
  const source = renderHtml(example()).replace(/\s*\n\s*/g, '');
  const [beforeConstants, afterConstants] = source.split('The same in all runs');
  assert.match(beforeConstants, /<th>Strategy<\/th>/);
  assert.doesNotMatch(beforeConstants, /<th[^>]*>Capacitance/);
  assert.match(afterConstants, /Capacitance<\/dt><dd>220 µF/);
  assert.ok(source.includes('no progress for 8 power cycles'));
  assert.ok(source.includes('0.500×'), 'tile takes half of layer');
  assert.ok(source.includes('5'.repeat(64)), 'firmware hash');
  assert.ok(source.includes('brownout report 1 2 --out &#39;a report.html&#39;'));
  assert.ok(
    source.includes('--strategy tile --kernels reference --limit 2 --power /bench/traces/rf-walk.csv'),
  );
  assert.equal(source.match(/aria-label="Capacitor voltage/g)?.length, 3);
});

test('no name becomes markup', () => {
  const quiet = tagsOf(renderHtml(example()));
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "' onmouseover='alert(1)",
      '</style></pre></title><b>',
      '<!--',
      ']]>',
      '&lt;b&gt;',
      '${7*7}',
    ),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const data = example();
      for (const run of data.runs) {
        Object.assign(run.row, { model: text, campaignName: text, board: text, cell: text, power: text });
        run.row.reason = run.row.reason === null ? null : text;
        run.config.modelPath = text;
        run.log[0].message = text;
        if (run.provenance !== null) {
          run.provenance.supply.model = text;
          run.provenance.versions['node'] = text;
          run.provenance.boardProfile = { [text]: text };
        }
      }
      const source = renderHtml({ ...data, title: text, command: [text] });
      assert.deepEqual(tagsOf(source), quiet);
    }),
    { numRuns: 60 },
  );
});

test('runs without measures, traces or provenance are reported all the same', () => {
  const run = reportRun(1);
  const bare = {
    ...run,
    row: { ...run.row, status: 'interrupted', latencySeconds: null, totalSeconds: null, energyJoules: null },
    measures: null,
    provenance: null,
    traces: [],
    powerCycles: [],
    results: [],
    log: [],
  };
  tagsOf(renderHtml({ command: [], runs: [bare] }));
  tagsOf(renderHtml({ command: [], runs: [bare, reportRun(2)] }));
  assert.doesNotMatch(renderHtml({ command: [], runs: [bare, reportRun(2)] }), /NaN|undefined|Infinity/);
});

test('words of a command survive a shell', () => {
  assert.equal(shellWord('plain/path.npz'), 'plain/path.npz');
  assert.equal(shellWord("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(shellWord(''), "''");
});
