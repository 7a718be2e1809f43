import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { describeImage, emit } from '../../src-main/compiler/4-emit/index.js';
import { elementCount, type Graph } from '../../src-main/compiler/graph.js';
import type { KernelSet, Plan, Strategy } from '../../src-main/compiler/plan.js';
import { runOnBoard } from '../../tools/bench/kernel-cycles.js';
import { GraphBuilder, randomGraph, randomSample, seededChoices, seeds } from '../support/random-graph.js';
import type { Choices } from '../support/random-graph.js';

const NO_MODEL = { board: 0, modelSha256: new Uint8Array(32) };

function planOf(graph: Graph, kernels: KernelSet, strategy: Strategy = 'restart'): Plan {
  return plan(graph, { strategy, kernels, sramBytes: 200_000, nvmBytes: 1 << 18 });
}

function kindsOf(image: Uint8Array): string[] {
  return describeImage(image).operators.map(({ kind }) => kind);
}

/** One layer of a kind that has a fast kernel, with shapes beyond what whole random graphs have. */
function layer(choices: Choices): Graph {
  const { integer } = choices;
  const kind = (['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'ADD'] as const)[integer(0, 3)];
  const shape = [1, integer(1, 12), integer(1, 12), integer(1, 11)];
  const isWinograd = kind === 'CONV_2D' && integer(0, 2) === 0;
  if (kind === 'FULLY_CONNECTED') {
    const inputs = integer(1, 300);
    const graph = new GraphBuilder('layer', [1, inputs], choices);
    const outputs = integer(1, 21);
    const weights = graph.weights([outputs, inputs], outputs, 0, inputs);
    graph.add({ kind, inputs: [graph.last, ...weights], activation: 'NONE' });
    return graph.build();
  }
  const graph = new GraphBuilder('layer', shape, choices);
  if (kind === 'CONV_2D' && integer(0, 3) === 0) {
    return manyWeights(choices);
  }
  if (kind === 'ADD') {
    graph.add({ kind: 'CLAMP', inputs: [0], minimum: -3, maximum: 4 });
    graph.add({ kind, inputs: [0, graph.last], activation: 'RELU' });
    return graph.build();
  }
  const depthwise = kind === 'DEPTHWISE_CONV_2D';
  const [height, width] = depthwise || isWinograd ? [3, 3] : [integer(1, 5), integer(1, 5)];
  const dilationHeight = isWinograd ? 1 : integer(1, 3);
  const dilationWidth = depthwise || isWinograd ? 1 : integer(1, 3);
  const reach = [dilationHeight * (height - 1), dilationWidth * (width - 1)];
  // Enough that the window fits, and often more, so that windows see nothing but padding.
  const beside = (extent: number, needed: number): [number, number] => {
    const all = Math.max(0, needed + 1 - extent) + integer(0, 2 * needed + 1);
    const before = integer(0, all);
    return [before, all - before];
  };
  const [top, bottom] = beside(shape[1], reach[0]);
  const [left, right] = beside(shape[2], reach[1]);
  const window = {
    strideHeight: isWinograd ? 1 : integer(1, 3),
    strideWidth: isWinograd ? 1 : integer(1, 3),
    dilationHeight,
    dilationWidth,
    padding: { top, bottom, left, right },
    activation: (['NONE', 'RELU6'] as const)[integer(0, 1)],
  };
  if (kind === 'CONV_2D') {
    const outputs = integer(1, isWinograd ? 24 : 9);
    const weights = graph.weights([outputs, height, width, shape[3]], outputs, 0, height * width * shape[3]);
    graph.add({ kind, inputs: [0, ...weights], ...window });
  } else {
    const depthMultiplier = integer(1, 3);
    const outputs = shape[3] * depthMultiplier;
    const weights = graph.weights([1, 3, 3, outputs], outputs, 3, 9);
    graph.add({ kind: 'DEPTHWISE_CONV_2D', inputs: [0, ...weights], ...window, depthMultiplier });
  }
  return graph.build();
}

/** A pointwise convolution of a few pixels, with so many weights that they come in bursts, in several passes. */
function manyWeights(choices: Choices): Graph {
  const { integer } = choices;
  const depth = integer(20, 90);
  const graph = new GraphBuilder('layer', [1, integer(1, 4), integer(1, 4), depth], choices);
  const outputs = integer(52, 64);
  graph.add({
    kind: 'CONV_2D',
    inputs: [graph.last, ...graph.weights([outputs, 1, 1, depth], outputs, 0, depth)],
    strideHeight: integer(1, 2),
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    padding: { top: 0, bottom: 0, left: 0, right: 0 },
    activation: (['NONE', 'RELU6'] as const)[integer(0, 1)],
  });
  return graph.build();
}

/** Weights, zero points and scales at the edges of what they may be. */
function toExtremes(graph: Graph, { integer }: Choices): void {
  const style = integer(0, 5);
  for (const tensor of graph.tensors) {
    const { data, quantization } = tensor;
    if (data instanceof Int8Array) {
      const values = [[127], [-127], [127, -127], [0], [-128, 127], [1, -1, 0, 127]][style];
      data.forEach((_, index) => (data[index] = values[integer(0, values.length - 1)]));
      // Also zero, tiny and huge factors, which saturate every output or none.
      const factor = [1, 1e-9, 1e-3, 300, 1e6][integer(0, 4)];
      quantization?.scales.forEach((scale, i) => (quantization.scales[i] = Math.fround(scale * factor)));
    } else if (data === null && quantization !== null) {
      quantization.zeroPoints[0] = [-128, 127, 0][integer(0, 2)];
    }
  }
}

function extremeSample(graph: Graph, choices: Choices): Int8Array {
  const length = elementCount(graph.tensors[graph.inputs[0]].shape);
  const values = [[-128], [127], [-128, 127]][choices.integer(0, 2)];
  return Int8Array.from({ length }, () => values[choices.integer(0, values.length - 1)]);
}

for (const extreme of [false, true]) {
  test(`fast and reference kernels give the same bits: ${extreme ? 'extreme' : 'any'} values`, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(seeds, (seed) => {
        const choices = seededChoices(seed);
        const graph = layer(choices);
        fc.pre(elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024);
        if (extreme) {
          toExtremes(graph, choices);
        }
        const samples = [extremeSample(graph, choices), randomSample(graph, choices)];
        const fast = emit(planOf(graph, 'fast', choices.integer(0, 1) === 0 ? 'restart' : 'tile'), NO_MODEL);
        kindsOf(fast).forEach((kind) => seen.add(kind));
        const reference = emit(planOf(graph, 'reference'), NO_MODEL);
        assert.deepEqual(inferOnHost(fast, samples), inferOnHost(reference, samples));
      }),
      { numRuns: 1500 },
    );
    for (const kind of ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'] as const) {
      assert(seen.has(`${kind}_PACKED`), `no ${kind} was executed by its fast kernel`);
      assert(!extreme || seen.has(kind), `no ${kind} was left to its reference kernel`);
    }
    for (const kind of ['ADD_TABLED', 'CONV_2D_STREAMED', 'CONV_2D_WINOGRAD']) {
      assert(seen.has(kind), `no ${kind} was executed`);
    }
  });
}

test('the virtual Pico gives the bits of the host build, with assembly against C', async () => {
  const seen = new Set<string>();
  let compared = 0;
  for (let seed = 1; compared < 36; seed++) {
    const choices = seededChoices(seed * 104_729);
    const graph =
      seed % 3 === 0 ? randomGraph(choices, { operators: choices.integer(2, 6) }) : layer(choices);
    if (seed % 4 === 0) {
      toExtremes(graph, choices);
    }
    if (elementCount(graph.tensors[graph.outputs[0]].shape) > 1024) {
      continue;
    }
    const planned = planOf(graph, 'fast', seed % 2 === 0 ? 'restart' : 'tile');
    const image = emit(planned, NO_MODEL);
    kindsOf(image).forEach((kind) => seen.add(kind));
    const sample = seed % 5 === 0 ? extremeSample(graph, choices) : randomSample(graph, choices);
    const { output } = await runOnBoard(planned, sample, false);
    assert.deepEqual(output, inferOnHost(image, [sample])[0], `seed ${seed}`);
    compared++;
  }
  const kinds = ['CONV_2D_PACKED', 'CONV_2D_STREAMED', 'DEPTHWISE_CONV_2D_PACKED', 'FULLY_CONNECTED_PACKED'];
  for (const kind of [...kinds, 'ADD_TABLED']) {
    assert(seen.has(kind), `no ${kind} among the graphs`);
  }
});

test('the virtual Pico gives the bits of the host build: Winograd', async () => {
  let compared = 0;
  for (let seed = 1; compared < 16; seed++) {
    const choices = seededChoices(seed * 7919);
    const { integer } = choices;
    const depth = integer(1, 20);
    const graph = new GraphBuilder('winograd', [1, integer(4, 10), integer(4, 10), depth], choices);
    const outputs = integer(4, 20);
    const weights = graph.weights([outputs, 3, 3, depth], outputs, 0, 9 * depth);
    const pad = (): number => integer(0, 2);
    graph.add({
      kind: 'CONV_2D',
      inputs: [0, ...weights],
      strideHeight: 1,
      strideWidth: 1,
      dilationHeight: 1,
      dilationWidth: 1,
      padding: { top: pad(), bottom: pad(), left: pad(), right: pad() },
      activation: (['NONE', 'RELU'] as const)[integer(0, 1)],
    });
    const built = graph.build();
    if (seed % 3 === 0) {
      toExtremes(built, choices);
    }
    if (elementCount(built.tensors[built.outputs[0]].shape) > 1024) {
      continue;
    }
    const planned = planOf(built, 'fast', seed % 2 === 0 ? 'restart' : 'tile');
    const image = emit(planned, NO_MODEL);
    if (!kindsOf(image).includes('CONV_2D_WINOGRAD')) {
      continue;
    }
    const sample = seed % 5 === 0 ? extremeSample(built, choices) : randomSample(built, choices);
    const { output } = await runOnBoard(planned, sample, false);
    assert.deepEqual(output, inferOnHost(image, [sample])[0], `seed ${seed}`);
    compared++;
  }
});

test('the virtual Pico gives the bits of the host build for operators that have one kernel', async () => {
  const kinds = ['TABLE', 'BINARY', 'COPY', 'CONCATENATION', 'RESIZE_NEAREST'] as const;
  const seen = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const choices = seededChoices(seed * 104_729);
    const graph = randomGraph(choices, {
      operators: 6,
      kinds: [
        ...(['SUB', 'MUL', 'ADD', 'QUANTIZE', 'LEAKY_RELU', 'PRELU'] as const),
        ...(['TRANSPOSE', 'SLICE', 'CONCATENATION', 'RESIZE_NEAREST', 'MEAN'] as const),
      ],
    });
    if (elementCount(graph.tensors[graph.outputs[0]].shape) > 1024) {
      continue;
    }
    const planned = planOf(graph, seed % 2 === 0 ? 'reference' : 'fast', 'tile');
    const image = emit(planned, NO_MODEL);
    kindsOf(image).forEach((kind) => seen.add(kind));
    const sample = randomSample(graph, choices);
    const { output } = await runOnBoard(planned, sample, false);
    assert.deepEqual(output, inferOnHost(image, [sample])[0], `seed ${seed}`);
  }
  for (const kind of kinds) {
    assert(seen.has(kind), `no ${kind} among the graphs`);
  }
});
