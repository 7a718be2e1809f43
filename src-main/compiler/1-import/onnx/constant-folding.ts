/**
 * Operators that exporters use to compute shapes (`x.view(x.size(0), -1)` becomes Shape, Gather, Unsqueeze, Concat and
 * Reshape). They are computed here, on constants; on activations they are not supported.
 */
import { elementCount } from '../../graph.js';
import type { OnnxConstant } from './model.js';
import { normalizedAxis, type NodeImport, type OnnxOperatorImporter } from './node.js';
import type { OnnxValue } from './values.js';

/** More values than this are no shape; whatever computes them is not folded. */
const MAXIMUM_VALUES = 1024;

function constant(shape: number[], kind: OnnxConstant['kind'], values: readonly number[]): OnnxValue {
  const data = kind === 'float' ? Float32Array.from(values) : Float64Array.from(values);
  return { kind: 'constant', constant: { name: '', shape, kind, data } };
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

function foldShape(node: NodeImport): OnnxValue {
  const value = node.value(0);
  const shape = value.kind === 'constant' ? value.constant.shape : value.shape;
  const end = node.integer('end', shape.length);
  const part = shape.slice(node.integer('start', 0), end);
  return constant([part.length], 'integer', part);
}

function foldGather(node: NodeImport): OnnxValue {
  const from = small(node, 0);
  const indices = small(node, 1);
  if (from.shape.length !== 1) {
    throw node.unsupported(`gathers from [${from.shape.join(', ')}]`, 'Only lists of numbers are supported');
  }
  const values = Array.from(
    indices.data,
    (index) => from.data[normalizedAxis(node, index, from.data.length)],
  );
  return constant(indices.shape, from.kind, values);
}

function foldConcat(node: NodeImport): OnnxValue {
  const parts = Array.from({ length: Math.min(node.inputCount, MAXIMUM_VALUES) }, (_, i) => small(node, i));
  if (parts.some((part) => part.shape.length !== 1)) {
    throw node.unsupported('joins constants of several dimensions', 'Only lists of numbers are supported');
  }
  if (parts.reduce((total, part) => total + part.data.length, 0) > MAXIMUM_VALUES) {
    throw node.unsupported('joins long constants', 'Export the model with constants folded');
  }
  const values = parts.flatMap((part) => Array.from(part.data));
  const kind = parts.every((part) => part.kind === 'integer') ? 'integer' : 'float';
  return constant([values.length], kind, values);
}

function foldSlice(node: NodeImport): OnnxValue {
  const from = small(node, 0);
  const number = (index: number, name: string, absent: number): number =>
    node.hasInput(index) ? small(node, index).data[0] : (node.integers(name)?.[0] ?? absent);
  if (from.shape.length !== 1 || number(4, 'steps', 1) !== 1) {
    throw node.unsupported('cuts more than a list of numbers', 'Export the model with constants folded');
  }
  const values = Array.from(from.data).slice(number(1, 'starts', 0), number(2, 'ends', from.data.length));
  return constant([values.length], from.kind, values);
}

/** Squeeze, Unsqueeze and Reshape of a list or a single number: only the number of dimensions changes. */
function foldDimensions(node: NodeImport): OnnxValue {
  const { data, kind } = small(node, 0);
  const shape = node.operator === 'Squeeze' && data.length === 1 ? [] : [data.length];
  return constant(shape, kind, Array.from(data));
}

function foldCast(node: NodeImport): OnnxValue {
  const { data, shape } = small(node, 0);
  // DataType FLOAT, FLOAT16 and DOUBLE; everything else is an integer.
  const float = [1, 10, 11].includes(node.integer('to', 1));
  return constant(
    shape,
    float ? 'float' : 'integer',
    Array.from(data, (value) => (float ? value : Math.trunc(value))),
  );
}

function foldArithmetic(node: NodeImport): OnnxValue {
  const [a, b] = [small(node, 0), small(node, 1)];
  const shape = a.data.length >= b.data.length ? a.shape : b.shape;
  const length = elementCount(shape);
  const pick = ({ data }: OnnxConstant, i: number): number => data[data.length === 1 ? 0 : i];
  const integer = a.kind === 'integer' && b.kind === 'integer';
  const values = Array.from({ length }, (_, i) => {
    const [x, y] = [pick(a, i), pick(b, i)];
    const result = { Add: x + y, Sub: x - y, Mul: x * y, Div: x / y }[node.operator] ?? NaN;
    return integer ? Math.trunc(result) : result;
  });
  return constant(shape, integer ? 'integer' : 'float', values);
}

function small(node: NodeImport, index: number): OnnxConstant {
  const found = node.constant(index);
  if (found.data.length > MAXIMUM_VALUES) {
    throw node.unsupported('computes with a large constant', 'Export the model with constants folded');
  }
  return found;
}

/** By operator; used when all inputs of a node are constants, and always for Constant and Shape. */
export const FOLDED_OPERATORS: ReadonlyMap<string, OnnxOperatorImporter> = new Map<
  string,
  OnnxOperatorImporter
>([
  ['Add', foldArithmetic],
  ['Cast', foldCast],
  ['Concat', foldConcat],
  ['Constant', foldConstant],
  ['Div', foldArithmetic],
  ['Gather', foldGather],
  ['Mul', foldArithmetic],
  ['Reshape', foldDimensions],
  ['Shape', foldShape],
  ['Slice', foldSlice],
  ['Squeeze', foldDimensions],
  ['Sub', foldArithmetic],
  ['Unsqueeze', foldDimensions],
]);
