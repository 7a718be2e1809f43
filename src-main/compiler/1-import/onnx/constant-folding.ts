/**
 * Operators on constants: what exporters use to compute shapes (`x.view(x.size(0), -1)` becomes Shape, Gather, Unsqueeze,
 * Concat and Reshape) and to prepare weights. They are computed here.
 */
import { elementCount } from '../../graph.js';
import { broadcastShape } from '../../shapes.js';
import { INT64, INT8, UINT8, type OnnxConstant } from './model.js';
import { normalizedAxis, type NodeImport, type OnnxOperatorImporter } from './node.js';
import { permutationOf, slicesOf } from './operators/arrange.js';
import { importDequantize } from './operators/quantization.js';
import { squeezedShape, unsqueezedShape, wantedShape } from './operators/shape.js';
import { onnxIndices, permuted, type OnnxValue } from './values.js';

const FLOAT = 1;
/** Nothing that is computed here may have more elements than this. */
const MAXIMUM_VALUES = 2 ** 24;

function constant(
  shape: readonly number[],
  kind: OnnxConstant['kind'],
  values: ArrayLike<number>,
): OnnxValue {
  const data = kind === 'float' ? Float32Array.from(values) : Float64Array.from(values);
  const elementType = kind === 'float' ? FLOAT : INT64;
  return { kind: 'constant', constant: { name: '', shape: [...shape], kind, data, elementType } };
}

/** The same values in another shape. */
function viewed(node: NodeImport, from: OnnxConstant, shape: number[]): OnnxValue {
  if (elementCount(shape) !== from.data.length || shape.some((extent) => !Number.isInteger(extent))) {
    throw node.damaged(`reshapes [${from.shape.join(', ')}] to [${shape.slice(0, 9).join(', ')}]`);
  }
  // Steps along an axis have no place in another shape.
  const quantization = from.quantization?.axis === null ? from.quantization : undefined;
  return { kind: 'constant', constant: { ...from, shape, quantization } };
}

/** Constant, with one of its attributes. */
export function foldConstant(node: NodeImport): OnnxValue {
  const tensor = node.attribute('value')?.tensor ?? null;
  if (tensor !== null) {
    return { kind: 'constant', constant: tensor };
  }
  const [float, floats] = [node.attribute('value_float'), node.attribute('value_floats')];
  const [integer, integers] = [node.attribute('value_int'), node.attribute('value_ints')];
  if (float?.float !== null && float !== null) {
    return constant([], 'float', [float.float]);
  }
  if (integer?.integer !== null && integer !== null) {
    return constant([], 'integer', [integer.integer]);
  }
  if (floats !== null) {
    return constant([floats.floats.length], 'float', floats.floats);
  }
  if (integers !== null) {
    return constant([integers.integers.length], 'integer', integers.integers);
  }
  throw node.unsupported('holds no number', 'Only constants of numbers are supported');
}

/** ConstantOfShape: one value, by default 0. */
function foldConstantOfShape(node: NodeImport): OnnxValue {
  const shape = Array.from(node.constant(0).data);
  const value = node.attribute('value')?.tensor ?? null;
  const count = checkedCount(node, shape);
  return constant(
    shape,
    value?.kind ?? 'float',
    new Float64Array(count).fill(value === null ? 0 : value.data[0]),
  );
}

function checkedCount(node: NodeImport, shape: readonly number[]): number {
  const count = elementCount(shape);
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0) || !(count <= MAXIMUM_VALUES)) {
    throw node.unsupported(`makes a constant [${shape.slice(0, 9).join(', ')}]`, 'Use smaller constants');
  }
  node.spend(count);
  return count;
}

function foldShape(node: NodeImport): OnnxValue {
  const value = node.value(0);
  const shape = value.kind === 'constant' ? value.constant.shape : value.shape;
  const part = shape.slice(node.integer('start', 0), node.integer('end', shape.length));
  return constant([part.length], 'integer', part);
}

function foldGather(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  const indices = node.constant(1);
  const axis = normalizedAxis(node, node.integer('axis', 0), from.shape.length);
  const extent = from.shape[axis];
  const inner = elementCount(from.shape.slice(axis + 1));
  const outer = elementCount(from.shape.slice(0, axis));
  const shape = [...from.shape.slice(0, axis), ...indices.shape, ...from.shape.slice(axis + 1)];
  const values = new Float64Array(checkedCount(node, shape));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices.data) {
      const at = (o * extent + normalizedAxis(node, index, extent)) * inner;
      for (let i = 0; i < inner; i++) {
        values[to++] = from.data[at + i];
      }
    }
  }
  return constant(shape, from.kind, values);
}

function foldConcat(node: NodeImport): OnnxValue {
  const parts = Array.from({ length: node.inputCount }, (_, i) => node.constant(i));
  const rank = parts[0]?.shape.length ?? 0;
  const axis = normalizedAxis(node, node.integer('axis', 0), rank);
  const [first] = parts;
  const alike = parts.every(
    ({ shape }) =>
      shape.length === rank && shape.every((extent, d) => d === axis || extent === first.shape[d]),
  );
  if (!alike) {
    throw node.damaged('joins constants of different shapes');
  }
  const shape = first.shape.map((extent, d) =>
    d === axis ? parts.reduce((sum, part) => sum + part.shape[axis], 0) : extent,
  );
  const values = new Float64Array(checkedCount(node, shape));
  const outer = elementCount(shape.slice(0, axis));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const { data } of parts) {
      const run = data.length / outer;
      values.set(data.subarray(o * run, (o + 1) * run), to);
      to += run;
    }
  }
  return constant(shape, parts.every((part) => part.kind === 'integer') ? 'integer' : 'float', values);
}

function foldSlice(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  const cuts = slicesOf(node, from.shape);
  const shape = cuts.map(({ size }) => size);
  const values = new Float64Array(checkedCount(node, shape));
  const strides = from.shape.map((_, d) => elementCount(from.shape.slice(d + 1)));
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let at = 0;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += (cuts[d].begin + (rest % shape[d]) * cuts[d].stride) * strides[d];
      rest = Math.floor(rest / shape[d]);
    }
    values[i] = from.data[at];
  }
  return constant(shape, from.kind, values);
}

function foldTranspose(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  const order = permutationOf(node, from.shape.length);
  node.spend(from.data.length);
  const axis = from.quantization?.axis ?? null;
  return {
    kind: 'constant',
    constant: {
      ...from,
      shape: order.map((d) => from.shape[d]),
      data: permuted(from.data, from.shape, order),
      quantization: from.quantization && {
        ...from.quantization,
        axis: axis === null ? null : order.indexOf(axis),
      },
    },
  };
}

function foldReshape(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  const wanted = Array.from(node.constant(1).data);
  return viewed(node, from, wantedShape(from.shape, wanted, node.integer('allowzero', 0) === 0));
}

function foldFlatten(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  const axis = node.integer('axis', 1);
  const cut = axis < 0 ? axis + from.shape.length : axis;
  return viewed(node, from, [elementCount(from.shape.slice(0, cut)), elementCount(from.shape.slice(cut))]);
}

function foldSqueeze(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  return viewed(node, from, squeezedShape(node, from.shape));
}

function foldUnsqueeze(node: NodeImport): OnnxValue {
  const from = node.constant(0);
  return viewed(node, from, unsqueezedShape(node, from.shape));
}

function foldCast(node: NodeImport): OnnxValue {
  const { data, shape } = node.constant(0);
  // DataType FLOAT, FLOAT16, DOUBLE and BFLOAT16; everything else is an integer.
  const float = [1, 10, 11, 16].includes(node.integer('to', 1));
  node.spend(data.length);
  return constant(shape, float ? 'float' : 'integer', float ? data : data.map(Math.trunc));
}

const ARITHMETIC: Readonly<Record<string, (x: number, y: number) => number>> = {
  Add: (x, y) => x + y,
  Sub: (x, y) => x - y,
  Mul: (x, y) => x * y,
  Div: (x, y) => x / y,
  Pow: (x, y) => x ** y,
};

function foldArithmetic(node: NodeImport): OnnxValue {
  const [a, b] = [node.constant(0), node.constant(1)];
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === null) {
    throw node.damaged(`combines constants [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
  }
  const length = checkedCount(node, shape);
  const [p, q] = [a, b].map((operand) => broadcastIndices(operand.shape, shape));
  const integer = a.kind === 'integer' && b.kind === 'integer';
  const compute = ARITHMETIC[node.operator];
  const values = Float64Array.from({ length }, (_, i) => {
    const result = compute(a.data[p[i]], b.data[q[i]]);
    return integer ? Math.trunc(result) : result;
  });
  return constant(shape, integer ? 'integer' : 'float', values);
}

function broadcastIndices(shape: readonly number[], to: readonly number[]): Uint32Array {
  const missing = to.length - shape.length;
  const all = onnxIndices({ extents: to, stored: to.map((_, d) => d) }, elementCount(to));
  return all.map((index) => {
    let rest = index;
    let at = 0;
    let stride = 1;
    for (let d = to.length - 1; d >= missing; d--) {
      const extent = shape[d - missing];
      at += (extent === 1 ? 0 : rest % to[d]) * stride;
      stride *= extent;
      rest = Math.floor(rest / to[d]);
    }
    return at;
  });
}

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  Ceil: Math.ceil,
  Exp: Math.exp,
  Floor: Math.floor,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Sqrt: Math.sqrt,
};

function foldFunction(node: NodeImport): OnnxValue {
  const { shape, kind, data } = node.constant(0);
  node.spend(data.length);
  return constant(shape, kind, Float64Array.from(data, FUNCTIONS[node.operator]));
}

/** QuantizeLinear of weights that are there as real numbers: rounded half to even. */
function foldQuantize(node: NodeImport): OnnxValue {
  const { shape, data } = node.constant(0);
  const [scale, zero] = [node.constant(1), node.optionalConstant(2)];
  const type = zero?.elementType ?? UINT8;
  if (type !== INT8 && type !== UINT8) {
    throw node.unsupported(`quantizes to the element type number ${type}`, 'Quantize to int8 or uint8');
  }
  const count = scale.data.length;
  const axis = count === 1 ? 0 : normalizedAxis(node, node.integer('axis', 1), shape.length);
  const inner = count === 1 ? data.length : elementCount(shape.slice(axis + 1));
  const [low, high] = type === UINT8 ? [0, 255] : [-128, 127];
  node.spend(data.length);
  const values = Float64Array.from(data, (value, i) => {
    const entry = Math.floor(i / inner) % count;
    const stored = halfToEven(value / scale.data[entry]) + (zero?.data[entry] ?? 0);
    return Math.min(high, Math.max(low, stored));
  });
  return {
    kind: 'constant',
    constant: { name: '', shape, kind: 'integer', elementType: type, data: values },
  };
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/** By operator; used when all inputs of a node are constants, and always for Constant and Shape. */
export const FOLDED_OPERATORS: ReadonlyMap<string, OnnxOperatorImporter> = new Map<
  string,
  OnnxOperatorImporter
>([
  ...Object.keys(ARITHMETIC).map((name): [string, OnnxOperatorImporter] => [name, foldArithmetic]),
  ...Object.keys(FUNCTIONS).map((name): [string, OnnxOperatorImporter] => [name, foldFunction]),
  ['Cast', foldCast],
  ['Concat', foldConcat],
  ['Constant', foldConstant],
  ['ConstantOfShape', foldConstantOfShape],
  ['DequantizeLinear', importDequantize],
  ['Flatten', foldFlatten],
  ['Gather', foldGather],
  ['QuantizeLinear', foldQuantize],
  ['Reshape', foldReshape],
  ['Shape', foldShape],
  ['Slice', foldSlice],
  ['Squeeze', foldSqueeze],
  ['Transpose', foldTranspose],
  ['Unsqueeze', foldUnsqueeze],
]);
