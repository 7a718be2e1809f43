import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { emit } from '../../../src-main/compiler/4-emit/index.js';
import { logistic, tanh } from '../../../src-main/compiler/4-emit/gemmlowp.js';
import { unaryTable } from '../../../src-main/compiler/4-emit/tables.js';
import { plan } from '../../../src-main/compiler/3-plan/index.js';
import { functionOf } from '../../../src-main/compiler/functions.js';
import type { Tensor, Unary } from '../../../src-main/compiler/graph.js';
import { GraphBuilder, seededChoices } from '../../support/random-graph.js';

function tensor(scale: number, zeroPoint: number): Tensor {
  return {
    id: 0,
    name: 't',
    shape: [1, 256],
    type: 'int8',
    quantization: {
      scales: Float64Array.of(Math.fround(scale)),
      zeroPoints: Int32Array.of(zeroPoint),
      axis: null,
    },
    data: null,
  };
}

const UNIT = tensor(1 / 256, -128);
const SIGNED_UNIT = tensor(1 / 128, 0);

function unary(kind: Unary['kind'], alpha = 0, beta = 0): Unary {
  return { kind, name: 'f', inputs: [0], outputs: [1], alpha, beta };
}

/** Largest difference between the table and the real function, in steps of the output. */
function largestError(operator: Unary, input: Tensor, output: Tensor): number {
  const [from, to] = [input.quantization, output.quantization];
  assert(from !== null && to !== null);
  const real = functionOf(operator);
  const errors = Array.from(unaryTable(operator, input, output), (stored, index) => {
    const x = (index - 128 - from.zeroPoints[0]) * from.scales[0];
    const exact = Math.min(127, Math.max(-128, real(x) / to.scales[0] + to.zeroPoints[0]));
    return Math.abs(stored - exact);
  });
  return Math.max(...errors);
}

test('gemmlowp: logistic and tanh of Q4 numbers are the real functions to 2^-20', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (q4) => {
      const x = q4 / 2 ** 27;
      assert(Math.abs(logistic(q4) / 2 ** 31 - 1 / (1 + Math.exp(-x))) < 2 ** -20, `logistic(${x})`);
      assert(Math.abs(tanh(q4) / 2 ** 31 - Math.tanh(x)) < 2 ** -20, `tanh(${x})`);
      assert.equal(tanh(-q4) + tanh(q4), 0);
    }),
    { numRuns: 2000 },
  );
});

test('every table is within a step of its function, whatever the scales', () => {
  const scales = fc.integer({ min: 1, max: 4000 }).map((value) => value / 20_000);
  const zeroPoints = fc.integer({ min: -128, max: 127 });
  fc.assert(
    fc.property(scales, zeroPoints, scales, zeroPoints, (scale, zero, outputScale, outputZero) => {
      const input = tensor(scale, zero);
      assert(largestError(unary('LOGISTIC'), input, UNIT) <= 1);
      assert(largestError(unary('TANH'), input, SIGNED_UNIT) <= 1);
      const output = tensor(outputScale, outputZero);
      for (const operator of [
        unary('ELU', 1),
        unary('GELU'),
        unary('GELU', 1),
        unary('HARD_SIGMOID', 1 / 6, 0.5),
      ]) {
        assert(largestError(operator, input, output) <= 0.5001, operator.kind);
      }
      // Two roundings each.
      assert(largestError(unary('LEAKY_RELU', 0.1), input, output) <= 1.01);
      assert(largestError(unary('QUANTIZE'), input, output) <= 1.01);
    }),
    { numRuns: 150 },
  );
});

test('HARD_SWISH follows the 16 bits of the reference kernel: within two steps where the output has steps like the input', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 800 }),
      fc.integer({ min: -128, max: 127 }),
      fc.integer({ min: 90, max: 200 }),
      (scale, zero, ratio) => {
        const input = tensor(scale / 10_000, zero);
        const output = tensor((scale * ratio) / 1e6, -120);
        assert(largestError(unary('HARD_SWISH'), input, output) <= 2);
      },
    ),
    { numRuns: 200 },
  );
});

test('GELU: the error function is right to ten digits', () => {
  // Abramowitz and Stegun, table 7.1: erf(0.5), erf(1), erf(2), erf(3).
  const known: [number, number][] = [
    [0.5, 0.5204998778],
    [1, 0.8427007929],
    [2, 0.995322265],
    [3, 0.9999779095],
  ];
  const gelu = functionOf(unary('GELU'));
  for (const [x, erf] of known) {
    const argument = x * Math.SQRT2;
    assert(Math.abs((2 * gelu(argument)) / argument - 1 - erf) < 2e-10, `erf(${x})`);
    assert(Math.abs(gelu(-argument) + argument - gelu(argument)) < 1e-9);
  }
});

test('the firmware looks every value up', () => {
  for (const kind of ['LOGISTIC', 'TANH', 'HARD_SWISH', 'GELU', 'ELU'] as const) {
    const builder = new GraphBuilder(kind, [1, 256], seededChoices(7));
    const operator = unary(kind, 1);
    const fixed = kind === 'LOGISTIC' ? UNIT : kind === 'TANH' ? SIGNED_UNIT : tensor(0.03, -100);
    builder.add({ kind, inputs: [0], alpha: 1, beta: 0 }, fixed.quantization);
    const graph = builder.build();
    const sample = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    const planned = plan(graph, {
      strategy: 'restart',
      kernels: 'reference',
      sramBytes: 4096,
      nvmBytes: 65536,
    });
    const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
    assert.deepEqual(inferOnHost(image, [sample]), [
      unaryTable(operator, graph.tensors[0], graph.tensors[1]),
    ]);
  }
});
