/** Small members of the families of networks that people bring, as ONNX exporters write them. */
import type { OnnxAttributeSpec, OnnxNodeSpec, OnnxSpec, OnnxTensorSpec } from './onnx-writer.js';
import { seededRandom } from './random.js';

/** Grows a model node by node; values are named after the node that makes them. */
class Model {
  readonly initializers: Record<string, OnnxTensorSpec> = {};
  readonly nodes: OnnxNodeSpec[] = [];
  readonly #random = seededRandom(0xfa317);

  constructor(
    readonly inputShape: number[],
    readonly opset = 13,
  ) {}

  weights(shape: number[], spread?: number, offset = 0): string {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const width = spread ?? 1.5 / Math.sqrt(count / shape[0]);
    return this.constant(
      shape,
      Float32Array.from({ length: count }, () => offset + width * (2 * this.#random() - 1)),
    );
  }

  constant(shape: number[], data: OnnxTensorSpec['data']): string {
    const name = `c${Object.keys(this.initializers).length}`;
    this.initializers[name] = { shape, data };
    return name;
  }

  node(operator: string, inputs: string[], attributes: Record<string, OnnxAttributeSpec> = {}): string {
    const output = `v${this.nodes.length}`;
    this.nodes.push({ operator, inputs, output, attributes });
    return output;
  }

  conv(x: string, [outputs, inputs, filter]: number[], stride = 1, group = 1): string {
    const pad = (filter - 1) >> 1;
    return this.node(
      'Conv',
      [x, this.weights([outputs, inputs / group, filter, filter]), this.weights([outputs], 0.2)],
      {
        pads: { ints: [pad, pad, pad, pad] },
        strides: { ints: [stride, stride] },
        group: { int: group },
      },
    );
  }

  batchNorm(x: string, channels: number): string {
    const c = [channels];
    return this.node('BatchNormalization', [
      x,
      this.weights(c, 0.3, 1),
      this.weights(c, 0.3),
      this.weights(c, 0.3),
      this.weights(c, 0.3, 1),
    ]);
  }

  build(output: string): OnnxSpec {
    const { opset, nodes, initializers, inputShape } = this;
    return { opset, nodes, initializers, inputs: { input: inputShape }, outputs: [output] };
  }
}

/** MCUNet and MobileNetV3: inverted residuals with hard swish, squeeze and excite, and an addition. */
export function invertedResiduals(): OnnxSpec {
  const model = new Model([1, 3, 16, 16], 14);
  let x = model.node('HardSwish', [model.batchNorm(model.conv('input', [8, 3, 3], 2), 8)]);
  for (let block = 0; block < 2; block++) {
    const before = x;
    x = model.node('HardSwish', [model.batchNorm(model.conv(x, [16, 8, 1]), 16)]);
    x = model.node('HardSwish', [model.batchNorm(model.conv(x, [16, 16, 3], 1, 16), 16)]);
    let gate = model.node('GlobalAveragePool', [x]);
    gate = model.node('Relu', [model.conv(gate, [4, 16, 1])]);
    gate = model.node('HardSigmoid', [model.conv(gate, [16, 4, 1])], { alpha: { float: 1 / 6 } });
    x = model.node('Mul', [x, gate]);
    x = model.node('Add', [model.batchNorm(model.conv(x, [8, 16, 1]), 8), before]);
  }
  x = model.node('Flatten', [model.node('GlobalAveragePool', [x])]);
  return model.build(model.node('Gemm', [x, model.weights([8, 5]), model.weights([5], 0.2)]));
}

/** SqueezeNet: fire modules, whose two branches are joined. */
export function fireModules(): OnnxSpec {
  const model = new Model([1, 3, 14, 14], 9);
  let x = model.node('Relu', [model.conv('input', [6, 3, 3], 2)]);
  let channels = 6;
  for (const [squeeze, expand] of [
    [3, 4],
    [4, 6],
  ]) {
    const squeezed = model.node('Relu', [model.conv(x, [squeeze, channels, 1])]);
    const one = model.node('Relu', [model.conv(squeezed, [expand, squeeze, 1])]);
    const three = model.node('Relu', [model.conv(squeezed, [expand, squeeze, 3])]);
    x = model.node('Concat', [one, three], { axis: { int: 1 } });
    x = model.node('MaxPool', [x], {
      kernel_shape: { ints: [3, 3] },
      strides: { ints: [2, 2] },
      ceil_mode: { int: 1 },
    });
    channels = 2 * expand;
  }
  x = model.node('GlobalAveragePool', [model.node('Relu', [model.conv(x, [4, channels, 1])])]);
  return model.build(model.node('Flatten', [x]));
}

/** A 1-D net as PyTorch exports it, with a residual and tanh. */
export function sequenceNet(): OnnxSpec {
  const model = new Model([1, 3, 64]);
  const conv = (x: string, outputs: number, inputs: number, stride: number): string =>
    model.node('Conv', [x, model.weights([outputs, inputs, 5]), model.weights([outputs], 0.2)], {
      kernel_shape: { ints: [5] },
      pads: { ints: [2, 2] },
      strides: { ints: [stride] },
    });
  let x = model.node('Relu', [model.batchNorm(conv('input', 8, 3, 2), 8)]);
  x = model.node('Add', [x, model.node('Tanh', [conv(x, 8, 8, 1)])]);
  x = model.node('MaxPool', [x], { kernel_shape: { ints: [2] }, strides: { ints: [2] } });
  x = model.node('LeakyRelu', [conv(x, 12, 8, 2)], { alpha: { float: 0.1 } });
  x = model.node('ReduceMean', [x], { axes: { ints: [2] }, keepdims: { int: 0 } });
  return model.build(model.node('Gemm', [x, model.weights([12, 4]), model.weights([4], 0.2)]));
}

/** A plain MLP with MatMul and Add, and swish as x * sigmoid(x). */
export function mlp(): OnnxSpec {
  const model = new Model([1, 20]);
  let x = 'input';
  for (const [from, to] of [
    [20, 16],
    [16, 12],
  ]) {
    x = model.node('Add', [model.node('MatMul', [x, model.weights([from, to])]), model.weights([to], 0.2)]);
    x = model.node('Mul', [x, model.node('Sigmoid', [x])]);
  }
  return model.build(model.node('MatMul', [x, model.weights([12, 3])]));
}

/** ShuffleNet: groups, and a shuffle of channels by reshapes and a transposition; split in two halves. */
export function shuffledGroups(): OnnxSpec {
  const model = new Model([1, 4, 10, 10]);
  let x = model.conv('input', [8, 4, 3], 1);
  model.nodes.push({
    operator: 'Split',
    inputs: [x],
    output: 'left',
    outputs: ['right'],
    attributes: { axis: { int: 1 } },
  });
  const right = model.node('Relu', [model.conv('right', [4, 4, 1])]);
  x = model.node('Concat', ['left', right], { axis: { int: 1 } });
  x = model.node('Reshape', [x, model.constant([5], [1, 2, 4, 10, 10])]);
  x = model.node('Transpose', [x], { perm: { ints: [0, 2, 1, 3, 4] } });
  x = model.node('Reshape', [x, model.constant([4], [1, 8, 10, 10])]);
  x = model.node('Relu', [model.conv(x, [8, 8, 3], 2, 2)]);
  x = model.node('Flatten', [model.node('AveragePool', [x], { kernel_shape: { ints: [5, 5] } })]);
  return model.build(model.node('Gemm', [x, model.weights([8, 3])]));
}

/** As tf2onnx writes Keras models: channels-last outside, turned around each part that needs channels first. */
export function turnedKeras(): OnnxSpec {
  const model = new Model([1, 8, 8, 3]);
  let x = model.node('Transpose', ['input'], { perm: { ints: [0, 3, 1, 2] } });
  x = model.node('Relu', [model.conv(x, [6, 3, 3], 1)]);
  x = model.node('Resize', [x, '', model.constant([4], Float32Array.of(1, 1, 2, 2))], {
    mode: { string: 'nearest' },
    coordinate_transformation_mode: { string: 'asymmetric' },
    nearest_mode: { string: 'floor' },
  });
  x = model.conv(x, [4, 6, 3], 2);
  x = model.node('Transpose', [x], { perm: { ints: [0, 2, 3, 1] } });
  x = model.node('Reshape', [x, model.constant([2], [1, -1])]);
  return model.build(model.node('Gemm', [x, model.weights([256, 4])]));
}

export const FAMILIES: Readonly<Record<string, () => OnnxSpec>> = {
  'inverted residuals': invertedResiduals,
  'fire modules': fireModules,
  'sequence net': sequenceNet,
  mlp,
  'shuffled groups': shuffledGroups,
  'turned keras': turnedKeras,
};

/** Steps of the model that quantizedNet writes, for whoever wants to know what must come out. */
export const QDQ_WEIGHT_SCALES = [0.01, 0.02, 0.015, 0.005];

/**
 * A convolution, a pool and a dense layer as quantizers of ONNX write them: weights int8 per channel or uint8, biases int32,
 * every activation through QuantizeLinear and DequantizeLinear, uint8 with any zero point.
 */
export function quantizedNet(): OnnxSpec {
  const model = new Model([1, 2, 6, 6]);
  const random = seededRandom(99);
  const integers = (count: number, low: number, high: number): number[] =>
    Array.from({ length: count }, () => Math.floor(low + random() * (high - low + 1)));
  const activation = (x: string, scale: number, zero: number): string => {
    const parameters = [model.constant([], Float32Array.of(scale)), model.constant([], Uint8Array.of(zero))];
    return model.node('DequantizeLinear', [model.node('QuantizeLinear', [x, ...parameters]), ...parameters]);
  };
  const constant = (
    shape: number[],
    data: Int8Array | Uint8Array | Int32Array,
    scales: number[],
    zero: Int8Array | Uint8Array | Int32Array,
  ): string =>
    model.node(
      'DequantizeLinear',
      [
        model.constant(shape, data),
        model.constant(scales.length === 1 ? [] : [scales.length], Float32Array.from(scales)),
        model.constant(scales.length === 1 ? [] : [scales.length], zero),
      ],
      { axis: { int: 0 } },
    );
  const inputScale = 0.02;
  let x = activation('input', inputScale, 120);
  const weights = constant(
    [4, 2, 3, 3],
    Int8Array.from(integers(72, -127, 127)),
    QDQ_WEIGHT_SCALES,
    new Int8Array(4),
  );
  const bias = constant(
    [4],
    Int32Array.from(integers(4, -3000, 3000)),
    QDQ_WEIGHT_SCALES.map((scale) => Math.fround(scale) * Math.fround(inputScale)),
    new Int32Array(4),
  );
  x = model.node('Conv', [x, weights, bias], { pads: { ints: [1, 1, 1, 1] } });
  x = activation(model.node('Relu', [x]), 0.05, 0);
  x = activation(
    model.node('MaxPool', [x], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } }),
    0.05,
    0,
  );
  x = model.node('Flatten', [x]);
  const dense = constant([3, 36], Uint8Array.from(integers(108, 1, 255)), [0.004], Uint8Array.of(128));
  x = activation(model.node('Gemm', [x, dense], { transB: { int: 1 } }), 0.1, 100);
  return model.build(x);
}
