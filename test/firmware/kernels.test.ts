import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostBoard, inferOnHost } from '../../src-main/board/host/host-board.js';
import { emitDataset } from '../../src-main/compiler/index.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { KERNEL_SETS, STRATEGIES, type KernelSet, type Strategy } from '../../src-main/compiler/plan.js';
import { elementCount, type Graph, type OperatorKind } from '../../src-main/compiler/graph.js';
import { inferWithOracle } from '../support/int8-oracle.js';
import { GraphBuilder, randomGraph, randomSample, seededChoices, seeds } from '../support/random-graph.js';

const NO_MODEL = new Uint8Array(32);

function imageOf(
  graph: Graph,
  strategy: Strategy,
  tileUnits?: number,
  kernels: KernelSet = 'reference',
): Uint8Array {
  const planned = plan(graph, {
    strategy,
    kernels,
    sramBytes: 1 << 20,
    nvmBytes: 1 << 20,
    tileUnits,
  });
  return emit(planned, { board: 0, modelSha256: NO_MODEL });
}

function outputFits(graph: Graph): boolean {
  return elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024;
}

const KINDS: readonly OperatorKind[] = [
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
  'AVERAGE_POOL_2D',
  'MAX_POOL_2D',
  'ADD',
  'PAD',
  'MEAN',
  'CLAMP',
  'SUB',
  'MUL',
  'QUANTIZE',
  'LEAKY_RELU',
  'PRELU',
  'TRANSPOSE',
  'SLICE',
  'CONCATENATION',
  'RESIZE_NEAREST',
];

for (const kind of KINDS) {
  test(`${kind} gives the bits of the specification on random shapes`, () => {
    let executed = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const choices = seededChoices(seed);
        const graph = randomGraph(choices, { operators: choices.integer(1, 2), kinds: [kind] });
        fc.pre(outputFits(graph) && graph.operators.some((operator) => operator.kind === kind));
        executed++;
        const samples = [randomSample(graph, choices), randomSample(graph, choices)];
        const expected = samples.map((sample) => inferWithOracle(graph, sample));
        for (const kernels of KERNEL_SETS) {
          const image = imageOf(graph, 'restart', undefined, kernels);
          assert.deepEqual(inferOnHost(image, samples), expected, kernels);
        }
      }),
      { numRuns: 150 },
    );
    assert(executed >= 100);
  });
}

test('whole graphs give the same bits under every strategy, with the power lost after every task', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const choices = seededChoices(seed);
      const graph = randomGraph(choices, { operators: choices.integer(1, 9) });
      fc.pre(outputFits(graph));
      const samples = [randomSample(graph, choices), randomSample(graph, choices)];
      const expected = samples.map((sample) => inferWithOracle(graph, sample));
      for (const strategy of STRATEGIES) {
        const kernels = KERNEL_SETS[choices.integer(0, KERNEL_SETS.length - 1)];
        const image = imageOf(graph, strategy, choices.integer(1, 3), kernels);
        assert.deepEqual(inferOnHost(image, samples), expected, strategy);
        assert.deepEqual(inferWithPowerLostAfterEveryTask(image, samples), expected, strategy);
      }
    }),
    { numRuns: 200 },
  );
});

function inferWithPowerLostAfterEveryTask(image: Uint8Array, samples: Int8Array[]): Int8Array[] {
  const board = new HostBoard({ image, dataset: emitDataset(samples) });
  board.boot();
  assert.equal(board.start(1, 0, samples.length).code, 0);
  const outputs: Int8Array[] = [];
  while (outputs.length < samples.length) {
    const event = board.advance();
    board.powerOff();
    board.boot();
    if (event === 'result') {
      const result = board.pendingResult();
      assert(result !== null);
      outputs.push(result.output);
      board.acknowledge(1, result.inference);
    }
  }
  return outputs;
}

test('SOFTMAX is within one step of the real one, for scales from tiny to huge', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: -6, max: 2 }),
      seeds,
      (depth, exponent, seed) => {
        const choices = seededChoices(seed);
        const builder = new GraphBuilder('softmax', [1, depth], choices);
        const scale = Math.fround(choices.integer(1, 9) * 10 ** exponent);
        builder.tensors[0].quantization = {
          scales: Float64Array.of(scale),
          zeroPoints: Int32Array.of(choices.integer(-128, 127)),
          axis: null,
        };
        builder.add(
          { kind: 'SOFTMAX', inputs: [0], beta: 1 },
          { scales: Float64Array.of(1 / 256), zeroPoints: Int32Array.of(-128), axis: null },
        );
        const graph = builder.build();
        const sample = randomSample(graph, choices);
        const [output] = inferOnHost(imageOf(graph, 'restart'), [sample]);
        const largest = Math.max(...sample);
        const exponentials = Array.from(sample, (value) => Math.exp((value - largest) * scale));
        const sum = exponentials.reduce((a, b) => a + b);
        exponentials.forEach((exponential, i) => {
          const exact = Math.min((exponential / sum) * 256, 255);
          assert(Math.abs(output[i] + 128 - exact) <= 1, `element ${i}: ${output[i] + 128} for ${exact}`);
        });
      },
    ),
    { numRuns: 300 },
  );
});
