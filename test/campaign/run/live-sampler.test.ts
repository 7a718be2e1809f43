import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LiveSampler } from '../../../src-main/campaign/run/live-sampler.js';
import type { BenchSample } from '../../../src-main/campaign/types.js';

const series = fc
  .array(fc.record({ powered: fc.boolean(), capacitorVolts: fc.double({ min: 0, max: 5, noNaN: true }) }), {
    minLength: 1,
    maxLength: 300,
  })
  .map((list) =>
    list.map((each, index): BenchSample => ({ ...each, timeSeconds: index, loadAmps: 0, progress: 0 })),
  );

test('every start and power failure is sent, in order, and nothing waits once it was flushed', () => {
  fc.assert(
    fc.property(series, (samples) => {
      const sent: BenchSample[] = [];
      const sampler = new LiveSampler((batch) => sent.push(...batch));
      samples.forEach((sample) => {
        sampler.take(sample);
      });
      sampler.flush();
      const changes = samples.filter((sample, index) => sample.powered !== samples[index - 1]?.powered);
      assert.ok(changes.every((sample) => sent.includes(sample)));
      assert.ok(
        sent.every((sample, index) => index === 0 || sample.timeSeconds > sent[index - 1].timeSeconds),
      );
      const before = sent.length;
      sampler.flush();
      assert.equal(sent.length, before);
    }),
  );
});

test('a still voltage costs few samples, however many the bench makes', () => {
  let sent = 0;
  const sampler = new LiveSampler((batch) => (sent += batch.length));
  const started = performance.now();
  for (let index = 0; index < 100_000; index++) {
    sampler.take({ timeSeconds: index, capacitorVolts: 3, loadAmps: 0, powered: true, progress: 0 });
  }
  sampler.flush();
  // One at the start, then at most one in two milliseconds of wall time.
  assert.ok(sent <= 2 + (performance.now() - started) / 2, `${sent} samples`);
});
