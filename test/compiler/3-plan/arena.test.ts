import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allocate,
  ALIGNMENT,
  bytesAt,
  lowerBound,
  type Block,
} from '../../../src-main/compiler/3-plan/allocate.js';
import { plan } from '../../../src-main/compiler/3-plan/index.js';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { compile } from '../../../src-main/compiler/index.js';
import { emit } from '../../../src-main/compiler/4-emit/index.js';
import { elementCount } from '../../../src-main/compiler/graph.js';
import { KERNEL_SETS, STRATEGIES } from '../../../src-main/compiler/plan.js';
import { inferWithOracle } from '../../support/int8-oracle.js';
import { tightPower } from '../../support/planning-power.js';
import { GraphBuilder, randomGraph, randomSample, seededChoices, seeds } from '../../support/random-graph.js';
import { sharedPath } from '../../support/shared.js';

function blocksOf(maxLength: number): fc.Arbitrary<Block[]> {
  return fc.array(
    fc
      .record({ bytes: fc.integer({ min: 1, max: 500 }), begin: fc.nat(20), length: fc.nat(8) })
      .map(({ bytes, begin, length }) => ({ bytes, begin, end: begin + length })),
    { maxLength },
  );
}

function live(a: Block, b: Block): boolean {
  return a.begin <= b.end && b.begin <= a.end;
}

const rounded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

test('blocks that live together never overlap; the bound holds; the same blocks get the same places', () => {
  fc.assert(
    fc.property(blocksOf(25), (list) => {
      const { offsets, bytes } = allocate(list);
      list.forEach((a, i) => {
        assert.equal(offsets[i] % ALIGNMENT, 0);
        assert(offsets[i] + a.bytes <= bytes);
        list.slice(i + 1).forEach((b, j) => {
          const [first, second] = [offsets[i], offsets[i + 1 + j]];
          assert(!live(a, b) || first + a.bytes <= second || second + b.bytes <= first);
        });
      });
      const bound = list.reduce((most, { begin }) => Math.max(most, bytesAt(list, begin)), 0);
      assert.equal(lowerBound(list), bound);
      assert(bytes >= bound);
      assert(bytes <= list.reduce((sum, each) => sum + rounded(each.bytes), 0));
      assert.deepEqual(allocate(list), { offsets, bytes });
    }),
  );
});

/**
 * The best placement of all: a block lies at the bottom or right on top of one that it lives with, so trying these offsets
 * for every block in turn, in every order in which they may lie, finds it. Branch and bound over offsets.
 */
function optimum(list: readonly Block[]): number {
  let best = list.reduce((sum, each) => sum + rounded(each.bytes), 0);
  const search = (
    placed: readonly { block: Block; offset: number }[],
    rest: readonly Block[],
    bytes: number,
  ) => {
    if (bytes >= best) {
      return;
    }
    if (rest.length === 0) {
      best = bytes;
      return;
    }
    rest.forEach((block, index) => {
      const neighbours = placed.filter((other) => live(other.block, block));
      const candidates = new Set([0, ...neighbours.map((each) => each.offset + rounded(each.block.bytes))]);
      for (const offset of candidates) {
        const free = neighbours.every(
          (each) =>
            offset + rounded(block.bytes) <= each.offset || each.offset + rounded(each.block.bytes) <= offset,
        );
        if (free) {
          const others = rest.filter((_, i) => i !== index);
          search([...placed, { block, offset }], others, Math.max(bytes, offset + rounded(block.bytes)));
        }
      }
    });
  };
  search([], list, 0);
  return best;
}

test('up to six blocks are placed as well as the best of all placements', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc
          .record({ bytes: fc.integer({ min: 1, max: 200 }), begin: fc.nat(6), length: fc.nat(4) })
          .map(({ bytes, begin, length }) => ({ bytes, begin, end: begin + length })),
        { maxLength: 6 },
      ),
      (list) => {
        assert.equal(allocate(list).bytes, optimum(list));
      },
    ),
    { numRuns: 300 },
  );
});

test('a case where no simple order is best, and the walk through orders finds the bound', () => {
  // Largest first leaves a hole that the last two cannot share.
  const list = [
    { bytes: 48, begin: 0, end: 2 },
    { bytes: 32, begin: 1, end: 4 },
    { bytes: 48, begin: 3, end: 6 },
    { bytes: 32, begin: 5, end: 8 },
    { bytes: 48, begin: 5, end: 5 },
    { bytes: 80, begin: 7, end: 8 },
    { bytes: 16, begin: 2, end: 3 },
  ];
  assert.equal(allocate(list).bytes, optimum(list));
});

/** Bound and peak in bytes per model: tensors only, and with what the fast kernels work in. */
const SHARED_MODELS = {
  'kws_ds_cnn_int8.tflite': { reference: [16_000, 16_000], fast: [20_200, 20_208] },
  'ic_resnet8_int8.tflite': { reference: [49_152, 49_152], fast: [88_896, 88_896] },
  'hello_world_int8.tflite': { reference: [32, 32], fast: [368, 368] },
  'micro_speech_int8.tflite': { reference: [5960, 5968], fast: [28_100, 28_112] },
} as const;

for (const [name, expected] of Object.entries(SHARED_MODELS)) {
  test(`${name}: the arena is within 5 % of the lower bound`, () => {
    for (const kernels of KERNEL_SETS) {
      const { plan: planned, inspection } = compile(readFileSync(sharedPath('models', name)), name, {
        strategy: 'layer',
        kernels,
        boardNumber: 0,
        sramBytes: 208 << 10,
        nvmBytes: 512 << 10,
      });
      const { lowerBoundBytes, operatorBytes } = planned.memory;
      assert.deepEqual([lowerBoundBytes, planned.arenaBytes], expected[kernels]);
      assert(planned.arenaBytes >= lowerBoundBytes);
      // Offsets are multiples of 16, which is more than 5 % of a tiny model.
      assert(planned.arenaBytes <= Math.max(1.05 * lowerBoundBytes, lowerBoundBytes + 2 * ALIGNMENT));
      assert.equal(Math.max(...operatorBytes), lowerBoundBytes);
      if (kernels === 'reference') {
        assert(lowerBoundBytes <= inspection.peakActivationBytes);
      }
    }
  });
}

test('an ADD writes over the input that dies there, and over none that is still needed', () => {
  const choices = seededChoices(5);
  const builder = new GraphBuilder('in place', [1, 4, 4, 2], choices);
  const input = builder.last;
  const clamped = builder.add({ kind: 'CLAMP', inputs: [input], minimum: -1, maximum: 1 });
  const kept = builder.add({ kind: 'ADD', inputs: [clamped, input], activation: 'NONE' });
  const last = builder.add({ kind: 'ADD', inputs: [clamped, kept], activation: 'NONE' });
  const { placements, arenaBytes } = plan(builder.build(), {
    strategy: 'layer',
    kernels: 'reference',
    sramBytes: 4096,
    nvmBytes: 1 << 16,
  });
  const placeOf = (tensor: number): number =>
    placements.find((each) => each.tensor === tensor)?.arenaOffset ?? assert.fail();
  assert.equal(arenaBytes, 64);
  assert.notEqual(placeOf(clamped), placeOf(input));
  assert.equal(placeOf(kept), placeOf(input));
  assert([placeOf(clamped), placeOf(kept)].includes(placeOf(last)));
});

test('random graphs: the arena keeps its bound, and both kernel sets compute in place what the oracle computes', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const choices = seededChoices(seed);
      const graph = randomGraph(choices, {
        operators: choices.integer(2, 9),
        kinds: ['ADD', 'CLAMP', 'CONV_2D', 'ADD', 'MAX_POOL_2D', 'RESHAPE'],
      });
      fc.pre(elementCount(graph.tensors[graph.outputs[0]].shape) <= 1024);
      const sample = randomSample(graph, choices);
      const expected = [inferWithOracle(graph, sample)];
      for (const kernels of KERNEL_SETS) {
        for (const strategy of STRATEGIES) {
          const planned = plan(graph, {
            strategy,
            kernels,
            sramBytes: 1 << 20,
            nvmBytes: 1 << 20,
            tileUnits: 1,
            power: tightPower(graph),
          });
          assert(planned.arenaBytes >= planned.memory.lowerBoundBytes);
          const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
          assert.deepEqual(inferOnHost(image, [sample]), expected);
        }
      }
    }),
    { numRuns: 40 },
  );
});
