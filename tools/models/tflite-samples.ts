/** TensorFlow Lite models that between them have every operator that the importer knows: for tests and for fuzzing. */
import type { TfliteOperatorSpec, TfliteSpec, TfliteTensorSpec } from '../bench/tflite-writer.js';
import { seededRandom } from './random.js';

/** Numbers in enum BuiltinOperator. */
const CODE = {
  ADD: 0,
  AVERAGE_POOL_2D: 1,
  CONCATENATION: 2,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  DEQUANTIZE: 6,
  FULLY_CONNECTED: 9,
  LOGISTIC: 14,
  MAX_POOL_2D: 17,
  MUL: 18,
  RELU6: 21,
  RESHAPE: 22,
  SOFTMAX: 25,
  TANH: 28,
  PAD: 34,
  TRANSPOSE: 39,
  MEAN: 40,
  SUB: 41,
  STRIDED_SLICE: 45,
  SPLIT: 49,
  PRELU: 54,
  SLICE: 65,
  RESIZE_NEAREST_NEIGHBOR: 97,
  LEAKY_RELU: 98,
  QUANTIZE: 114,
  HARD_SWISH: 117,
} as const;

type Activations = 'int8' | 'uint8';

/** Grows a model; tensors are numbers. */
class Model {
  readonly tensors: TfliteTensorSpec[] = [];
  readonly operators: TfliteOperatorSpec[] = [];
  readonly #random: () => number;

  constructor(
    seed: number,
    private readonly type: Activations = 'int8',
  ) {
    this.#random = seededRandom(seed);
  }

  float(shape: number[]): number {
    return this.tensors.push({ name: `f${this.tensors.length}`, shape, type: 'float32' }) - 1;
  }

  activation(shape: number[], scale = 0.05, zeroPoint = -3): number {
    const zero = this.type === 'uint8' ? zeroPoint + 128 : zeroPoint;
    return (
      this.tensors.push({
        name: `t${this.tensors.length}`,
        shape,
        type: this.type,
        quantization: { scales: [scale], zeroPoints: [zero] },
      }) - 1
    );
  }

  integers(shape: number[], values: number[]): number {
    return (
      this.tensors.push({
        name: `i${this.tensors.length}`,
        shape,
        type: 'int32',
        data: Int32Array.from(values),
      }) - 1
    );
  }

  operand(shape: number[]): number {
    const id = this.tensors.push({
      name: `o${this.tensors.length}`,
      shape,
      type: 'int8',
      quantization: { scales: [0.02], zeroPoints: [5] },
      data: this.#bytes(shape),
    });
    return id - 1;
  }

  /** Weights per channel along `axis`, and a bias. */
  weights(shape: number[], axis: number): number[] {
    const channels = shape[axis];
    const scales = Array.from({ length: channels }, () => 0.002 + 0.004 * this.#random());
    const zeroPoints = scales.map(() => 0);
    const weights = this.tensors.push({
      name: `w${this.tensors.length}`,
      shape,
      type: 'int8',
      quantization: { scales, zeroPoints, axis },
      data: this.#bytes(shape),
    });
    const bias = this.tensors.push({
      name: `b${this.tensors.length}`,
      shape: [channels],
      type: 'int32',
      quantization: { scales: scales.map((scale) => 0.05 * scale), zeroPoints, axis: 0 },
      data: Int32Array.from({ length: channels }, () => Math.round(600 * (this.#random() - 0.5))),
    });
    return [weights - 1, bias - 1];
  }

  add(
    operator: keyof typeof CODE,
    inputs: number[],
    outputs: number | number[],
    options?: TfliteOperatorSpec['options'],
  ): number {
    const list = Array.isArray(outputs) ? outputs : [outputs];
    this.operators.push({ code: CODE[operator], inputs, outputs: list, ...(options && { options }) });
    return list[0];
  }

  build(input: number, output: number): TfliteSpec {
    return { tensors: this.tensors, operators: this.operators, inputs: [input], outputs: [output] };
  }

  #bytes(shape: number[]): Int8Array {
    const length = shape.reduce((product, extent) => product * extent, 1);
    return Int8Array.from({ length }, () => Math.round(254 * (this.#random() - 0.5)));
  }
}

const window = (stride: number, activation: number) => ({
  0: { int8: 0 },
  1: { int32: stride },
  2: { int32: stride },
  3: { int8: activation },
});

/**
 * An inverted residual with hard swish, squeeze and excite; a fire module; slices, splits and a transposition; float at both ends
 * as converters leave it.
 */
export function everyOperator(borders: 'float' | 'int8' = 'float'): TfliteSpec {
  const model = new Model(1);
  const outside = model.float([1, 8, 8, 3]);
  const input = model.activation([1, 8, 8, 3], 0.02, 4);
  if (borders === 'float') {
    model.add('QUANTIZE', [outside], input);
  }
  const image = (channels: number): number[] => [1, 8, 8, channels];
  let x = model.add('CONV_2D', [input, ...model.weights([6, 3, 3, 3], 0)], model.activation(image(6)), {
    type: 1,
    table: window(1, 1),
  });
  x = model.add('HARD_SWISH', [x], model.activation(image(6), 0.04, -90));
  x = model.add('DEPTHWISE_CONV_2D', [x, ...model.weights([1, 3, 3, 6], 3)], model.activation(image(6)), {
    type: 2,
    table: { ...window(1, 0), 3: { int32: 1 }, 4: { int8: 3 } },
  });
  const pooled = model.add('MEAN', [x, model.integers([2], [1, 2])], model.activation([1, 1, 1, 6], 0.02), {
    type: 27,
    table: { 0: { int8: 1 } },
  });
  const gate = model.add('LOGISTIC', [pooled], model.activation([1, 1, 1, 6], 1 / 256, -128));
  x = model.add('MUL', [x, gate], model.activation(image(6), 0.03, 7), {
    type: 21,
    table: { 0: { int8: 0 } },
  });
  x = model.add('SUB', [x, model.operand([6])], model.activation(image(6)), { type: 28, table: {} });
  const [left, right] = [model.activation(image(3)), model.activation(image(3))];
  model.add('SPLIT', [model.integers([], [3]), x], [left, right], { type: 35, table: { 0: { int32: 2 } } });
  const expanded = model.add(
    'CONV_2D',
    [left, ...model.weights([4, 1, 1, 3], 0)],
    model.activation(image(4)),
    {
      type: 1,
      table: window(1, 0),
    },
  );
  const leaky = model.add('LEAKY_RELU', [right], model.activation(image(3), 0.03, 11), {
    type: 75,
    table: { 0: { float32: 0.125 } },
  });
  // Parts in other steps than the whole go through a table.
  x = model.add('CONCATENATION', [expanded, leaky, left], model.activation(image(10)), {
    type: 10,
    table: { 0: { int32: -1 } },
  });
  x = model.add('PRELU', [x, model.operand([1, 1, 10])], model.activation(image(10)));
  x = model.add('TRANSPOSE', [x, model.integers([4], [0, 2, 1, 3])], model.activation(image(10)));
  x = model.add(
    'STRIDED_SLICE',
    [
      ...[
        x,
        model.integers([4], [0, 1, 0, 0]),
        model.integers([4], [1, 8, 0, 10]),
        model.integers([4], [1, 2, 2, 1]),
      ],
    ],
    model.activation([1, 4, 4, 10]),
    { type: 32, table: { 0: { int32: 1 }, 1: { int32: 4 } } },
  );
  x = model.add(
    'SLICE',
    [x, model.integers([4], [0, 0, 1, 2]), model.integers([4], [-1, 4, 3, -1])],
    model.activation([1, 4, 3, 8]),
  );
  x = model.add('RESIZE_NEAREST_NEIGHBOR', [x, model.integers([2], [7, 5])], model.activation([1, 7, 5, 8]), {
    type: 74,
    table: { 1: { int8: 1 } },
  });
  x = model.add('MAX_POOL_2D', [x], model.activation([1, 3, 2, 8]), {
    type: 5,
    table: { 0: { int8: 1 }, 1: { int32: 2 }, 2: { int32: 2 }, 3: { int32: 2 }, 4: { int32: 2 } },
  });
  x = model.add('PAD', [x, model.integers([4, 2], [0, 0, 1, 0, 0, 1, 0, 0])], model.activation([1, 4, 3, 8]));
  x = model.add('TANH', [x], model.activation([1, 4, 3, 8], 1 / 128, 0));
  x = model.add('RESHAPE', [x], model.activation([1, 96], 1 / 128, 0));
  x = model.add('FULLY_CONNECTED', [x, ...model.weights([5, 96], 0)], model.activation([1, 5], 0.05, -3), {
    type: 8,
    table: {},
  });
  x = model.add('RELU6', [x], model.activation([1, 5], 6 / 255, -128));
  x = model.add('ADD', [x, x], model.activation([1, 5], 0.05, -128), { type: 11, table: {} });
  if (borders === 'int8') {
    return model.build(input, x);
  }
  return model.build(outside, model.add('DEQUANTIZE', [x], model.float([1, 5])));
}

/** uint8 at both ends, and inside: as int8 with everything 128 lower. */
export function unsignedBorders(): TfliteSpec {
  const model = new Model(2, 'uint8');
  const input = model.activation([1, 6, 6, 2], 0.02, 0);
  let x = model.add('AVERAGE_POOL_2D', [input], model.activation([1, 3, 3, 2], 0.02, 0), {
    type: 5,
    table: { 0: { int8: 1 }, 1: { int32: 2 }, 2: { int32: 2 }, 3: { int32: 2 }, 4: { int32: 2 } },
  });
  x = model.add('ADD', [x, x], model.activation([1, 3, 3, 2], 0.03, 9), { type: 11, table: {} });
  return model.build(input, x);
}

export const TFLITE_SAMPLES: readonly (() => TfliteSpec)[] = [
  () => everyOperator('float'),
  () => everyOperator('int8'),
  unsignedBorders,
];
