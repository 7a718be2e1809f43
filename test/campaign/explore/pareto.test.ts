import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparable, dominates, paretoFront } from '../../../src-main/campaign/explore/pareto.js';
import type { Objectives } from '../../../src-main/campaign/explore/types.js';

// Few values, so that ties and dominance are common.
const value = fc.integer({ min: 0, max: 4 });
const objectives: fc.Arbitrary<Objectives> = fc.record({
  latencySeconds: fc.oneof(value, fc.double({ min: 0.1, max: 5, noNaN: true })),
  energyJoules: value,
  sramBytes: value,
  nvmTrafficBytes: value,
  capacitanceFarads: value,
});

test('the front is what a comparison of all with all leaves, once each, by latency', () => {
  fc.assert(
    fc.property(fc.array(objectives, { maxLength: 60 }), (exact) => {
      const front = paretoFront(exact);
      const points = exact.map(comparable);
      const text = (point: Objectives): string => JSON.stringify(point);
      const expected = points.flatMap((point, index) => {
        const beaten = points.some((other) => dominates(other, point));
        const repeated = points.findIndex((other) => text(other) === text(point)) < index;
        return beaten || repeated ? [] : [index];
      });
      assert.deepEqual(
        [...front].sort((a, b) => a - b),
        expected,
      );
      const latencies = front.map((index) => points[index].latencySeconds);
      assert.ok(latencies.every((latency, i) => i === 0 || latency >= latencies[i - 1]));
    }),
    { numRuns: 500 },
  );
});

test('a difference in the fifth digit is none', () => {
  const point = {
    latencySeconds: 1,
    energyJoules: 1,
    sramBytes: 1,
    nvmTrafficBytes: 1,
    capacitanceFarads: 1,
  };
  assert.deepEqual(paretoFront([{ ...point, capacitanceFarads: 2, latencySeconds: 0.99999 }, point]), [1]);
});
