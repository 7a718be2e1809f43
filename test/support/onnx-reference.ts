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

function compute(node: OnnxNodeSpec, inputs: ReferenceTensor[]): ReferenceTensor {
  const [x, a, b] = inputs;
  switch (node.operator) {
    case 'Conv':
      return convolution(node, x, a, b);
    case 'MaxPool':
    case 'AveragePool':
      return pool(node, x);
    case 'GlobalAveragePool':
      return tensor([1, x.shape[1], 1, 1], ([, c]) => {
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
      return tensor(x.shape, (index) => at(x, index) + at(a, index, true));
    case 'Sub':
      return tensor(x.shape, (index) => at(x, index) - at(a, index, true));
    case 'Mul':
      return tensor(x.shape, (index) => at(x, index) * at(a, index, true));
    case 'Div':
      return tensor(x.shape, (index) => at(x, index) / at(a, index, true));
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

/** Output extents of a window, and for each output position the input positions that it sees. */
function windowShape(node: OnnxNodeSpec, x: ReferenceTensor, filter: number[]): number[] {
  const [strides, dilations, pads] = windowAttributes(node);
  return [0, 1].map((d) => {
    const reach = dilations[d] * (filter[d] - 1) + 1;
    const free = (x.shape[2 + d] + pads[d] + pads[d + 2] - reach) / strides[d];
    return (int(node, 'ceil_mode', 0) === 1 ? Math.ceil(free) : Math.floor(free)) + 1;
  });
}

function windowAttributes(node: OnnxNodeSpec): [number[], number[], number[]] {
  return [ints(node, 'strides', [1, 1]), ints(node, 'dilations', [1, 1]), ints(node, 'pads', [0, 0, 0, 0])];
}

function convolution(
  node: OnnxNodeSpec,
  x: ReferenceTensor,
  weights: ReferenceTensor,
  bias: ReferenceTensor | undefined,
): ReferenceTensor {
  const [strides, dilations, pads] = windowAttributes(node);
  const [outputs, groupChannels, ...filter] = weights.shape;
  const perGroup = outputs / int(node, 'group', 1);
  return tensor([1, outputs, ...windowShape(node, x, filter)], ([, o, row, column]) => {
    const first = Math.floor(o / perGroup) * groupChannels;
    const sum = indices([groupChannels, ...filter]).reduce(
      (total, [c, i, j]) =>
        total +
        at(weights, [o, c, i, j]) *
          at(x, [
            0,
            first + c,
            row * strides[0] - pads[0] + i * dilations[0],
            column * strides[1] - pads[1] + j * dilations[1],
          ]),
      0,
    );
    return sum + (bias?.data[o] ?? 0);
  });
}

function pool(node: OnnxNodeSpec, x: ReferenceTensor): ReferenceTensor {
  const [strides, , pads] = windowAttributes(node);
  const filter = ints(node, 'kernel_shape', []);
  return tensor([1, x.shape[1], ...windowShape(node, x, filter)], ([, c, row, column]) => {
    const seen = indices(filter)
      .map(([i, j]) => [row * strides[0] - pads[0] + i, column * strides[1] - pads[1] + j])
      .filter(([i, j]) => i >= 0 && i < x.shape[2] && j >= 0 && j < x.shape[3])
      .map(([i, j]) => at(x, [0, c, i, j]));
    if (node.operator === 'MaxPool') {
      return Math.max(...seen);
    }
    const count = int(node, 'count_include_pad', 0) === 1 ? size(filter) : seen.length;
    return seen.reduce((total, value) => total + value, 0) / count;
  });
}
