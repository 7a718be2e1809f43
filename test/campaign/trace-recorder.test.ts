import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TraceRecorder } from '../../src-main/campaign/trace-recorder.js';
import type { BenchSample } from '../../src-main/campaign/types.js';

const sample = (timeSeconds: number, capacitorVolts: number): BenchSample => ({
  timeSeconds,
  capacitorVolts,
  loadAmps: 0,
  powered: true,
  progress: 0,
});

test('no extreme is lost and memory stays bounded, whatever the spacing of the samples', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          gap: fc.double({ min: 0, max: 10, noNaN: true }),
          volts: fc.double({ min: 0, max: 6, noNaN: true }),
        }),
        {
          minLength: 1,
          maxLength: 500,
        },
      ),
      (points) => {
        const recorder = new TraceRecorder();
        let time = 0;
        for (const { gap, volts } of points) {
          time += gap;
          recorder.add(sample(time, volts));
        }
        const [trace] = recorder.finish();
        assert.ok(trace.times.length <= 8192);
        assert.equal(Math.min(...trace.minima), Math.fround(Math.min(...points.map((point) => point.volts))));
        assert.equal(Math.max(...trace.maxima), Math.fround(Math.max(...points.map((point) => point.volts))));
        trace.times.forEach((start, index) => {
          assert.ok(index === 0 || start > trace.times[index - 1], 'times increase');
        });
        const last = trace.times[trace.times.length - 1];
        assert.ok(last <= time && time < last + recorder.bucketSeconds * (1 + 1e-9) + 1e-12);
      },
    ),
  );
});

test('every sample lies between minimum and maximum of its bucket', () => {
  const recorder = new TraceRecorder();
  const samples = Array.from({ length: 100_000 }, (_, index) =>
    sample(index * 7e-6, Math.sin(index / 900) * 2 + 3),
  );
  samples.forEach((entry) => {
    recorder.add(entry);
  });
  const [trace] = recorder.finish();
  let bucket = 0;
  for (const entry of samples) {
    while (bucket + 1 < trace.times.length && trace.times[bucket + 1] <= entry.timeSeconds + 1e-10) {
      bucket++;
    }
    // At the edge of a bucket rounding decides on which side a sample falls.
    if (Math.abs(entry.timeSeconds - trace.times[bucket]) < 1e-9) {
      continue;
    }
    assert.ok(trace.minima[bucket] <= Math.fround(entry.capacitorVolts));
    assert.ok(trace.maxima[bucket] >= Math.fround(entry.capacitorVolts));
  }
});
