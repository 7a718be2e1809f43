import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { resourcePath } from '../../src-main/common/resources.js';
import { CSV_COLUMNS, renderCsv } from '../../src-main/report/csv.js';
import { reportRun } from '../support/report-runs.js';

/** RFC 4180 read strictly; null for an empty field without quotes. */
function parseCsv(text: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let line: (string | null)[] = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    assert.ok(match, `not RFC 4180 at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    const quoted = match[1] as string | undefined;
    line.push(quoted !== undefined ? quoted.replaceAll('""', '"') : match[2] === '' ? null : match[2]);
    if (match[3] === '\r\n') {
      lines.push(line);
      line = [];
    }
  }
  assert.deepEqual(line, [], 'the last line is ended');
  return lines;
}

test('what was written is read back, whatever the names hold', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '"', 'a,b', '\r\n', '"",\n"', '=1+1'),
  );
  fc.assert(
    fc.property(
      hostile,
      hostile,
      fc.option(hostile),
      fc.double({ noNaN: true }),
      (model, cell, reason, energy) => {
        const run = reportRun(7);
        Object.assign(run.row, { model, cell, reason, energyJoules: energy });
        const [header, line, ...rest] = parseCsv(renderCsv([run]));
        assert.deepEqual(header, CSV_COLUMNS);
        assert.deepEqual(rest, []);
        assert.equal(line.length, header.length);
        const value = (column: string) => line[header.indexOf(column)];
        assert.equal(value('model'), model);
        assert.equal(value('cell'), cell);
        assert.equal(value('reason'), reason);
        assert.equal(Number(value('energyJoules')), energy === 0 ? 0 : energy);
        assert.equal(value('imageSha256'), '4'.repeat(64));
        assert.equal(value('version'), '0.1.0');
      },
    ),
  );
});

test('every column is documented, in its order', async () => {
  const document = await readFile(resourcePath('docs', 'csv-columns.md'), 'utf8');
  assert.deepEqual(
    [...document.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]),
    CSV_COLUMNS,
  );
});

test('the columns that others rely on stay where they are', () => {
  // Only ever add to the end of this list.
  assert.deepEqual(CSV_COLUMNS.slice(0, 25), [
    'id',
    'campaignId',
    'campaignName',
    'cell',
    'status',
    'reason',
    'createdAt',
    'finishedAt',
    'model',
    'strategy',
    'kernels',
    'board',
    'power',
    'capacitanceFarads',
    'turnOnVolts',
    'brownOutVolts',
    'repeat',
    'seed',
    'samples',
    'latencySeconds',
    'activeSeconds',
    'totalSeconds',
    'energyJoules',
    'accuracy',
    'powerCycles',
  ]);
});
