import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { compile, type Compilation } from '../../src-main/compiler/index.js';
import { elementCount } from '../../src-main/compiler/graph.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { KERNEL_SETS, STRATEGIES, type KernelSet, type Strategy } from '../../src-main/compiler/plan.js';
import { inferWithOracle } from '../support/int8-oracle.js';
import { FAMILIES, QDQ_WEIGHT_SCALES, quantizedNet } from '../support/model-families.js';
import { writeOnnx } from '../support/onnx-writer.js';
import { seededRandom } from '../support/random.js';
import { writeTflite } from '../support/tflite-writer.js';
import { everyOperator, unsignedBorders } from '../../tools/models/tflite-samples.js';

const SAMPLES = 4;

function compiled(
  bytes: Uint8Array,
  strategy: Strategy,
  kernels: KernelSet,
  calibration: Float32Array[],
): Compilation {
  return compile(bytes, 'family.onnx', {
    strategy,
    kernels,
    boardNumber: 0,
    sramBytes: 64 << 10,
    nvmBytes: 512 << 10,
    calibration,
  });
}

function stored(sample: Float32Array, { quantization: { input } }: Compilation): Int8Array {
  return Int8Array.from(sample, (value) =>
    Math.min(127, Math.max(-128, Math.round(value / input.scale) + input.zeroPoint)),
  );
}

for (const [name, spec] of Object.entries(FAMILIES)) {
  test(`${name}: compiles and gives the bits of the specification under every strategy`, () => {
    const bytes = writeOnnx(spec());
    const graph = importModel(bytes, 'family.onnx');
    const random = seededRandom(7);
    const length = elementCount(graph.tensors[graph.inputs[0]].shape);
    const samples = Array.from({ length: SAMPLES }, () =>
      Float32Array.from({ length }, () => 2 * random() - 1),
    );
    let expected: Int8Array[] | null = null;
    for (const strategy of STRATEGIES) {
      for (const kernels of KERNEL_SETS) {
        const result = compiled(bytes, strategy, kernels, samples);
        const inputs = samples.map((sample) => stored(sample, result));
        // Quantization does not depend on the strategy.
        expected ??= inputs.map((input) => inferWithOracle(result.graph, input));
        assert.deepEqual(inferOnHost(result.image, inputs), expected, `${strategy}, ${kernels}`);
      }
    }
  });
}

test('a model with QuantizeLinear and DequantizeLinear needs no calibration and keeps its integers', () => {
  const bytes = writeOnnx(quantizedNet());
  const result = compiled(bytes, 'restart', 'reference', []);
  const { graph } = result;
  assert.deepEqual(
    graph.operators.map(({ kind }) => kind),
    ['CONV_2D', 'MAX_POOL_2D', 'FULLY_CONNECTED'],
  );
  const [conv, , dense] = graph.operators;
  assert(conv.kind === 'CONV_2D' && conv.activation === 'RELU');
  const constants = quantizedNet().initializers;
  const ints = (kind: new () => ArrayLike<number>): number[][] =>
    Object.values(constants).flatMap(({ data }) => (data instanceof kind ? [Array.from(data)] : []));
  const sorted = (values: ArrayLike<number>): number[] => Array.from(values).sort((a, b) => a - b);
  const weights = graph.tensors[conv.inputs[1]];
  assert.deepEqual(Array.from(weights.quantization?.scales ?? []), QDQ_WEIGHT_SCALES.map(Math.fround));
  const written = ints(Int8Array).find(({ length }) => length === 72) ?? [];
  assert.deepEqual(sorted(weights.data as Int8Array), sorted(written));
  const bias = ints(Int32Array).find((values) => values.some((value) => value !== 0)) ?? [];
  assert.deepEqual(Array.from(graph.tensors[conv.inputs[2]].data as Int32Array), bias);
  const denseWritten = ints(Uint8Array).find(({ length }) => length === 108) ?? [];
  assert.deepEqual(
    sorted(graph.tensors[dense.inputs[1]].data as Int8Array),
    sorted(denseWritten.map((value) => value - 128)),
  );
  assert.deepEqual(result.quantization.input, { scale: Math.fround(0.02), zeroPoint: -8 });
  assert.deepEqual(result.quantization.output, { scale: Math.fround(0.1), zeroPoint: -28 });
  const random = seededRandom(3);
  const sample = Int8Array.from({ length: 72 }, () => Math.floor(256 * random()) - 128);
  assert.deepEqual(inferOnHost(result.image, [sample]), [inferWithOracle(graph, sample)]);
});

test('an int8 .tflite with every operator gives the bits of the specification, whatever its borders are', () => {
  const random = seededRandom(5);
  const samples = Array.from({ length: SAMPLES }, () =>
    Int8Array.from({ length: 192 }, () => Math.floor(256 * random()) - 128),
  );
  let expected: Int8Array[] | null = null;
  for (const borders of ['float', 'int8'] as const) {
    const bytes = writeTflite(everyOperator(borders));
    for (const strategy of STRATEGIES) {
      const result = compile(bytes, 'every.tflite', {
        strategy,
        kernels: 'fast',
        boardNumber: 0,
        sramBytes: 64 << 10,
        nvmBytes: 512 << 10,
      });
      assert.deepEqual(result.quantization.input, { scale: Math.fround(0.02), zeroPoint: 4 });
      expected ??= samples.map((sample) => inferWithOracle(result.graph, sample));
      assert.deepEqual(inferOnHost(result.image, samples), expected, `${borders}, ${strategy}`);
    }
  }
  assert(new Set(expected?.map((output) => output.join())).size > 1);
});

test('a uint8 model is the int8 one with everything 128 lower', () => {
  const graph = importModel(writeTflite(unsignedBorders()), 'unsigned.tflite');
  assert(graph.tensors.every(({ type }) => type === 'int8'));
  assert.deepEqual(
    graph.tensors.map(({ quantization }) => quantization?.zeroPoints[0]),
    [0, 0, 9],
  );
});

test('weights with zero points of their own, as TensorFlow 1 has them, are refused by name', () => {
  const spec = everyOperator('int8');
  const weights = spec.tensors.findIndex(({ name, data }) => name.startsWith('w') && data !== undefined);
  spec.tensors.forEach((tensor) => {
    if (tensor.type === 'int8' && tensor.data === undefined) {
      tensor.type = 'uint8';
    }
  });
  spec.tensors[weights] = { ...spec.tensors[weights], type: 'uint8' };
  assert.throws(
    () => importModel(writeTflite(spec), 'old.tflite'),
    /CONV_2D "t\d+": has uint8 weights with the zero point 0, as TensorFlow 1 .* full int8 quantization/,
  );
});
