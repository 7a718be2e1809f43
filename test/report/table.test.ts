import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderRunTable } from '../../src-main/report/table.js';
import { reportRun } from '../support/report-runs.js';

test('a table as it stands in a terminal', () => {
  const rows = [
    reportRun(1, { config: { strategy: 'layer' }, factor: 3 }).row,
    { ...reportRun(20).row, latencySeconds: null, status: 'running' },
  ];
  assert.equal(
    renderRunTable(rows, ['id', 'strategy', 'status', 'latencySeconds', 'powerCycles']),
    [
      'Run  Strategy  Status    Latency (s)  Power cycles',
      '───  ────────  ────────  ───────────  ────────────',
      '  1  layer     finished         6.00            16',
      ' 20  tile      running             –            16',
      '',
    ].join('\n'),
  );
});

test('narrow terminals break headings, then shorten texts, never numbers', () => {
  const row = { ...reportRun(1).row, model: 'a-model-with-a-very-long-name.tflite', cycles: 123456789 };
  const narrow = renderRunTable([row], ['model', 'powerCycles', 'cycles'], 40);
  assert.equal(
    narrow,
    [
      '                      Power',
      'Model                cycles   CPU cycles',
      '───────────────────  ──────  ───────────',
      'a-model-with-a-ver…      16  123,456,789',
      '',
    ].join('\n'),
  );
  assert.ok(renderRunTable([row], ['model', 'powerCycles', 'cycles'], 5).includes('123,456,789'));
  assert.equal(renderRunTable([]), 'No runs.\n');
});

test('no name can leave its line or reach the terminal as a command', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 20, max: 200 }), (model, width) => {
      const table = renderRunTable([{ ...reportRun(1).row, model }], ['id', 'model', 'status'], width);
      assert.equal(table.split('\n').length, 4);
      // C0 and C1 controls and DEL; ESC, which begins every terminal command, is among them.
      for (const character of table.replaceAll('\n', '')) {
        const code = character.codePointAt(0) ?? 0;
        assert.ok(code >= 0x20 && (code < 0x7f || code > 0x9f), `control ${code}`);
      }
    }),
  );
});
