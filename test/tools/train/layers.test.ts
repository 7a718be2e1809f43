import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Convolution,
  Dense,
  MaxPool,
  Relu,
  shapeSize,
  softmaxCrossEntropy,
} from '../../../tools/train/layers.js';
import { Network } from '../../../tools/train/network.js';
import { Random } from '../../../tools/train/random.js';

const LABEL = 2;
/** Small enough for a central difference of error h^2, large enough to stay clear of rounding. */
const STEP = 1e-5;

/** Odd sizes and several channels, so that borders, dropped rows and channel offsets all matter. */
function smallNetwork(random: Random): Network {
  const first = new Convolution('first', { channels: 2, height: 7, width: 5 }, 3, random);
  const pool = new MaxPool(first.outputShape);
  const second = new Convolution('second', pool.outputShape, 6, random);
  return new Network([
    first,
    new Relu(first.outputShape),
    pool,
    second,
    new Relu(second.outputShape),
    new Dense('dense', second.outputShape, 4, random),
  ]);
}

function centralDifference(values: Float64Array, index: number, loss: () => number): number {
  const held = values[index];
  values[index] = held + STEP;
  const above = loss();
  values[index] = held - STEP;
  const below = loss();
  values[index] = held;
  return (above - below) / (2 * STEP);
}

test('backward gives the slopes that differences of the loss show, for every parameter and input', () => {
  const random = new Random(7);
  const network = smallNetwork(random);
  const input = Float64Array.from({ length: 2 * 7 * 5 }, () => random.normal());
  const loss = (): number => softmaxCrossEntropy(network.forward(input), LABEL).loss;

  const { gradient } = softmaxCrossEntropy(network.forward(input), LABEL);
  const slopes = [
    ...network.parameters.map((parameter) => ({ ...parameter })),
    { name: 'input', value: input, gradient: network.backward(gradient).slice() },
  ];
  for (const { name, value, gradient: computed } of slopes) {
    assert.ok(
      computed.some((slope) => slope !== 0),
      `${name} has a gradient at all`,
    );
    for (let index = 0; index < value.length; index++) {
      const expected = centralDifference(value, index, loss);
      assert.ok(
        Math.abs(computed[index] - expected) < 1e-7 + 1e-5 * Math.abs(expected),
        `${name}[${index}]: backward says ${computed[index]}, differences say ${expected}`,
      );
    }
  }
});

test('convolution agrees with its definition, summed tap by tap', () => {
  const random = new Random(3);
  const shape = { channels: 2, height: 4, width: 6 };
  const layer = new Convolution('layer', shape, 3, random);
  const [weights, bias] = layer.parameters;
  bias.value.forEach((_, index) => (bias.value[index] = random.normal()));
  const input = Float64Array.from({ length: shapeSize(shape) }, () => random.normal());
  const output = layer.forward(input);
  for (let filter = 0; filter < 3; filter++) {
    for (let y = 0; y < shape.height; y++) {
      for (let x = 0; x < shape.width; x++) {
        let sum = bias.value[filter];
        for (let channel = 0; channel < shape.channels; channel++) {
          for (let tap = 0; tap < 9; tap++) {
            const row = y + Math.floor(tap / 3) - 1;
            const column = x + (tap % 3) - 1;
            const inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
            const value = inside ? input[(channel * shape.height + row) * shape.width + column] : 0;
            sum += value * weights.value[(filter * shape.channels + channel) * 9 + tap];
          }
        }
        const actual = output[(filter * shape.height + y) * shape.width + x];
        assert.ok(Math.abs(actual - sum) < 1e-12, `filter ${filter}, row ${y}, column ${x}`);
      }
    }
  }
});
