import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TraceChannel } from '../../src-main/campaign/types.js';
import { decimate } from '../../src-main/store/traces.js';

const traces = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.float({ noNaN: true }), fc.float({ noNaN: true })), {
    maxLength: 200,
  })
  .map((buckets): TraceChannel => {
    let time = 0;
    return {
      channel: 'capacitorVolts',
      unit: 'V',
      times: Float64Array.from(buckets, ([step]) => (time += step)),
      minima: Float32Array.from(buckets, ([, a, b]) => Math.min(a, b)),
      maxima: Float32Array.from(buckets, ([, a, b]) => Math.max(a, b)),
    };
  });

test('decimation keeps every extreme and no more points than asked for', () => {
  fc.assert(
    fc.property(traces, fc.integer({ min: 1, max: 60 }), (trace, maxPoints) => {
      const few = decimate(trace, { maxPoints });
      assert.ok(few.times.length <= maxPoints);
      assert.equal(few.times.length > 0, trace.times.length > 0);
      assert.equal(Math.min(...few.minima), Math.min(...trace.minima));
      assert.equal(Math.max(...few.maxima), Math.max(...trace.maxima));
      // Each original bucket lies within the merged bucket that begins last before it.
      trace.times.forEach((time, index) => {
        const within = few.times.findLastIndex((start) => start <= time);
        assert.ok(few.minima[within] <= trace.minima[index] && few.maxima[within] >= trace.maxima[index]);
      });
    }),
  );
});

test('a window holds exactly the buckets that overlap it', () => {
  fc.assert(
    fc.property(traces, fc.integer(), fc.nat({ max: 5000 }), (trace, from, length) => {
      const to = from + length;
      const expected = [...trace.times].filter(
        // A bucket lasts until the next begins; the last one has no known end.
        (start, index) => start <= to && (trace.times[index + 1] ?? Infinity) > from,
      );
      assert.deepEqual([...decimate(trace, { from, to }).times], expected);
    }),
  );
});

test('without a window nothing changes', () => {
  fc.assert(fc.property(traces, (trace) => assert.deepEqual(decimate(trace, {}), trace)));
});
