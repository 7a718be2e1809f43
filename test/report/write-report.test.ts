import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readReportRuns, writeReport } from '../../src-main/report/write-report.js';
import { openStore } from '../../src-main/store/store.js';
import { exampleConfig, exampleOutcome } from '../support/example-runs.js';
import { rejectsWithInputError } from '../support/rejections.js';
import { reportRun } from '../support/report-runs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('stored runs become files of every kind, the same bytes each time', async (context) => {
  const folder = await temporaryFolder(context);
  const store = await openStore(join(folder, 'runs.db'));
  context.after(() => store.close());
  const ids: number[] = [];
  for (const strategy of ['layer', 'tile'] as const) {
    const config = exampleConfig({ strategy });
    const id = await store.createRun({ campaignId: null, cell: strategy, repeat: 1, config });
    await store.completeRun(id, exampleOutcome());
    ids.push(id);
  }
  for (const extension of ['html', 'csv', 'json', 'HTML']) {
    const contents = [];
    for (const attempt of [1, 2]) {
      const path = join(folder, `report-${attempt}.${extension}`);
      const runs = await readReportRuns(store, [...ids, ids[0]]);
      assert.equal(runs.length, 2);
      await writeReport(path, { command: [], runs });
      contents.push(await readFile(path, 'utf8'));
    }
    assert.equal(contents[0], contents[1]);
  }
  const json = JSON.parse(await readFile(join(folder, 'report-1.json'), 'utf8')) as {
    runs: { latencySeconds: number; results: { output: number[] }[]; traces: { times: number[] }[] }[];
  };
  assert.equal(json.runs[1].latencySeconds, 2);
  assert.deepEqual(json.runs[1].results[0].output, [-128, 3, 127]);
  assert.equal(json.runs[1].traces[0].times.length, 400);
  await rejectsWithInputError(readReportRuns(store, [99]), 'no-such-run');
});

test('a run of very many power cycles shows the first ones by themselves', async (context) => {
  const folder = await temporaryFolder(context);
  const store = await openStore(join(folder, 'runs.db'));
  context.after(() => store.close());
  const id = await store.createRun({ campaignId: null, cell: 'one', repeat: 1, config: exampleConfig() });
  const powerCycles = Array.from({ length: 100 }, (_, index) => ({
    index,
    onSeconds: index * 0.04,
    offSeconds: index * 0.04 + 0.02,
    inference: 0,
    task: index,
  }));
  await store.completeRun(id, exampleOutcome({ powerCycles }));
  const runs = await readReportRuns(store, [id]);
  const volts = runs[0].opening?.traces.find((trace) => trace.channel === 'capacitorVolts');
  // Ten cycles end after 0.38 s, and buckets last 10 ms.
  assert.equal(volts?.times.length, 39);
  const path = join(folder, 'report.html');
  await writeReport(path, { command: [], runs });
  assert.match(await readFile(path, 'utf8'), /The first 10 of 100 power cycles/);
});

test('a report that cannot be written leaves nothing behind', async (context) => {
  const folder = await temporaryFolder(context);
  const data = { command: [], runs: [reportRun(1)] };
  const error = await rejectsWithInputError(
    writeReport(join(folder, 'report.pdf'), data),
    'unknown-report-format',
  );
  assert.match(error.remedy, /\.html, \.csv, \.json/);
  await rejectsWithInputError(writeReport(join(folder, 'report'), data), 'unknown-report-format');
  await rejectsWithInputError(
    writeReport(join(folder, 'toString.constructor'), data),
    'unknown-report-format',
  );
  await rejectsWithInputError(writeReport(join(folder, 'report.csv'), { ...data, runs: [] }), 'no-runs');
  await rejectsWithInputError(writeReport(join(folder, 'missing', 'report.csv'), data), 'cannot-write');
  assert.deepEqual(await readdir(folder), []);
});
