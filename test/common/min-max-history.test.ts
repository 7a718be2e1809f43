import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  MinMaxHistory,
  type HistoryChange,
  type MinMaxColumns,
} from '../../src-main/common/min-max-history.js';

const instants = fc
  .array(
    fc.record({
      step: fc.double({ min: 0, max: 10, noNaN: true }),
      value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
    }),
    {
      minLength: 1,
      maxLength: 400,
    },
  )
  .map((list) => {
    let time = 0;
    return list.map(({ step, value }) => ({ time: (time += step), value }));
  });

/** What a window does with a change. */
function applyChange(copy: MinMaxColumns, { fromIndex, columns }: HistoryChange): void {
  const join = (old: number[], added: number[]): number[] => [...old.slice(0, fromIndex), ...added];
  copy.times = join(copy.times, columns.times);
  copy.minima = copy.minima.map((values, channel) => join(values, columns.minima[channel]));
  copy.maxima = copy.maxima.map((values, channel) => join(values, columns.maxima[channel]));
}

test('stays within its capacity, in order, and every value lies in the bucket of its time', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 4, max: 64 }), (list, capacity) => {
      const history = new MinMaxHistory(1, capacity);
      for (const { time, value } of list) {
        history.append(time, [value]);
      }
      const { times, minima, maxima } = history.columns;
      assert.ok(times.length <= capacity);
      assert.equal(minima[0].length, times.length);
      assert.equal(maxima[0].length, times.length);
      assert.ok(times.every((time, index) => index === 0 || time > times[index - 1]));
      for (const { time, value } of list) {
        const bucket = times.findLastIndex((start) => start <= time);
        assert.ok(bucket >= 0);
        assert.ok(minima[0][bucket] <= value && value <= maxima[0][bucket]);
      }
      const values = list.map(({ value }) => value);
      assert.equal(Math.min(...minima[0]), Math.min(...values), 'no extreme is invented or lost');
      assert.equal(Math.max(...maxima[0]), Math.max(...values), 'no extreme is invented or lost');
    }),
  );
});

test('a copy that follows the changes equals the history, however they are cut into batches', () => {
  fc.assert(
    fc.property(
      instants,
      fc.integer({ min: 4, max: 32 }),
      fc.integer({ min: 1, max: 50 }),
      (list, capacity, batch) => {
        const history = new MinMaxHistory(2, capacity);
        const copy: MinMaxColumns = { times: [], minima: [[], []], maxima: [[], []] };
        for (const [index, { time, value }] of list.entries()) {
          history.append(time, [value, -value]);
          const change = index % batch === 0 || index === list.length - 1 ? history.takeChange() : null;
          if (change) {
            applyChange(copy, change);
          }
        }
        assert.deepEqual(copy, history.columns);
        assert.equal(history.takeChange(), null);
      },
    ),
  );
});

test('a single spike is still there after a hundred thousand samples', () => {
  const history = new MinMaxHistory(1, 64);
  for (let index = 0; index < 100_000; index += 1) {
    history.append(index * 1e-3, [index === 31_337 ? 9 : 1]);
  }
  const { times, maxima } = history.columns;
  const bucket = maxima[0].indexOf(9);
  assert.ok(times[bucket] <= 31.337 && (times.at(bucket + 1) ?? Infinity) > 31.337);
  assert.equal(maxima[0].filter((value) => value === 9).length, 1);
  assert.ok(times.length > 16, 'the resolution is not thrown away either');
});
