/**
 * ONNX operators by their definitions, element by element and channels first: an oracle for the importer and the float
 * evaluator that shares nothing with them, and takes its time.
 */
import type { OnnxNodeSpec, OnnxSpec } from './onnx-writer.js';

export interface ReferenceTensor {
  shape: number[];
  data: number[];
}

/** Runs the model on one input; gives all values by name. */
export function runOnnxReference(spec: OnnxSpec, input: ReferenceTensor): Map<string, ReferenceTensor> {
  const values = new Map<string, ReferenceTensor>();
  Object.entries(spec.initializers).forEach(([name, { shape, data }]) =>
    values.set(name, { shape, data: Array.from(data) }),
  );
  values.set(Object.keys(spec.inputs)[0], input);
  for (const node of spec.nodes) {
    const inputs = node.inputs.map((name) => values.get(name)).filter((value) => value !== undefined);
    values.set(node.output, compute(node, inputs));
  }
  return values;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** All indices of a shape, in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: size(shape) }, (_, i) => {
    const index = new Array<number>(shape.length);
    let rest = i;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
    }
    return index;
  });
}

/** The element at an index; 0 outside. Dimensions of extent 1 are broadcast when `broadcast` is set. */
function at({ shape, data }: ReferenceTensor, index: readonly number[], broadcast = false): number {
  const own = broadcast ? index.slice(index.length - shape.length) : index;
  let position = 0;
  for (const [d, extent] of shape.entries()) {
    const i = broadcast && extent === 1 ? 0 : own[d];
    if (i < 0 || i >= extent) {
      return 0;
    }
    position = position * extent + i;
  }
  return data[position];
}

function tensor(shape: number[], value: (index: number[]) => number): ReferenceTensor {
  return { shape, data: indices(shape).map(value) };
}

function ints(node: OnnxNodeSpec, name: string, absent: number[]): number[] {
  const attribute = node.attributes?.[name];
  return attribute !== undefined && 'ints' in attribute ? attribute.ints : absent;
}

function int(node: OnnxNodeSpec, name: string, absent: number): number {
  const attribute = node.attributes?.[name];
  return attribute !== undefined && 'int' in attribute ? attribute.int : absent;
}

function float(node: OnnxNodeSpec, name: string, absent: number): number {
  const attribute = node.attributes?.[name];
  return attribute !== undefined && 'float' in attribute ? attribute.float : absent;
}

function each({ shape, data }: ReferenceTensor, value: (x: number) => number): ReferenceTensor {
  return { shape, data: data.map(value) };
}

/** The shape that two tensors broadcast to. */
function joined(a: ReferenceTensor, b: ReferenceTensor): number[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const extent = ({ shape }: ReferenceTensor, d: number): number => shape[d - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, d) => Math.max(extent(a, d), extent(b, d)));
}

function compute(node: OnnxNodeSpec, inputs: ReferenceTensor[]): ReferenceTensor {
  const [x, a, b] = inputs;
  switch (node.operator) {
    case 'Conv':
      return convolution(node, x, a, b);
    case 'MaxPool':
    case 'AveragePool':
      return pool(node, x);
    case 'GlobalAveragePool':
      return tensor([1, x.shape[1], ...x.shape.slice(2).map(() => 1)], ([, c]) => {
        const values = indices(x.shape).filter((index) => index[1] === c);
        return values.reduce((total, index) => total + at(x, index), 0) / values.length;
      });
    case 'Gemm': {
      const transposed = int(node, 'transB', 0) === 1;
      const outputs = transposed ? a.shape[0] : a.shape[1];
      return tensor([x.shape[0], outputs], ([row, o]) => {
        let sum = 0;
        for (let i = 0; i < x.shape[1]; i++) {
          sum += at(x, [row, i]) * at(a, transposed ? [o, i] : [i, o]);
        }
        return (
          float(node, 'alpha', 1) * sum +
          (b === undefined ? 0 : float(node, 'beta', 1) * at(b, [row, o], true))
        );
      });
    }
    case 'MatMul':
      return tensor([...x.shape.slice(0, -1), a.shape[1]], (index) => {
        let sum = 0;
        for (let i = 0; i < a.shape[0]; i++) {
          sum += at(x, [...index.slice(0, -1), i]) * at(a, [i, index[index.length - 1]]);
        }
        return sum;
      });
    case 'Add':
      return tensor(joined(x, a), (index) => at(x, index, true) + at(a, index, true));
    case 'Sub':
      return tensor(joined(x, a), (index) => at(x, index, true) - at(a, index, true));
    case 'Mul':
      return tensor(joined(x, a), (index) => at(x, index, true) * at(a, index, true));
    case 'Div':
      return tensor(joined(x, a), (index) => at(x, index, true) / at(a, index, true));
    case 'Sigmoid':
      return each(x, (value) => 1 / (1 + Math.exp(-value)));
    case 'Tanh':
      return each(x, (value) => Math.tanh(value));
    case 'HardSwish':
      return each(x, (value) => value * Math.max(0, Math.min(1, value / 6 + 0.5)));
    case 'HardSigmoid':
      return each(x, (value) =>
        Math.max(0, Math.min(1, float(node, 'alpha', 0.2) * value + float(node, 'beta', 0.5))),
      );
    case 'LeakyRelu':
      return each(x, (value) => (value < 0 ? float(node, 'alpha', 0.01) * value : value));
    case 'Elu':
      return each(x, (value) => (value < 0 ? float(node, 'alpha', 1) * (Math.exp(value) - 1) : value));
    case 'PRelu':
      return tensor(x.shape, (index) => {
        const value = at(x, index);
        return value < 0 ? value * at(a, index, true) : value;
      });
    case 'Transpose': {
      const permutation = ints(node, 'perm', []);
      return tensor(
        permutation.map((d) => x.shape[d]),
        (index) => {
          const from: number[] = [];
          permutation.forEach((d, i) => (from[d] = index[i]));
          return at(x, from);
        },
      );
    }
    case 'Concat': {
      const axis = int(node, 'axis', 1);
      const extent = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
      return tensor(x.shape.with(axis, extent), (index) => {
        let along = index[axis];
        let part = 0;
        while (along >= inputs[part].shape[axis]) {
          along -= inputs[part++].shape[axis];
        }
        return at(inputs[part], index.with(axis, along));
      });
    }
    case 'Slice': {
      const [starts, ends, axes, steps] = inputs.slice(1).map(({ data }) => data);
      const cut = (d: number): [number, number, number] => {
        const i = axes.indexOf(d);
        return i === -1 ? [0, x.shape[d], 1] : [starts[i], Math.min(ends[i], x.shape[d]), steps[i]];
      };
      const shape = x.shape.map((_, d) => {
        const [begin, end, step] = cut(d);
        return Math.ceil((end - begin) / step);
      });
      return tensor(shape, (index) =>
        at(
          x,
          index.map((i, d) => cut(d)[0] + i * cut(d)[2]),
        ),
      );
    }
    case 'Resize': {
      // Nearest, asymmetric, floor.
      const scales = a.data;
      return tensor(
        x.shape.map((extent, d) => Math.floor(extent * scales[d])),
        (index) =>
          at(
            x,
            index.map((i, d) => Math.floor(i / scales[d])),
          ),
      );
    }
    case 'DepthToSpace': {
      const block = int(node, 'blocksize', 1);
      const [n, c, h, w] = x.shape;
      const depth = c / block ** 2;
      return tensor([n, depth, h * block, w * block], ([, channel, y, xx]) =>
        at(x, [
          0,
          ((y % block) * block + (xx % block)) * depth + channel,
          Math.floor(y / block),
          Math.floor(xx / block),
        ]),
      );
    }
    case 'Squeeze':
      return { shape: x.shape.filter((_, d) => !ints(node, 'axes', []).includes(d)), data: x.data };
    case 'Relu':
      return { shape: x.shape, data: x.data.map((value) => Math.max(0, value)) };
    case 'Clip':
      return { shape: x.shape, data: x.data.map((value) => Math.min(b.data[0], Math.max(a.data[0], value))) };
    case 'Identity':
    case 'Dropout':
      return x;
    case 'BatchNormalization': {
      const [, scale, offset, mean, variance] = inputs;
      return tensor(x.shape, (index) => {
        const c = index[1];
        const normal =
          (at(x, index) - mean.data[c]) / Math.sqrt(variance.data[c] + float(node, 'epsilon', 1e-5));
        return normal * scale.data[c] + offset.data[c];
      });
    }
    case 'Pad': {
      const rank = x.shape.length;
      const pads = a.data;
      const shape = x.shape.map((extent, d) => extent + pads[d] + pads[d + rank]);
      return tensor(shape, (index) => {
        const from = index.map((i, d) => i - pads[d]);
        const inside = from.every((i, d) => i >= 0 && i < x.shape[d]);
        return inside ? at(x, from) : (b?.data[0] ?? 0);
      });
    }
    case 'ReduceMean': {
      const axes = ints(node, 'axes', []);
      const kept = tensor(
        x.shape.map((extent, d) => (axes.includes(d) ? 1 : extent)),
        (index) => {
          const values = indices(x.shape).filter((i) =>
            i.every((v, d) => axes.includes(d) || v === index[d]),
          );
          return values.reduce((total, i) => total + at(x, i), 0) / values.length;
        },
      );
      return int(node, 'keepdims', 1) === 1
        ? kept
        : { shape: kept.shape.filter((_, d) => !axes.includes(d)), data: kept.data };
    }
    case 'Flatten': {
      const axis = int(node, 'axis', 1);
      return { shape: [size(x.shape.slice(0, axis)), size(x.shape.slice(axis))], data: x.data };
    }
    case 'Reshape': {
      const shape = a.data.map((extent, d) => (extent === 0 ? x.shape[d] : extent));
      const known = size(shape.filter((extent) => extent !== -1));
      return { shape: shape.map((extent) => (extent === -1 ? x.data.length / known : extent)), data: x.data };
    }
    case 'Softmax': {
      const axis = (int(node, 'axis', -1) + x.shape.length) % x.shape.length;
      return tensor(x.shape, (index) => {
        let sum = 0;
        for (let i = 0; i < x.shape[axis]; i++) {
          sum += Math.exp(at(x, index.with(axis, i)) - at(x, index));
        }
        return 1 / sum;
      });
    }
    default:
      throw new Error(`the reference has no ${node.operator}`);
  }
}

/** Output extents of a window of any number of dimensions. */
function windowShape(node: OnnxNodeSpec, x: ReferenceTensor, filter: number[]): number[] {
  const [strides, dilations, pads] = windowAttributes(node, filter.length);
  return filter.map((extent, d) => {
    const reach = dilations[d] * (extent - 1) + 1;
    const free = (x.shape[2 + d] + pads[d] + pads[d + filter.length] - reach) / strides[d];
    return (int(node, 'ceil_mode', 0) === 1 ? Math.ceil(free) : Math.floor(free)) + 1;
  });
}

function windowAttributes(node: OnnxNodeSpec, rank: number): [number[], number[], number[]] {
  const ones = new Array<number>(rank).fill(1);
  return [
    ints(node, 'strides', ones),
    ints(node, 'dilations', ones),
    ints(node, 'pads', new Array<number>(2 * rank).fill(0)),
  ];
}

function convolution(
  node: OnnxNodeSpec,
  x: ReferenceTensor,
  weights: ReferenceTensor,
  bias: ReferenceTensor | undefined,
): ReferenceTensor {
  const [outputs, groupChannels, ...filter] = weights.shape;
  const [strides, dilations, pads] = windowAttributes(node, filter.length);
  const perGroup = outputs / int(node, 'group', 1);
  return tensor([1, outputs, ...windowShape(node, x, filter)], ([, o, ...position]) => {
    const first = Math.floor(o / perGroup) * groupChannels;
    const sum = indices([groupChannels, ...filter]).reduce(
      (total, [c, ...tap]) =>
        total +
        at(weights, [o, c, ...tap]) *
          at(x, [0, first + c, ...tap.map((k, d) => position[d] * strides[d] - pads[d] + k * dilations[d])]),
      0,
    );
    return sum + (bias?.data[o] ?? 0);
  });
}

function pool(node: OnnxNodeSpec, x: ReferenceTensor): ReferenceTensor {
  const filter = ints(node, 'kernel_shape', []);
  const [strides, , pads] = windowAttributes(node, filter.length);
  return tensor([1, x.shape[1], ...windowShape(node, x, filter)], ([, c, ...position]) => {
    const seen = indices(filter)
      .map((tap) => tap.map((k, d) => position[d] * strides[d] - pads[d] + k))
      .filter((index) => index.every((i, d) => i >= 0 && i < x.shape[2 + d]))
      .map((index) => at(x, [0, c, ...index]));
    if (node.operator === 'MaxPool') {
      return Math.max(...seen);
    }
    const count = int(node, 'count_include_pad', 0) === 1 ? size(filter) : seen.length;
    return seen.reduce((total, value) => total + value, 0) / count;
  });
}
