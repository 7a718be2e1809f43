import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importModel } from '../../../src-main/compiler/1-import/index.js';
import {
  createFloatEvaluator,
  lower,
  printQuantization,
  quantize,
} from '../../../src-main/compiler/2-quantize/index.js';
import { calibrate, spread } from '../../../src-main/compiler/2-quantize/calibrate.js';
import { equalizablePairs, equalize } from '../../../src-main/compiler/2-quantize/equalize.js';
import { TensorStatistics } from '../../../src-main/compiler/2-quantize/statistics.js';
import { elementCount, type Graph } from '../../../src-main/compiler/graph.js';
import { quantizationOf } from '../../../src-main/compiler/graph-access.js';
import { writeOnnx } from '../../support/onnx-writer.js';
import { randomOnnx } from '../../support/random-onnx.js';
import { seededRandom } from '../../support/random.js';

const values = fc.array(fc.float({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 400 });

function statisticsOf(...samples: ArrayLike<number>[]): TensorStatistics {
  const statistics = new TensorStatistics(1);
  samples.forEach((sample) => assert.ok(statistics.add(Float32Array.from(sample))));
  return statistics;
}

/** Squared error of int8 with a range, value by value. */
function squaredError(all: number[], { minimum, maximum }: { minimum: number; maximum: number }): number {
  const step = (maximum - minimum) / 255;
  return all.reduce((sum, value) => {
    const kept = Math.min(maximum, Math.max(minimum, value));
    return sum + (kept - value) ** 2 + (kept === value && value !== 0 ? step ** 2 / 12 : 0);
  }, 0);
}

test('statistics: order and grouping of samples do not matter', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const merged = TensorStatistics.merge([statisticsOf(a), statisticsOf(b)]);
      const [one, other] = [statisticsOf(a, b), statisticsOf(b, a)];
      for (const statistics of [merged, other]) {
        assert.deepEqual(statistics.range, one.range);
        assert.deepEqual(statistics.percentileRange(0.9), one.percentileRange(0.9));
        assert.deepEqual(statistics.meanSquaredErrorRange(), one.meanSquaredErrorRange());
        const [mine, its] = [one.headroomRange(0.01), statistics.headroomRange(0.01)];
        assert.ok(Math.abs(mine.maximum - its.maximum) <= 1e-9 * (1 + mine.maximum));
      }
    }),
  );
});

test('percentiles leave out no more than they may, and ranges nest', () => {
  fc.assert(
    fc.property(values, (sample) => {
      const floats = Array.from(Float32Array.from(sample));
      const statistics = statisticsOf(sample);
      const { range } = statistics;
      const inner = statistics.percentileRange(0.95);
      const outer = statistics.headroomRange(0.01);
      assert.ok(range.minimum <= inner.minimum && inner.maximum <= range.maximum);
      assert.ok(outer.minimum <= range.minimum && range.maximum <= outer.maximum);
      assert.ok(floats.filter((value) => value > inner.maximum).length <= 0.05 * floats.length + 1e-9);
      assert.ok(floats.filter((value) => value < inner.minimum).length <= 0.05 * floats.length + 1e-9);
      assert.deepEqual(statistics.percentileRange(1), range);
    }),
  );
});

test('mean squared error: an outlier among many small values is cut off, and no range tried by hand is much better', () => {
  const random = seededRandom(3);
  const many = [...Array.from({ length: 400_000 }, () => random() + random() - 1), 40];
  const statistics = statisticsOf(many);
  const chosen = statistics.meanSquaredErrorRange();
  const error = squaredError(many, chosen);
  assert.ok(chosen.maximum < 35 && chosen.minimum > -1.01, JSON.stringify(chosen));
  for (let maximum = 1; maximum <= 40; maximum += 0.5) {
    assert.ok(error <= 1.02 * squaredError(many, { minimum: -1, maximum }), `${maximum}`);
  }
  assert.ok(error < 0.9 * squaredError(many, statistics.range));
});

test('one value that is not a number is noticed', () => {
  for (const odd of [NaN, Infinity, -Infinity]) {
    assert.equal(new TensorStatistics(1).add(Float32Array.of(1, odd, 2)), false);
  }
});

function randomModel(seed: number): { graph: Graph; samples: Float32Array[] } {
  const graph = importModel(writeOnnx(randomOnnx(seed)), 'random.onnx');
  const random = seededRandom(seed);
  const length = elementCount(graph.tensors[graph.inputs[0]].shape);
  return {
    graph: lower(graph),
    samples: Array.from({ length: 6 }, () => Float32Array.from({ length }, () => 2 * random() - 1)),
  };
}

test('equalization changes no result, and evens out what it may', () => {
  let pairs = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { graph, samples } = randomModel(seed);
    if (graph.operators.length === 0) {
      continue;
    }
    const statistics = calibrate(graph, samples);
    pairs += equalizablePairs(graph, 'all').length;
    const equalized = equalize(graph, statistics, 'all');
    const [before, after] = [graph, equalized].map(createFloatEvaluator);
    for (const sample of samples) {
      const [expected, given] = [before.run([sample])[0], after.run([sample])[0]];
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      expected.forEach((value, i) => {
        assert.ok(Math.abs(value - given[i]) <= 1e-4 * largest, `seed ${seed}: ${value} and ${given[i]}`);
      });
    }
    const evened = calibrate(equalized, samples);
    for (const { reader, tensor } of equalizablePairs(graph, 'depthwise')) {
      if (reader.kind !== 'DEPTHWISE_CONV_2D') {
        continue;
      }
      const largest = (all: typeof statistics): number[] =>
        Array.from(all.get(tensor)?.channelMagnitudes ?? []);
      const live = largest(statistics).map((magnitude) => magnitude > Math.max(...largest(statistics)) / 256);
      const ranges = largest(evened).filter((_, c) => live[c]);
      assert.ok(ranges.every((range) => Math.abs(range - Math.max(...ranges)) < 1e-4 * Math.max(...ranges)));
    }
  }
  assert.ok(pairs > 20, `${pairs} pairs`);
});

test('each way to quantize is the same every time, and what was asked for', () => {
  const { graph, samples } = randomModel(4);
  for (const calibrateBy of ['best', 'minmax', 'percentile', 'mse'] as const) {
    const [first, second] = [0, 1].map(() => quantize(graph, samples, { calibrateBy, layers: true }));
    assert.deepEqual(first, second);
    assert.ok(first.report.trials.includes(first.report.chosen as (typeof first.report.trials)[number]));
    assert.ok(printQuantization(first.report).length > 5 + graph.operators.length);
    assert.equal(first.report.layers?.length, first.graph.operators.length + 1);
  }
  const fixed = quantize(graph, samples, {
    calibrateBy: 'minmax',
    equalization: 'none',
    biasCorrection: true,
  });
  assert.deepEqual(
    fixed.report.trials.map(({ ranges, equalization, biasCorrection }) => [
      ranges,
      equalization,
      biasCorrection,
    ]),
    [['minmax', 'none', true]],
  );
});

test('per-tensor weights share one scale', () => {
  const { graph, samples } = randomModel(4);
  const { graph: int8 } = quantize(graph, samples, { granularity: 'per-tensor' });
  const weights = int8.operators
    .filter((operator) => 'dilationHeight' in operator || operator.kind === 'FULLY_CONNECTED')
    .map((operator) => quantizationOf(int8.tensors[operator.inputs[1]]).scales);
  assert.ok(weights.length > 0);
  assert.ok(weights.every((scales) => new Set(scales).size === 1));
});

test('one sample is enough, and spread keeps order and ends in range', () => {
  const { graph, samples } = randomModel(4);
  assert.equal(quantize(graph, samples.slice(0, 1)).report.judgedSamples, 1);
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4), [0, 2, 5, 7]);
  assert.deepEqual(spread([1, 2], 4), [1, 2]);
});
