import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../../src-main/common/errors.js';
import { importModel } from '../../../src-main/compiler/1-import/index.js';
import { createFloatEvaluator, lower } from '../../../src-main/compiler/2-quantize/index.js';
import type { Graph } from '../../../src-main/compiler/graph.js';
import { validateGraph } from '../../../src-main/compiler/validate.js';
import {
  writeFlatBuffer,
  writeTflite,
  type TableSpec,
  type TfliteOperatorSpec,
  type TfliteSpec,
  type TfliteTensorSpec,
} from '../../support/tflite-writer.js';

const float = (name: string, shape: number[], data?: number[]): TfliteTensorSpec => ({
  name,
  shape,
  type: 'float32',
  ...(data === undefined ? {} : { data: Float32Array.from(data) }),
});
const int8 = (name: string, shape: number[], scale: number, zeroPoint: number): TfliteTensorSpec => ({
  name,
  shape,
  type: 'int8',
  quantization: { scales: [scale], zeroPoints: [zeroPoint] },
});
const indices = (name: string, shape: number[], data: number[]): TfliteTensorSpec => ({
  name,
  shape,
  type: 'int32',
  data: Int32Array.from(data),
});

/** A model whose operators each read the tensors given and write the next one; tensor 0 is the input. */
function model(tensors: TfliteTensorSpec[], operators: TfliteOperatorSpec[]): TfliteSpec {
  return { tensors, operators, inputs: [0], outputs: [operators[operators.length - 1].outputs[0]] };
}

function imported(spec: TfliteSpec): Graph {
  return importModel(writeTflite(spec), 'm.tflite');
}

function evaluate(graph: Graph, input: number[]): number[] {
  validateGraph(graph, 'm.tflite');
  return Array.from(createFloatEvaluator(graph).run([Float32Array.from(input)])[0]);
}

function refuses(spec: TfliteSpec | Uint8Array, code: string, pattern: RegExp): void {
  assert.throws(
    () => importModel(spec instanceof Uint8Array ? spec : writeTflite(spec), 'm.tflite'),
    (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, pattern);
      assert.equal(error.code, code);
      return true;
    },
  );
}

const [PAD, MEAN, RELU, RELU6, RESHAPE, SQUEEZE, PADV2, ADD, CONV, FC, CUSTOM, LSTM] = [
  34, 40, 19, 21, 22, 43, 60, 0, 3, 9, 32, 16,
];

test('PAD, PADV2, MEAN, RELU and SQUEEZE mean what TensorFlow Lite means', () => {
  const spec = model(
    [
      float('x', [1, 1, 2, 2]),
      indices('p', [4, 2], [0, 0, 1, 0, 0, 1, 0, 0]),
      float('padded', [1, 2, 3, 2]),
      float('five', [], [5]),
      float('again', [1, 3, 3, 2]),
      indices('q', [4, 2], [0, 0, 0, 1, 0, 0, 0, 0]),
      indices('axes', [2], [1, -2]),
      float('mean', [1, 2]),
      float('relu', [1, 2]),
      float('y', [2]),
    ],
    [
      { code: PAD, inputs: [0, 1], outputs: [2] },
      { code: PADV2, inputs: [2, 5, 3], outputs: [4] },
      { code: MEAN, inputs: [4, 6], outputs: [7], options: { type: 27, table: { 0: { int8: 0 } } } },
      { code: RELU, inputs: [7], outputs: [8] },
      { code: SQUEEZE, inputs: [8], outputs: [9] },
    ],
  );
  const graph = imported(spec);
  assert.deepEqual(
    graph.operators.map(({ kind }) => kind),
    ['PAD', 'PAD', 'MEAN', 'CLAMP', 'RESHAPE'],
  );
  // Channel 0: 1 + 3 + six of 0 and 5 each ... = (1 + 3 + 15) / 9; channel 1: (-9 - 9 + 15) / 9 is below 0.
  assert.deepEqual(evaluate(graph, [1, -9, 3, -9]), [Math.fround(19 / 9), 0]);
  assert.deepEqual(evaluate(lower(graph), [1, -9, 3, -9]), [Math.fround(19 / 9), 0]);
});

test('lowering fuses PAD and RELU6 into a convolution and drops the reshape before FULLY_CONNECTED', () => {
  const convolution: TableSpec = { 0: { int8: 1 }, 1: { int32: 1 }, 2: { int32: 1 } };
  const spec = model(
    [
      float('x', [1, 2, 2, 1]),
      indices('p', [4, 2], [0, 0, 1, 1, 0, 1, 0, 0]),
      float('padded', [1, 4, 3, 1]),
      float('w', [1, 3, 2, 1], [1, 2, 3, 4, 5, 6]),
      float('b', [1], [-1]),
      float('c', [1, 2, 2, 1]),
      float('r', [1, 2, 2, 1]),
      float('flat', [1, 4]),
      float('fw', [2, 4], [1, 0, 0, 0, 1, 1, 1, 1]),
      float('y', [1, 2]),
    ],
    [
      { code: PAD, inputs: [0, 1], outputs: [2] },
      { code: CONV, inputs: [2, 3, 4], outputs: [5], options: { type: 1, table: convolution } },
      { code: RELU6, inputs: [5], outputs: [6] },
      { code: RESHAPE, inputs: [6], outputs: [7] },
      // The bias is absent: -1.
      { code: FC, inputs: [7, 8, -1], outputs: [9], options: { type: 8, table: {} } },
    ],
  );
  const graph = imported(spec);
  const lowered = lower(graph);
  assert.deepEqual(
    lowered.operators.map(({ kind }) => kind),
    ['CONV_2D', 'FULLY_CONNECTED'],
  );
  const [first, last] = lowered.operators;
  assert.ok(first.kind === 'CONV_2D');
  assert.deepEqual(first.padding, { top: 1, bottom: 1, left: 0, right: 1 });
  assert.equal(first.activation, 'RELU6');
  assert.equal(last.inputs.length, 2);
  for (const input of [
    [0.1, 0.2, 0.3, 0.4],
    [1, -1, 2, -3],
  ]) {
    assert.deepEqual(evaluate(lowered, input), evaluate(graph, input));
  }
});

test('in an int8 graph a RELU is fused only where input and output have one quantization', () => {
  const add = (outputScale: number) =>
    lower(
      imported(
        model(
          [int8('x', [1, 4], 0.5, 3), int8('sum', [1, 4], 1, -10), int8('y', [1, 4], outputScale, -10)],
          [
            { code: ADD, inputs: [0, 0], outputs: [1], options: { type: 11, table: {} } },
            { code: RELU, inputs: [1], outputs: [2] },
          ],
        ),
      ),
    ).operators.map(({ kind }) => kind);
  assert.deepEqual(add(1), ['ADD']);
  assert.deepEqual(add(0.75), ['ADD', 'CLAMP']);
});

test('a value that is read twice keeps its RELU', () => {
  const spec = model(
    [float('x', [1, 2]), float('s', [1, 2]), float('r', [1, 2]), float('y', [1, 2])],
    [
      { code: ADD, inputs: [0, 0], outputs: [1] },
      { code: RELU, inputs: [1], outputs: [2] },
      { code: ADD, inputs: [1, 2], outputs: [3] },
    ],
  );
  const graph = imported(spec);
  assert.deepEqual(
    lower(graph).operators.map(({ kind }) => kind),
    ['ADD', 'CLAMP', 'ADD'],
  );
  assert.deepEqual(evaluate(lower(graph), [1, -1]), [4, -2]);
});

test('all unknown operators are named at once, custom ones by their own name', () => {
  const spec = model(
    [float('x', [1, 2]), float('a', [1, 2]), float('b', [1, 2]), float('c', [1, 2])],
    [
      { code: LSTM, inputs: [0], outputs: [1] },
      { code: RELU, inputs: [1], outputs: [2] },
      { code: CUSTOM, customCode: 'My\u0007Op', inputs: [2], outputs: [3] },
    ],
  );
  refuses(
    spec,
    'unknown-operator',
    /^m\.tflite: unknown operators LSTM \(node 0 "a"\), CUSTOM "My\?Op" \(node 2 "c"\)\. /,
  );
  refuses(
    model([float('x', [1]), float('y', [1])], [{ code: 201, inputs: [0], outputs: [1] }]),
    'unknown-operator',
    /BUILTIN_201/,
  );
});

test('what cannot be done is refused with tensor or node', () => {
  const unary = (
    code: number,
    x: TfliteTensorSpec,
    y: TfliteTensorSpec,
    options?: TfliteOperatorSpec['options'],
  ) => model([x, y], [{ code, inputs: [0], outputs: [1], ...(options === undefined ? {} : { options }) }]);
  refuses(unary(LSTM, float('x', [1]), float('y', [1])), 'unknown-operator', /LSTM/);
  refuses(
    unary(RELU, { ...float('x', [1]), type: 'uint8' }, { ...float('y', [1]), type: 'uint8' }),
    'model-inconsistent',
    /types uint8/,
  );
  refuses(unary(RELU, float('x', [1, 2]), float('y', [1, 3])), 'model-inconsistent', /should be \[1, 2\]/);
  refuses(unary(RELU, float('x', [-1, 2]), float('y', [-1, 2])), 'model-damaged', /shape/);
  refuses(unary(RELU, float('x', [1, 0]), float('y', [1, 0])), 'model-inconsistent', /shape \[1, 0\]/);
  refuses(
    unary(RELU, float('x', [65536, 65536]), float('y', [65536, 65536])),
    'model-unsupported',
    /4294967296 elements/,
  );
  refuses(
    unary(RELU, int8('x', [1], 1, 0), { ...float('y', [1]), type: 'int8' }),
    'model-inconsistent',
    /scale/,
  );
  refuses(unary(RELU, int8('x', [1], 0, 0), int8('y', [1], 1, 0)), 'model-inconsistent', /positive/);
  refuses(unary(RELU, int8('x', [1], 1, 300), int8('y', [1], 1, 0)), 'model-inconsistent', /zero point/);
  refuses(unary(ADD, float('x', [1]), float('y', [1])), 'model-damaged', /lacks input 2/);
  refuses(unary(RELU, float('x', [1]), float('y', [1], [1])), 'model-inconsistent', /is a constant/);
  const pool: TableSpec = {
    0: { int8: 1 },
    1: { int32: 1 },
    2: { int32: 1 },
    3: { int32: 0 },
    4: { int32: 3 },
  };
  refuses(
    unary(17, float('x', [1, 4, 4, 1]), float('y', [1, 4, 4, 1]), { type: 5, table: pool }),
    'model-damaged',
    /below 1/,
  );
  const softmax = { type: 9, table: { 0: { float32: 1 } } };
  refuses(
    unary(25, int8('x', [1, 2], 1, 0), int8('y', [1, 2], 0.5, 0), softmax),
    'model-inconsistent',
    /1\/256/,
  );
  const window: TableSpec = { ...pool, 3: { int32: 3 } };
  refuses(
    unary(17, int8('x', [1, 4, 4, 1], 1, 0), int8('y', [1, 2, 2, 1], 0.5, 0), { type: 5, table: window }),
    'model-inconsistent',
    /changes scale/,
  );
  const batch = model(
    [float('x', [2, 1, 1, 1]), float('w', [1, 1, 1, 1], [1]), float('y', [2, 1, 1, 1])],
    [
      {
        code: CONV,
        inputs: [0, 1],
        outputs: [2],
        options: { type: 1, table: { 0: { int8: 1 }, 1: { int32: 1 }, 2: { int32: 1 } } },
      },
    ],
  );
  refuses(batch, 'model-inconsistent', /batch of 2/);
  const runtime = model(
    [float('x', [1, 2]), indices('i', [1], [1]), float('y', [2])],
    [{ code: MEAN, inputs: [0, 0], outputs: [2] }],
  );
  refuses(runtime, 'model-unsupported', /at run time/);
});

test('tables and vectors that point anywhere are refused', () => {
  refuses(writeFlatBuffer({ 0: { int32: 2 } }, 'TFL3'), 'model-unsupported', /schema version 2/);
  refuses(writeFlatBuffer({ 0: { int32: 3 } }, 'TFL3'), 'model-damaged', /no subgraph/);
  const good = writeTflite(
    model([float('x', [1]), float('y', [1])], [{ code: RELU, inputs: [0], outputs: [1] }]),
  );
  importModel(good, 'm.tflite');
  const root = new Uint8Array(good);
  new DataView(root.buffer).setUint32(0, 0xffffff00, true);
  refuses(root, 'model-damaged', /refers to bytes/);
});

test('vectors that many tables share do not multiply without bound', () => {
  // 4,000 operators that share one list of 25,000 inputs: 400 MB of numbers out of a file of 150 KB.
  const shared = { 1: { int32s: new Array<number>(25_000).fill(0) }, 2: { int32s: [1] } } satisfies TableSpec;
  const bytes = writeFlatBuffer(
    {
      0: { int32: 3 },
      1: { tables: [{ 0: { int8: RELU } }] },
      2: {
        tables: [
          { 0: { tables: [{}, {}] }, 3: { tables: [shared, ...new Array<TableSpec>(3_999).fill({})] } },
        ],
      },
    },
    'TFL3',
  );
  const view = new DataView(bytes.buffer);
  // The vector of 4,000 operators: all entries are made to point to the first.
  const count = bytes.findIndex(
    (_, at) => at % 4 === 0 && at + 4 <= bytes.length && view.getUint32(at, true) === 4_000,
  );
  const first = count + 4 + view.getUint32(count + 4, true);
  for (let i = 1; i < 4_000; i++) {
    const at = count + 4 + 4 * i;
    view.setUint32(at, first - at, true);
  }
  refuses(bytes, 'model-damaged', /more than 8 times the bytes/);
});
