import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../src-main/common/errors.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import { importModel } from '../../../src-main/compiler/1-import/index.js';
import { createFloatEvaluator, lower } from '../../../src-main/compiler/2-quantize/index.js';
import { elementCount, type Graph } from '../../../src-main/compiler/graph.js';
import { inspectGraph } from '../../../src-main/compiler/inspect.js';
import { validateGraph } from '../../../src-main/compiler/validate.js';
import { assertRobust } from '../../support/assert-robust.js';
import { runOnnxReference } from '../../support/onnx-reference.js';
import {
  writeOnnx,
  type OnnxNodeSpec,
  type OnnxSpec,
  type OnnxTensorSpec,
} from '../../support/onnx-writer.js';
import { randomOnnx, randomSequenceOnnx } from '../../support/random-onnx.js';
import { seededRandom } from '../../support/random.js';

/** [1,C,H,W] row-major to [1,H,W,C], and [1,C,L] to [1,L,C]; other shapes stay. */
function channelsLast(shape: readonly number[], data: ArrayLike<number>): Float32Array {
  if (shape.length !== 4 && shape.length !== 3) {
    return Float32Array.from(data);
  }
  const [, channels, height, width = 1] = shape;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const c = i % channels;
    return data[c * height * width + Math.floor(i / channels)];
  });
}

/** Imports a model and compares it, as imported and lowered, with the definitions of its operators. */
function assertLikeReference(spec: OnnxSpec, seed: number): Graph {
  const graph = importModel(writeOnnx(spec), 'random.onnx');
  const random = seededRandom(seed);
  const shape = Object.values(spec.inputs)[0].map((extent) => (typeof extent === 'number' ? extent : 1));
  const input = { shape, data: Array.from({ length: elementCount(shape) }, () => 2 * random() - 1) };
  const expected = runOnnxReference(spec, input).get(spec.outputs[0]);
  assert.ok(expected !== undefined);
  const wanted = channelsLast(expected.shape, expected.data);
  for (const variant of [graph, lower(graph)]) {
    validateGraph(variant, 'random.onnx');
    const [output] = createFloatEvaluator(variant).run([channelsLast(shape, input.data)]);
    assert.equal(output.length, wanted.length);
    const largest = Math.max(1, ...wanted.map(Math.abs));
    output.forEach((value, i) => {
      assert.ok(
        Math.abs(value - wanted[i]) < 1e-4 * largest,
        `element ${i}: ${value} instead of ${wanted[i]}`,
      );
    });
  }
  return graph;
}

test('random networks compute what the definitions of their operators say', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const spec = randomOnnx(seed);
      if (spec.nodes.every(({ operator }) => ['Identity', 'Dropout'].includes(operator))) {
        return;
      }
      assertLikeReference(spec, seed);
    }),
    { numRuns: 300 },
  );
});

test('random nets over sequences compute what the definitions of their operators say', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const graph = lower(assertLikeReference(randomSequenceOnnx(seed), seed));
      // What lies in a column can be cut into tiles.
      const [first] = graph.operators.filter(({ kind }) => kind.endsWith('CONV_2D'));
      assert.equal(graph.tensors[first.inputs[0]].shape[2], 1);
    }),
    { numRuns: 150 },
  );
});

/** A model of one node after the input. */
function single(
  node: Omit<OnnxNodeSpec, 'output'>,
  shape: (number | string)[],
  initializers: Record<string, OnnxTensorSpec> = {},
  opset = 17,
): OnnxSpec {
  return { opset, nodes: [{ ...node, output: 'y' }], initializers, inputs: { x: shape }, outputs: ['y'] };
}

const ramp = (shape: number[]): OnnxTensorSpec => ({
  shape,
  data: Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i)),
});
const list = (...data: number[]): OnnxTensorSpec => ({ shape: [data.length], data });

test('the bundled digits model costs what its model card says', () => {
  const inspection = inspectGraph(
    lower(importModel(readFileSync(resourcePath('src-main', 'examples', 'digits.onnx')), 'digits.onnx')),
  );
  assert.equal(inspection.macs, 453_744);
  assert.equal(inspection.parameters, 6_898);
  assert.deepEqual(inspection.inputs[0].shape, [1, 28, 28, 1]);
  assert.deepEqual(
    inspection.operators.map(({ kind }) => kind),
    [
      ...['CONV_2D', 'MAX_POOL_2D', 'CONV_2D', 'MAX_POOL_2D', 'CONV_2D', 'MAX_POOL_2D'],
      ...['FULLY_CONNECTED', 'SOFTMAX'],
    ],
  );
});

test('auto_pad puts the odd row after or before', () => {
  const conv = (mode: string) => {
    const graph = importModel(
      writeOnnx(
        single(
          {
            operator: 'Conv',
            inputs: ['x', 'w'],
            attributes: { auto_pad: { string: mode }, strides: { ints: [2, 2] } },
          },
          [1, 1, 6, 5],
          { w: ramp([1, 1, 3, 3]) },
        ),
      ),
      'auto.onnx',
    );
    const [operator] = graph.operators;
    assert.ok(operator.kind === 'CONV_2D');
    return { padding: operator.padding, output: graph.tensors[graph.outputs[0]].shape };
  };
  assert.deepEqual(conv('SAME_UPPER'), {
    padding: { top: 0, bottom: 1, left: 1, right: 1 },
    output: [1, 3, 3, 1],
  });
  assert.deepEqual(conv('SAME_LOWER'), {
    padding: { top: 1, bottom: 0, left: 1, right: 1 },
    output: [1, 3, 3, 1],
  });
  assert.deepEqual(conv('VALID'), {
    padding: { top: 0, bottom: 0, left: 0, right: 0 },
    output: [1, 2, 2, 1],
  });
});

test('ceil_mode rounds positions up', () => {
  assertLikeReference(
    single(
      {
        operator: 'MaxPool',
        inputs: ['x'],
        attributes: { kernel_shape: { ints: [2, 3] }, strides: { ints: [2, 2] }, ceil_mode: { int: 1 } },
      },
      [1, 2, 5, 6],
    ),
    1,
  );
});

test('the shape that an exporter computes is folded: x.view(x.size(0), -1)', () => {
  const spec: OnnxSpec = {
    opset: 13,
    nodes: [
      { operator: 'Conv', inputs: ['x', 'w'], output: 'c' },
      { operator: 'Shape', inputs: ['c'], output: 's' },
      {
        operator: 'Constant',
        inputs: [],
        output: 'zero',
        attributes: { value: { tensor: { shape: [], data: [0] } } },
      },
      { operator: 'Gather', inputs: ['s', 'zero'], output: 'n' },
      { operator: 'Unsqueeze', inputs: ['n', 'axes'], output: 'n1' },
      { operator: 'Concat', inputs: ['n1', 'rest'], output: 'shape', attributes: { axis: { int: 0 } } },
      { operator: 'Reshape', inputs: ['c', 'shape'], output: 'flat' },
      { operator: 'Gemm', inputs: ['flat', 'g'], output: 'y' },
    ],
    initializers: { w: ramp([3, 2, 2, 2]), axes: list(0), rest: list(-1), g: ramp([3 * 9, 4]) },
    inputs: { x: ['N', 2, 4, 4] },
    outputs: ['y'],
  };
  const graph = importModel(writeOnnx(spec), 'folded.onnx');
  assert.deepEqual(
    graph.operators.map(({ kind }) => kind),
    ['CONV_2D', 'FULLY_CONNECTED'],
  );
  const simple: OnnxSpec = {
    ...spec,
    nodes: [
      spec.nodes[0],
      { operator: 'Flatten', inputs: ['c'], output: 'flat' },
      { operator: 'Gemm', inputs: ['flat', 'g'], output: 'y' },
    ],
  };
  assert.deepEqual(
    graph.tensors.map(({ data }) => data),
    assertLikeReference(simple, 3).tensors.map(({ data }) => data),
  );
});

test('attributes of old operator sets are understood', () => {
  assertSame(
    single(
      { operator: 'Clip', inputs: ['x'], attributes: { min: { float: -1 }, max: { float: 2 } } },
      [1, 3],
      {},
      7,
    ),
    single({ operator: 'Clip', inputs: ['x', 'a', 'b'] }, [1, 3], {
      a: { shape: [], data: Float32Array.of(-1) },
      b: { shape: [], data: Float32Array.of(2) },
    }),
  );
  assertSame(
    single(
      { operator: 'Pad', inputs: ['x'], attributes: { pads: { ints: [0, 0, 1, 2, 0, 0, 3, 4] } } },
      [1, 2, 3, 3],
      {},
      7,
    ),
    single({ operator: 'Pad', inputs: ['x', 'p'] }, [1, 2, 3, 3], { p: list(0, 0, 1, 2, 0, 0, 3, 4) }),
  );
  assertSame(
    single(
      { operator: 'ReduceMean', inputs: ['x'], attributes: { axes: { ints: [2, 3] } } },
      [1, 2, 3, 3],
      {},
      7,
    ),
    single({ operator: 'ReduceMean', inputs: ['x', 'a'] }, [1, 2, 3, 3], { a: list(-1, 2) }, 18),
  );
  assertSame(
    single({ operator: 'Softmax', inputs: ['x'] }, [1, 5], {}, 7),
    single({ operator: 'Softmax', inputs: ['x'] }, [1, 5], {}, 13),
  );
});

function assertSame(a: OnnxSpec, b: OnnxSpec): void {
  assert.deepEqual(importModel(writeOnnx(a), 'same.onnx'), importModel(writeOnnx(b), 'same.onnx'));
}

test('all unknown operators are named in one line, with their nodes and domains', () => {
  const spec = single({ operator: 'Relu', inputs: ['x'] }, [1, 4]);
  spec.nodes.push(
    { operator: 'LSTM', inputs: ['y'], output: 'l', name: 'rnn\n1' },
    { operator: 'Relu', domain: 'com.example', inputs: ['l'], output: 'r' },
  );
  assert.throws(
    () => importModel(writeOnnx(spec), 'm.onnx'),
    (error) => {
      assert.ok(error instanceof InputError);
      assert.equal(error.code, 'unknown-operator');
      assert.equal(error.place, 'm.onnx');
      assert.equal(error.reason, 'unknown operators LSTM (node 1 "rnn?1"), com.example.Relu (node 2 "r")');
      assert.match(error.remedy, /Replace or remove them .* Conv, /);
      assert.ok(!error.message.includes('\n'));
      return true;
    },
  );
});

test('what cannot be done is refused with node and remedy', () => {
  const refused: [string, RegExp, OnnxSpec][] = [
    [
      'model-unsupported',
      /65 groups of 2 channels/,
      single({ operator: 'Conv', inputs: ['x', 'w'], attributes: { group: { int: 65 } } }, [1, 130, 1, 1], {
        w: ramp([65, 2, 1, 1]),
      }),
    ],
    ['model-unsupported', /run time/, single({ operator: 'Gemm', inputs: ['x', 'x'] }, [1, 4])],
    [
      'model-unsupported',
      /fixed input shape/,
      single({ operator: 'Relu', inputs: ['x'] }, ['N', 3, 'H', 'W']),
    ],
    ['model-unsupported', /operator set/, single({ operator: 'Relu', inputs: ['x'] }, [1, 3], {}, 6)],
    ['model-unsupported', /operator set/, single({ operator: 'Relu', inputs: ['x'] }, [1, 3], {}, 99)],
    [
      'model-unsupported',
      /on constants only/,
      single({ operator: 'Gather', inputs: ['x', 'i'] }, [4], { i: list(1) }),
    ],
    [
      'model-unsupported',
      /divides by an activation/,
      single({ operator: 'Div', inputs: ['x', 'x'] }, [1, 3]),
    ],
    [
      'model-unsupported',
      /resizes by linear/,
      single({ operator: 'Resize', inputs: ['x'], attributes: { mode: { string: 'linear' } } }, [1, 2, 3, 3]),
    ],
    ['model-damaged', /reads "z"/, single({ operator: 'Relu', inputs: ['z'] }, [1, 3])],
    ['model-damaged', /lacks input 2/, single({ operator: 'Conv', inputs: ['x'] }, [1, 3, 4, 4])],
    [
      'model-damaged',
      /does not fit its input of 3x3/,
      single({ operator: 'Conv', inputs: ['x', 'w'] }, [1, 1, 3, 3], { w: ramp([1, 1, 4, 4]) }),
    ],
    [
      'model-damaged',
      /reshapes/,
      single({ operator: 'Reshape', inputs: ['x', 's'] }, [1, 18], { s: list(-1, 5) }),
    ],
    ['model-inconsistent', /0 operators/, single({ operator: 'Identity', inputs: ['x'] }, [1, 3])],
  ];
  for (const [code, pattern, spec] of refused) {
    assert.throws(
      () => importModel(writeOnnx(spec), 'm.onnx'),
      (error) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, pattern);
        assert.equal(error.code, code);
        return true;
      },
    );
  }
});

test('weights that many nodes share do not multiply without bound', () => {
  const nodes = Array.from({ length: 400 }, (_, i) => ({
    operator: 'Gemm',
    inputs: [i === 0 ? 'x' : `v${i - 1}`, 'w'],
    output: `v${i}`,
  }));
  const spec: OnnxSpec = {
    opset: 17,
    nodes,
    initializers: { w: ramp([100, 100]) },
    inputs: { x: [1, 100] },
    outputs: ['v399'],
  };
  assert.throws(() => importModel(writeOnnx(spec), 'm.onnx'), /outgrow the file/);
});

test('bytes that are no model are refused', () => {
  const code = (expected: string) => (error: unknown) =>
    error instanceof InputError && error.code === expected;
  assert.throws(() => importModel(new Uint8Array(0), 'empty.onnx'), code('model-damaged'));
  assert.throws(() => importModel(new Uint8Array(0), 'empty'), code('model-unrecognized'));
  assert.throws(
    () => importModel(new TextEncoder().encode('hello world'), 'a.txt'),
    code('model-unrecognized'),
  );
  assert.throws(() => importModel(new TextEncoder().encode('hello world'), 'a.onnx'), code('model-damaged'));
});

test('thousands of damaged files import or are refused, quickly', () => {
  assertRobust([readFileSync(resourcePath('src-main', 'examples', 'digits.onnx'))], 'fuzz.onnx', 500);
  const small = Array.from({ length: 50 }, (_, i) => writeOnnx(randomOnnx(1000 + i)));
  assertRobust(small, 'fuzz.onnx', 3000);
});
