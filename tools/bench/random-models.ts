/**
 * Models of MLPerf Tiny whose files are not beside the checkout, as int8 TensorFlow Lite files with seeded random weights:
 * cycles depend on shapes and on how large weights are, hardly on what they say. Weights are normally distributed, each
 * channel scaled so that its largest is 127, as in trained and quantized models.
 */
import { writeTflite, type TfliteOperatorSpec, type TfliteTensorSpec } from './tflite-writer.js';

/** Numbers in TensorFlow Lite's schema.fbs. */
const CODE = {
  AVERAGE_POOL_2D: 1,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  FULLY_CONNECTED: 9,
  RESHAPE: 22,
  SOFTMAX: 25,
};
const OPTIONS = { CONV_2D: 1, DEPTHWISE_CONV_2D: 2, POOL_2D: 5, FULLY_CONNECTED: 8, SOFTMAX: 9 };
const RELU = 1;
const RELU6 = 3;
const SAME = 0;
const VALID = 1;
const INPUT_SCALE = 1 / 64;
/** Of every activation: a rectified one with values up to 6. */
const ACTIVATION = { scale: 6 / 255, zeroPoint: -128 };

/** Grows a chain of operators; every method adds one behind the last. */
class Chain {
  private readonly tensors: TfliteTensorSpec[] = [];
  private readonly operators: TfliteOperatorSpec[] = [];
  private random: number;

  constructor(seed: number, inputShape: number[], inputZeroPoint: number) {
    this.random = seed;
    this.activation(inputShape, INPUT_SCALE, inputZeroPoint);
    this.last = 0;
  }
  private last: number;

  conv(filter: [number, number], outputs: number, stride: number, activation = RELU6): this {
    const [, height, width, depth] = this.shape();
    const weights = this.weights([outputs, ...filter, depth], outputs, 0, filter[0] * filter[1] * depth);
    const shape = [1, Math.ceil(height / stride), Math.ceil(width / stride), outputs];
    return this.add(CODE.CONV_2D, weights, shape, {
      type: OPTIONS.CONV_2D,
      table: { 0: { int8: SAME }, 1: { int32: stride }, 2: { int32: stride }, 3: { int8: activation } },
    });
  }

  depthwise(stride: number): this {
    const [, height, width, depth] = this.shape();
    const weights = this.weights([1, 3, 3, depth], depth, 3, 9);
    const shape = [1, Math.ceil(height / stride), Math.ceil(width / stride), depth];
    return this.add(CODE.DEPTHWISE_CONV_2D, weights, shape, {
      type: OPTIONS.DEPTHWISE_CONV_2D,
      table: {
        0: { int8: SAME },
        1: { int32: stride },
        2: { int32: stride },
        3: { int32: 1 },
        4: { int8: RELU6 },
      },
    });
  }

  averagePool(size: number): this {
    const { scale, zeroPoint } = ACTIVATION;
    const [, , , depth] = this.shape();
    const output = this.activation([1, 1, 1, depth], scale, zeroPoint);
    this.operators.push({
      code: CODE.AVERAGE_POOL_2D,
      inputs: [this.last],
      outputs: [output],
      options: {
        type: OPTIONS.POOL_2D,
        table: {
          0: { int8: VALID },
          1: { int32: size },
          2: { int32: size },
          3: { int32: size },
          4: { int32: size },
        },
      },
    });
    this.last = output;
    return this;
  }

  fullyConnected(outputs: number, activation: number): this {
    const inputs = this.shape().reduce((product, extent) => product * extent, 1);
    const weights = this.weights([outputs, inputs], 1, 0, inputs);
    return this.add(CODE.FULLY_CONNECTED, weights, [1, outputs], {
      type: OPTIONS.FULLY_CONNECTED,
      table: { 0: { int8: activation } },
    });
  }

  softmax(): this {
    const output = this.activation(this.shape(), 1 / 256, -128);
    this.operators.push({
      code: CODE.SOFTMAX,
      inputs: [this.last],
      outputs: [output],
      options: { type: OPTIONS.SOFTMAX, table: { 0: { float32: 1 } } },
    });
    this.last = output;
    return this;
  }

  toBytes(): Uint8Array {
    const { tensors, operators } = this;
    return writeTflite({ tensors, operators, inputs: [0], outputs: [this.last] });
  }

  private shape(): number[] {
    return this.tensors[this.last].shape;
  }

  private activation(shape: number[], scale: number, zeroPoint: number): number {
    const name = `activation${this.tensors.length}`;
    this.tensors.push({
      name,
      shape,
      type: 'int8',
      quantization: { scales: [scale], zeroPoints: [zeroPoint] },
    });
    return this.tensors.length - 1;
  }

  /** Weights and bias, `channels` of them scaled separately along `axis`. */
  private weights(shape: number[], channels: number, axis: number, taps: number): [number, number] {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = Float32Array.from({ length: count }, () => this.normal());
    const channelOf = (index: number): number =>
      channels === 1 ? 0 : axis === 0 ? Math.floor(index / (count / channels)) : index % channels;
    const largest = new Array<number>(channels).fill(1e-6);
    data.forEach((value, index) => {
      largest[channelOf(index)] = Math.max(largest[channelOf(index)], Math.abs(value));
    });
    const outputs = shape[axis];
    // Keeps activations of about unit size through all layers.
    const scales = largest.map((value) => (value * 1.2) / 127 / Math.sqrt(taps));
    const inputScale = this.tensors[this.last].quantization?.scales[0] ?? 1;
    const base = { zeroPoints: scales.map(() => 0), axis };
    this.tensors.push({
      name: `weights${this.tensors.length}`,
      shape,
      type: 'int8',
      quantization: { scales, ...base },
      data: Int8Array.from(data, (value, index) => Math.round((127 * value) / largest[channelOf(index)])),
    });
    this.tensors.push({
      name: `bias${this.tensors.length}`,
      shape: [outputs],
      type: 'int32',
      quantization: { scales: scales.map((scale) => scale * inputScale), ...base, axis: 0 },
      data: Int32Array.from({ length: outputs }, () => Math.round(300 * this.normal())),
    });
    return [this.tensors.length - 2, this.tensors.length - 1];
  }

  private add(
    code: number,
    weights: [number, number],
    shape: number[],
    options: TfliteOperatorSpec['options'],
  ): this {
    const output = this.activation(shape, ACTIVATION.scale, ACTIVATION.zeroPoint);
    this.operators.push({ code, inputs: [this.last, ...weights], outputs: [output], options });
    this.last = output;
    return this;
  }

  /** Uniform in (0, 1): xorshift32. */
  private uniform(): number {
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return ((this.random >>> 0) + 0.5) / 2 ** 32;
  }

  /** Standard normal: Box and Muller. */
  private normal(): number {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}

/** MobileNetV1 with width 0.25 for 96 x 96 x 3 and two classes: visual wake words of MLPerf Tiny, 7,489,664 MACs. */
export function mobileNetV1(): Uint8Array {
  const chain = new Chain(0x5eed1, [1, 96, 96, 3], 0).conv([3, 3], 8, 2);
  const blocks: [outputs: number, stride: number][] = [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [256, 2],
    [256, 1],
  ];
  for (const [outputs, stride] of blocks) {
    chain.depthwise(stride).conv([1, 1], outputs, 1);
  }
  return chain.averagePool(3).fullyConnected(2, 0).softmax().toBytes();
}

/** The fully connected autoencoder of anomaly detection in MLPerf Tiny: 264,192 MACs. */
export function autoencoder(): Uint8Array {
  const chain = new Chain(0x5eed2, [1, 640], 0);
  for (const outputs of [128, 128, 128, 128, 8, 128, 128, 128, 128]) {
    chain.fullyConnected(outputs, RELU);
  }
  return chain.fullyConnected(640, 0).toBytes();
}

/** Convolutions of 3 x 3 at 48 x 48: 99,902,080 MACs, far more than anybody runs on harvested power. */
export function hundredMillionMacs(): Uint8Array {
  const chain = new Chain(0x5eed3, [1, 96, 96, 3], 0).conv([3, 3], 32, 2);
  for (let layer = 0; layer < 4; layer++) {
    chain.conv([3, 3], 32, 1);
  }
  return chain
    .conv([3, 3], 64, 2)
    .conv([1, 1], 64, 1)
    .averagePool(24)
    .fullyConnected(10, 0)
    .softmax()
    .toBytes();
}
