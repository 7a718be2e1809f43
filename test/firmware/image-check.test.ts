import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostBoard, inferOnHost, STATUS, type Status } from '../../src-main/board/host/host-board.js';
import { crc32 } from '../../src-main/common/crc32.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import { describeImage, emitDataset } from '../../src-main/compiler/index.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { InputError } from '../../src-main/common/errors.js';
import { elementCount, type Graph } from '../../src-main/compiler/graph.js';
import { powerOf } from '../support/planning-power.js';
import { tiledGraph, tiledPlan } from '../support/tiled-model.js';
import { randomGraph, randomSample, seededChoices, seeds } from '../support/random-graph.js';

const BOARD = 0x30345052;
const ARENA = 4096;
const NVM = 16 << 10;

/** Offsets in the header, from firmware/SPEC.md. */
const AT = {
  magic: 0,
  version: 4,
  headerBytes: 6,
  imageBytes: 8,
  crc: 12,
  board: 16,
  kernels: 21,
  lightCommits: 22,
  reserved: 23,
  arena: 40,
  nvm: 44,
  input: 48,
  output: 52,
  operators: 56,
  operatorCount: 60,
  tasks: 64,
  taskCount: 68,
  steps: 72,
  stepCount: 76,
  constants: 80,
  constantsBytes: 84,
  bankBytes: 88,
  brownOutMillivolts: 92,
  wakeMillivolts: 96,
  reserved1: 98,
  napMicros: 100,
  reserved2: 104,
} as const;

function smallImage(seed = 11, operators = 6): { image: Uint8Array; graph: Graph; dataset: Uint8Array } {
  const choices = seededChoices(seed);
  let graph = randomGraph(choices, { operators });
  while (elementCount(graph.tensors[graph.outputs[0]].shape) > 1024) {
    graph = randomGraph(choices, { operators });
  }
  const planned = plan(graph, {
    strategy: 'tile',
    kernels: 'fast',
    sramBytes: 1 << 20,
    nvmBytes: 1 << 20,
    tileUnits: 1,
  });
  const image = emit(planned, { board: BOARD, modelSha256: new Uint8Array(32) });
  return { image, graph, dataset: emitDataset([randomSample(graph, choices)]) };
}

/** Offset in the image of the first step of a kind. */
function stepOf(image: Uint8Array, kind: number): number {
  const view = new DataView(image.buffer);
  const first = view.getUint32(AT.steps, true);
  const count = view.getUint32(AT.steps + 4, true);
  const index = Array.from({ length: count }, (_, i) => first + 16 * i).find((at) => image[at] === kind);
  return index ?? assert.fail(`no step of kind ${kind}`);
}

function check(image: Uint8Array, dataset: Uint8Array): Status {
  return new HostBoard({ image, dataset, board: BOARD, arenaBytes: ARENA, nvmBytes: NVM }).checkImage();
}

function withCrc(image: Uint8Array): Uint8Array {
  const bytes = new DataView(image.buffer).getUint32(AT.imageBytes, true);
  new DataView(image.buffer).setUint32(AT.crc, crc32(image.subarray(16, bytes)), true);
  return image;
}

/** A copy with one 32-bit word replaced and the checksum made right again. */
function patched(image: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = image.slice();
  new DataView(copy.buffer).setUint32(offset, value, true);
  return offset < 16 ? copy : withCrc(copy);
}

test('a fresh image passes', () => {
  const { image, dataset } = smallImage();
  assert.deepEqual(check(image, dataset), { code: STATUS.OK, detail: 0 });
});

test('every field of the header that is wrong has its own answer', () => {
  const { image, dataset } = smallImage();
  const word = (offset: number): number => new DataView(image.buffer).getUint32(offset, true);
  const structure = (offset: number): Status => ({ code: STATUS.IMAGE_STRUCTURE, detail: offset });
  const cases: [string, Uint8Array, Status][] = [
    ['magic', patched(image, AT.magic, 0xdeadbeef), { code: STATUS.IMAGE_MAGIC, detail: 0xdeadbeef }],
    ['version', patched(image, AT.version, (128 << 16) | 2), { code: STATUS.IMAGE_VERSION, detail: 2 }],
    ['header bytes', patched(image, AT.version, (127 << 16) | 3), structure(AT.headerBytes)],
    ['image bytes, longer', patched(image, AT.imageBytes, image.length + 16), structure(AT.imageBytes)],
    ['image bytes, odd', patched(image, AT.imageBytes, image.length - 1), structure(AT.imageBytes)],
    ['image bytes, tiny', patched(image, AT.imageBytes, 112), structure(AT.imageBytes)],
    ['crc', patched(image, AT.crc, 0), { code: STATUS.IMAGE_CHECKSUM, detail: word(AT.crc) }],
    ['board', patched(image, AT.board, 0x12345678), { code: STATUS.IMAGE_BOARD, detail: 0x12345678 }],
    ['kernels', patched(image, 20, 0x0202), { code: STATUS.KERNELS_UNKNOWN, detail: 2 }],
    ['light commits', patched(image, 20, 0x20002), structure(AT.lightCommits)],
    ['reserved', patched(image, 20, 0x1000002), structure(AT.reserved)],
    ['banks', patched(image, AT.bankBytes, word(AT.nvm) / 2 + 1), structure(AT.bankBytes)],
    ['arena', patched(image, AT.arena, ARENA + 1), { code: STATUS.IMAGE_ARENA, detail: ARENA + 1 }],
    ['NVM', patched(image, AT.nvm, NVM - 0x1000 + 1), { code: STATUS.IMAGE_NVM, detail: NVM - 0x1000 + 1 }],
    ['input, none', patched(image, AT.input, 0), structure(AT.input)],
    // A sample may be larger than the arena: it is read in parts. These do not fit any more.
    ['input, too small', patched(image, AT.input, 1), structure(stepOf(image, 3) + 8)],
    ['output, none', patched(image, AT.output, 0), structure(AT.output)],
    ['output, too large', patched(image, AT.output, 1025), structure(AT.output)],
    ['tasks, none', patched(image, AT.taskCount, 0), structure(AT.tasks)],
    [
      'wakes below where it rests',
      patched(image, AT.brownOutMillivolts, 1 << 16),
      structure(AT.wakeMillivolts),
    ],
    ['reserved after it', patched(image, AT.wakeMillivolts, 1 << 16), structure(AT.reserved1)],
    ['nap, too short', patched(image, AT.napMicros, 199), structure(AT.napMicros)],
    ['nap, too long', patched(image, AT.napMicros, 50_001), structure(AT.napMicros)],
    ['reserved at the end', patched(image, AT.reserved2 + 20, 1), structure(AT.reserved2)],
  ];
  for (const offset of [AT.operators, AT.tasks, AT.steps, AT.constants]) {
    cases.push(
      [`section ${offset} in the header`, patched(image, offset, 112), structure(offset)],
      [`section ${offset} not aligned`, patched(image, offset, word(offset) + 4), structure(offset)],
      [`section ${offset} behind the end`, patched(image, offset, image.length + 16), structure(offset)],
      [`section ${offset} far too long`, patched(image, offset + 4, 0x0fffffff), structure(offset)],
    );
  }
  for (const [name, bytes, expected] of cases) {
    assert.deepEqual(check(bytes, dataset), expected, name);
  }
});

test('steps that fetch, spill and read parts of a sample stay within what they may touch', () => {
  const choices = seededChoices(3);
  const graph = tiledGraph(choices);
  const planned = tiledPlan(graph, 'adaptive', powerOf(1e-3));
  assert(planned.tiling !== null && planned.bankBytes > 0);
  const image = emit(planned, { board: BOARD, modelSha256: new Uint8Array(32) });
  const dataset = emitDataset([randomSample(graph, choices)]);
  assert.equal(check(image, dataset).code, STATUS.OK);
  const word = (offset: number): number => new DataView(image.buffer).getUint32(offset, true);
  const [input, fetch, spill] = [3, 5, 6].map((kind) => stepOf(image, kind));
  for (const [name, offset, value] of [
    [
      'input beyond the sample',
      input + 8,
      elementCount(graph.tensors[graph.inputs[0]].shape) - word(input + 12) + 1,
    ],
    ['fetch beyond the NVM', fetch + 8, planned.nvmBytes - word(fetch + 12) + 1],
    ['fetch from a bank', fetch + 8, 2 * planned.bankBytes - 1],
    ['spill beyond the NVM', spill + 8, planned.nvmBytes - word(spill + 12) + 1],
    ['spill into a bank', spill + 8, 0],
  ] as const) {
    assert.deepEqual(
      check(patched(image, offset, value), dataset),
      { code: STATUS.IMAGE_STRUCTURE, detail: offset },
      name,
    );
  }
});

test('a byte that changed anywhere behind the checksum is found', () => {
  const { image, dataset } = smallImage();
  for (let offset = 16; offset < image.length; offset++) {
    const copy = image.slice();
    copy[offset] ^= 0x40;
    assert.equal(check(copy, dataset).code, STATUS.IMAGE_CHECKSUM);
  }
});

test('a cut-off image is refused', () => {
  const { image, dataset } = smallImage();
  for (const length of [0, 4, 127, 128, image.length - 16, image.length - 1]) {
    assert.notEqual(check(image.slice(0, length), dataset).code, STATUS.OK, String(length));
  }
});

test('whatever passes the check runs: corrupt images with a right checksum never trap', () => {
  let passed = 0;
  fc.assert(
    fc.property(
      seeds,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { minLength: 1, maxLength: 3 }),
      (seed, flips) => {
        const { image, dataset } = smallImage(seed, 5);
        // Fields of header and records, not the weights, where a flip is harmless.
        const end = new DataView(image.buffer).getUint32(AT.constants, true);
        for (const [position, bit] of flips) {
          image[16 + (position % (end - 16))] ^= 1 << bit;
        }
        withCrc(image);
        const board = new HostBoard({ image, dataset, board: BOARD, arenaBytes: ARENA, nvmBytes: NVM });
        const before = board.checkImage().code;
        if (before !== STATUS.OK) {
          assert(before >= STATUS.IMAGE_BOARD && before <= STATUS.KERNELS_UNKNOWN);
          return;
        }
        const outside = outsideArena(board, image.length + dataset.length);
        board.boot();
        if (board.start(1, 0, 1).code === STATUS.OK) {
          passed++;
          for (let task = 0; task < 2000 && board.advance() === 'task'; task++) {
            // As many tasks as it has.
          }
        }
        assert.deepEqual(outsideArena(board, image.length + dataset.length), outside);
      },
    ),
    { numRuns: 1500 },
  );
  assert(passed > 50, `only ${passed} corrupt images passed the check`);
});

/** What lies around the arena and is never written: image and data set before it, unused NVM behind it. */
function outsideArena({ arena, nvm }: HostBoard, bytesBefore: number): Uint8Array[] {
  const before = new Uint8Array(arena.buffer, arena.byteOffset - bytesBefore, bytesBefore);
  return [before.slice(), nvm.slice(0x120, 0x400), nvm.slice(0xc00, 0x1000)];
}

test('a damaged data set is refused', () => {
  const { image, dataset } = smallImage();
  const codeOf = (bytes: Uint8Array): number => new HostBoard({ image, dataset: bytes }).checkDataset().code;
  assert.equal(codeOf(dataset), STATUS.OK);
  for (let offset = 0; offset < dataset.length; offset++) {
    const copy = dataset.slice();
    copy[offset] ^= 1;
    assert.equal(codeOf(copy), STATUS.DATASET_BAD, String(offset));
  }
  assert.equal(codeOf(dataset.slice(0, -1)), STATUS.DATASET_BAD);
});

test('a run with samples that are not there, or with a foreign data set, does not start', () => {
  const { image, dataset, graph } = smallImage();
  const board = new HostBoard({ image, dataset });
  board.boot();
  assert.deepEqual(board.start(1, 1, 1), { code: STATUS.SAMPLE_RANGE, detail: 2 });
  assert.deepEqual(board.start(1, 0, 2), { code: STATUS.SAMPLE_RANGE, detail: 2 });
  assert.equal(board.start(1, 0, 0).code, STATUS.SAMPLE_RANGE);
  assert.equal(board.start(1, 0xffffffff, 2).code, STATUS.SAMPLE_RANGE);
  assert.equal(board.start(1, 0, 1).code, STATUS.OK);
  assert.deepEqual(board.start(2, 0, 1), { code: STATUS.BUSY, detail: 1 });

  const foreign = new Int8Array(elementCount(graph.tensors[graph.inputs[0]].shape) + 1);
  assert.throws(() => inferOnHost(image, [foreign]), InputError);
});

test('a run does not go on with another image or data set', () => {
  const first = smallImage(5);
  const board = new HostBoard({ ...first, nvmBytes: NVM });
  board.boot();
  assert.equal(board.start(1, 0, 1).code, STATUS.OK);
  const second = new HostBoard({ ...smallImage(6), nvmBytes: NVM });
  second.nvm.set(board.nvm.subarray(0, 256));
  second.boot();
  assert.equal(second.record().state, 'stopped');
  assert.equal(second.advance(), 'none');
});

/** What kinds of the graph and of the image have in common, where several kinds share a kernel. */
function family(kind: string): string {
  const plain = kind.replace(/_(PACKED|STREAMED|TABLED)$/, '');
  if (['QUANTIZE', 'LEAKY_RELU', 'PRELU', 'ADD', 'SUB', 'MUL', 'TABLE', 'BINARY'].includes(plain)) {
    return 'element-wise';
  }
  return ['TRANSPOSE', 'SLICE'].includes(plain) ? 'COPY' : plain;
}

test('describeImage says what emit wrote, and takes no damaged image', () => {
  const { image, graph } = smallImage();
  const description = describeImage(image);
  assert.equal(description.strategy, 'tile');
  assert.equal(description.board, BOARD);
  assert.deepEqual(
    description.operators.map(({ kind }) => family(kind)).sort(),
    graph.operators
      .filter(({ kind }) => kind !== 'RESHAPE')
      // Several rows at once are stored as a convolution of 1x1.
      .map((operator) =>
        operator.kind === 'FULLY_CONNECTED' &&
        elementCount(graph.tensors[operator.outputs[0]].shape) > graph.tensors[operator.inputs[1]].shape[0]
          ? 'CONV_2D'
          : family(operator.kind),
      )
      .sort(),
  );
  assert.deepEqual(
    description.tasks.at(-1)?.steps.map(({ kind }) => kind),
    ['EXECUTE', 'OUTPUT'],
  );
  for (let offset = 8; offset < image.length; offset++) {
    const copy = image.slice();
    copy[offset] ^= 0x10;
    assert.throws(() => describeImage(copy), InputError, String(offset));
  }
});
