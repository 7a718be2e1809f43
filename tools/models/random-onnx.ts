import type { OnnxAttributeSpec, OnnxNodeSpec, OnnxSpec, OnnxTensorSpec } from './onnx-writer.js';
import { seededRandom } from './random.js';

/** A small image network with random operators, extents and weights, that ends in a classifier or in an image. */
export function randomOnnx(seed: number): OnnxSpec {
  const random = seededRandom(seed);
  const integer = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const one = <T>(...choices: T[]): T => choices[integer(0, choices.length - 1)];
  const initializers: Record<string, OnnxTensorSpec> = {};
  const nodes: OnnxNodeSpec[] = [];
  const weights = (shape: number[], spread = 1, offset = 0): string => {
    const name = `w${Object.keys(initializers).length}`;
    const length = shape.reduce((product, extent) => product * extent, 1);
    initializers[name] = {
      shape,
      data: Float32Array.from({ length }, () => offset + spread * (2 * random() - 1)),
    };
    return name;
  };
  const integers = (data: number[]): string => {
    const name = `i${Object.keys(initializers).length}`;
    initializers[name] = { shape: [data.length], data };
    return name;
  };
  let shape = [1, integer(1, 4), integer(4, 9), integer(4, 9)];
  const inputShape = shape;
  let last = 'input';
  const node = (
    operator: string,
    parameters: string[],
    attributes: Record<string, OnnxAttributeSpec> = {},
  ): void => {
    const output = `v${nodes.length}`;
    nodes.push({ operator, inputs: [last, ...parameters], output, attributes });
    last = output;
  };
  const padded = (filter: number[], strides: number[], dilations: number[], pads: number[]): number[] =>
    [0, 1].map((d) =>
      Math.floor(
        (shape[2 + d] + pads[d] + pads[d + 2] - dilations[d] * (filter[d] - 1) - 1) / strides[d] + 1,
      ),
    );
  const steps: (() => void)[] = [
    () => {
      const depthwise = random() < 0.4 && shape[1] > 1;
      const outputs = depthwise ? shape[1] * integer(1, 2) : integer(1, 6);
      const filter = [integer(1, 3), integer(1, 3)];
      const [strides, dilations] = [
        [integer(1, 2), integer(1, 2)],
        [integer(1, 2), 1],
      ];
      const pads = [0, 1, 2, 3].map((_, i) => integer(0, filter[i % 2] - 1));
      const extents = padded(filter, strides, dilations, pads);
      if (extents.some((extent) => extent < 1)) {
        return;
      }
      const channels = depthwise ? 1 : shape[1];
      const spread = 1 / Math.sqrt(channels * filter[0] * filter[1]);
      const parameters = [weights([outputs, channels, ...filter], 2 * spread)];
      if (random() < 0.7) {
        parameters.push(weights([outputs], 0.5));
      }
      node('Conv', parameters, {
        group: { int: depthwise ? shape[1] : 1 },
        strides: { ints: strides },
        dilations: { ints: dilations },
        pads: { ints: pads },
      });
      shape = [1, outputs, ...extents];
    },
    () => {
      const filter = [integer(1, 3), integer(1, 3)];
      const strides = [integer(1, 2), integer(1, 2)];
      const pads = [0, 1, 2, 3].map((_, i) => integer(0, filter[i % 2] - 1));
      const extents = padded(filter, strides, [1, 1], pads);
      if (extents.some((extent) => extent < 1)) {
        return;
      }
      node(one('MaxPool', 'AveragePool'), [], {
        kernel_shape: { ints: filter },
        strides: { ints: strides },
        pads: { ints: pads },
        count_include_pad: { int: integer(0, 1) },
      });
      shape = [1, shape[1], ...extents];
    },
    () => node('Relu', []),
    () => node('Clip', [weights([], 0.5, -0.5), weights([], 0.5, 1)]),
    () => {
      const c = [shape[1]];
      node(
        'BatchNormalization',
        [weights(c, 1, 1), weights(c), weights(c), weights(c, 0.4, 1)],
        random() < 0.5 ? { epsilon: { float: 0.01 } } : {},
      );
    },
    () =>
      node(one('Add', 'Mul', 'Sub', 'Div'), [
        weights(one([shape[1], 1, 1], [1, shape[1], 1, 1], [1]), 0.5, 1),
      ]),
    () => {
      const before = last;
      node('Relu', []);
      node('Add', [before]);
    },
    () => {
      const pads = [0, 0, integer(0, 1), integer(0, 2), 0, 0, integer(0, 1), integer(0, 1)];
      node('Pad', [integers(pads), ...(random() < 0.3 ? [weights([])] : [])]);
      shape = shape.map((extent, d) => extent + pads[d] + pads[d + 4]);
    },
    () => node(one('Identity', 'Dropout'), []),
    () =>
      node(one('Sigmoid', 'Tanh', 'HardSwish', 'HardSigmoid', 'LeakyRelu', 'Elu'), [], {
        alpha: { float: 0.3 },
      }),
    () => node('PRelu', [weights([shape[1], 1, 1], 0.3)]),
    () => {
      // A fire module: two branches, joined.
      const before = last;
      const widths = [integer(1, 4), integer(1, 4)];
      const ends = widths.map((width, i) => {
        last = before;
        const filter = i === 0 ? 1 : 3;
        node('Conv', [weights([width, shape[1], filter, filter], 0.5)], {
          pads: { ints: new Array<number>(4).fill(i) },
        });
        node('Relu', []);
        return last;
      });
      last = ends[0];
      node('Concat', [ends[1]], { axis: { int: 1 } });
      shape = shape.with(1, widths[0] + widths[1]);
    },
    () => {
      // Squeeze and excite.
      const before = last;
      const squeezed = integer(1, 3);
      node('GlobalAveragePool', []);
      node('Conv', [weights([squeezed, shape[1], 1, 1])]);
      node('Relu', []);
      node('Conv', [weights([shape[1], squeezed, 1, 1])]);
      node(one('Sigmoid', 'HardSigmoid'), []);
      node('Mul', [before]);
    },
    () => {
      // Channel shuffle: pure reshaping.
      if (shape[1] % 2 === 0) {
        const [, c, h, w] = shape;
        node('Reshape', [integers([1, 2, c / 2, h, w])]);
        node('Transpose', [], { perm: { ints: [0, 2, 1, 3, 4] } });
        node('Reshape', [integers([1, c, h, w])]);
      }
    },
    () => {
      if (shape[1] > 1) {
        const cut = integer(1, shape[1] - 1);
        node('Slice', [
          integers([cut, 0]),
          integers([1000, 1000]),
          integers([1, 3]),
          integers([1, integer(1, 2)]),
        ]);
        const step = initializers[nodes[nodes.length - 1].inputs[4]].data[1];
        shape = [1, shape[1] - cut, shape[2], Math.ceil(shape[3] / step)];
      }
    },
    () => {
      if (shape[2] * shape[3] < 60) {
        node('Resize', ['', weights([4], 0)], {
          mode: { string: 'nearest' },
          coordinate_transformation_mode: { string: 'asymmetric' },
          nearest_mode: { string: 'floor' },
        });
        const scales = [1, 1, integer(1, 2), integer(1, 3)];
        initializers[nodes[nodes.length - 1].inputs[2]].data = Float32Array.from(scales);
        shape = shape.map((extent, d) => extent * scales[d]);
      }
    },
    () => {
      if (shape[1] % 4 === 0) {
        node('DepthToSpace', [], { blocksize: { int: 2 } });
        shape = [1, shape[1] / 4, shape[2] * 2, shape[3] * 2];
      }
    },
    () => {
      node('Transpose', [], { perm: { ints: [0, 1, 3, 2] } });
      shape = [1, shape[1], shape[3], shape[2]];
    },
    () => {
      // Groups.
      if (shape[1] % 2 === 0 && shape[1] > 2) {
        const outputs = 2 * integer(1, 3);
        node('Conv', [weights([outputs, shape[1] / 2, 1, 1]), weights([outputs])], { group: { int: 2 } });
        shape = shape.with(1, outputs);
      }
    },
  ];
  for (let i = integer(1, 7); i > 0; i--) {
    one(...steps)();
  }
  const flatten: (() => number)[] = [
    () => {
      node('Flatten', []);
      return shape[1] * shape[2] * shape[3];
    },
    () => {
      node('Reshape', [integers([one(0, 1), -1])]);
      return shape[1] * shape[2] * shape[3];
    },
    () => {
      node('GlobalAveragePool', []);
      node('Flatten', []);
      return shape[1];
    },
    () => {
      node('ReduceMean', [], { axes: { ints: [2, 3] }, keepdims: { int: 0 } });
      return shape[1];
    },
  ];
  if (random() < 0.85) {
    let values = one(...flatten)();
    if (random() < 0.3) {
      node('Relu', []);
    }
    if (random() < 0.3) {
      const c = [values];
      node('BatchNormalization', [weights(c, 1, 1), weights(c), weights(c), weights(c, 0.4, 1)]);
    }
    for (let i = integer(1, 2); i > 0; i--) {
      const outputs = integer(2, 8);
      const spread = 2 / Math.sqrt(values);
      if (random() < 0.5) {
        const transposed = integer(0, 1);
        node(
          'Gemm',
          [weights(transposed === 1 ? [outputs, values] : [values, outputs], spread), weights([outputs])],
          {
            transB: { int: transposed },
            alpha: { float: 0.5 },
          },
        );
      } else {
        node('MatMul', [weights([values, outputs], spread)]);
        node('Add', [weights([outputs])]);
      }
      values = outputs;
    }
    if (random() < 0.5) {
      node('Softmax', [], { axis: { int: one(1, -1) } });
    }
  } else if (random() < 0.5) {
    node('Softmax', [], { axis: { int: 1 } });
  }
  return {
    opset: 17,
    nodes,
    initializers,
    inputs: { input: ['batch', ...inputShape.slice(1)] },
    outputs: [last],
  };
}

/** A small network over a sequence [1, channels, length], as PyTorch exports them. */
export function randomSequenceOnnx(seed: number): OnnxSpec {
  const random = seededRandom(seed);
  const integer = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const initializers: Record<string, OnnxTensorSpec> = {};
  const nodes: OnnxNodeSpec[] = [];
  const weights = (shape: number[], spread = 1, offset = 0): string => {
    const name = `w${Object.keys(initializers).length}`;
    const length = shape.reduce((product, extent) => product * extent, 1);
    initializers[name] = {
      shape,
      data: Float32Array.from({ length }, () => offset + spread * (2 * random() - 1)),
    };
    return name;
  };
  let last = 'input';
  const node = (
    operator: string,
    parameters: string[],
    attributes: Record<string, OnnxAttributeSpec> = {},
  ): void => {
    const output = `v${nodes.length}`;
    nodes.push({ operator, inputs: [last, ...parameters], output, attributes });
    last = output;
  };
  let [channels, length] = [integer(1, 4), integer(12, 40)];
  const inputShape = [1, channels, length];
  for (let i = integer(1, 4); i > 0; i--) {
    const depthwise = channels > 1 && random() < 0.3;
    const outputs = depthwise ? channels : integer(1, 6);
    const filter = integer(1, Math.min(4, length));
    const stride = integer(1, 2);
    const pads = [integer(0, filter - 1), integer(0, filter - 1)];
    node('Conv', [weights([outputs, depthwise ? 1 : channels, filter], 0.6), weights([outputs], 0.3)], {
      group: { int: depthwise ? channels : 1 },
      kernel_shape: { ints: [filter] },
      strides: { ints: [stride] },
      pads: { ints: pads },
    });
    length = Math.floor((length + pads[0] + pads[1] - filter) / stride) + 1;
    channels = outputs;
    const before = last;
    if (random() < 0.5) {
      const c = [channels];
      node('BatchNormalization', [weights(c, 0.5, 1), weights(c), weights(c), weights(c, 0.4, 1)]);
    }
    node(['Relu', 'Tanh', 'LeakyRelu'][integer(0, 2)], []);
    if (random() < 0.3) {
      node('Add', [before]);
    }
    if (length > 6 && random() < 0.5) {
      node(random() < 0.5 ? 'MaxPool' : 'AveragePool', [], {
        kernel_shape: { ints: [2] },
        strides: { ints: [2] },
      });
      length = Math.floor((length - 2) / 2) + 1;
    }
  }
  if (random() < 0.5) {
    node('GlobalAveragePool', []);
    length = 1;
  }
  node('Flatten', []);
  node('Gemm', [weights([3, channels * length], 2 / Math.sqrt(channels * length)), weights([3])], {
    transB: { int: 1 },
  });
  return { opset: 13, nodes, initializers, inputs: { input: inputShape }, outputs: [last] };
}
