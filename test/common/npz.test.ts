import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { InputError } from '../../src-main/common/errors.js';
import { loadDataset } from '../../src-main/common/dataset.js';
import { readNpy, readNpz, writeNpz, type NpyArray } from '../../src-main/common/npz.js';
import { sharedPath } from '../support/shared.js';

/** A .npy file with a header of our choice. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length, 0, 0, 0];
  return Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...data);
}

const code = (expected: string) => (error: unknown) => error instanceof InputError && error.code === expected;

test('reads what NumPy wrote', () => {
  const arrays = readNpz(readFileSync(sharedPath('eval', 'kws_25.npz')), 'kws_25.npz');
  assert.deepEqual(
    [...arrays].map(([name, { type, shape }]) => [name, type, shape]),
    [
      ['x', 'i1', [25, 49, 10, 1]],
      ['y', 'i8', [25]],
      ['expected', 'i1', [25, 12]],
    ],
  );
  assert.ok(arrays.get('y')?.data instanceof BigInt64Array);
});

test('what is written is read again, with the same bytes each time', () => {
  const arrays = new Map<string, NpyArray>([
    ['x', { type: 'f4', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 7) }],
    ['y', { type: 'i8', shape: [2], data: BigInt64Array.of(-1n, 2n ** 40n) }],
    ['s', { type: 'f8', shape: [], data: Float64Array.of(Math.PI) }],
    ['empty', { type: 'i2', shape: [0, 4], data: new Int16Array(0) }],
  ]);
  assert.deepEqual(readNpz(writeNpz(arrays), 'mine.npz'), arrays);
  assert.deepEqual(writeNpz(arrays), writeNpz(arrays));
});

test('versions 2 and 3 have a longer header length', () => {
  const header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n";
  for (const version of [1, 2, 3]) {
    assert.deepEqual(
      readNpy(npy(header, Uint8Array.of(5, 0, 0, 0), version), 'a.npy').data,
      Int32Array.of(5),
    );
  }
});

test('what does not fit is refused, with the reason', () => {
  const header = (descr: string, shape: string, order = 'False'): string =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const cases: [string, Uint8Array][] = [
    ['npz-damaged', npy(header("'<f4'", '1000000, 1000000'), new Uint8Array(4))],
    ['npz-damaged', npy(header("'<f4'", '999999999999999, 999999999999999, 99999999'), new Uint8Array(4))],
    ['npz-damaged', npy(header("'<f4'", '-1,'), new Uint8Array(4))],
    ['npz-damaged', npy('nonsense', new Uint8Array(4)).subarray(0, 15)],
    ['npz-unsupported', npy(header("'>f4'", '1,'), new Uint8Array(4))],
    ['npz-unsupported', npy(header("'<c8'", '1,'), new Uint8Array(8))],
    ['npz-unsupported', npy(header("[('a', '<f4')]", '1,'), new Uint8Array(4))],
    ['npz-unsupported', npy(header("'|i1'", '2, 2', 'True'), new Uint8Array(4))],
    ['npz-unsupported', npy(header("'|i1'", '2, 2'), new Uint8Array(4), 9)],
  ];
  cases.forEach(([expected, bytes]) => assert.throws(() => readNpy(bytes, 'a.npy'), code(expected)));
  assert.throws(() => readNpz(Uint8Array.of(1, 2, 3), 'a.npz'), code('npz-damaged'));
  assert.throws(() => readNpz(zipSync({ 'readme.txt': new Uint8Array(3) }), 'a.npz'), code('npz-damaged'));
});

test('an archive that promises more than deflate can pack is refused before memory is taken', () => {
  const archive = zipSync({ 'x.npy': new Uint8Array(1000) });
  const directory = new DataView(archive.buffer, archive.byteOffset);
  const at = Buffer.from(archive).indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  directory.setUint32(at + 24, 0x7fffffff, true);
  assert.throws(() => readNpz(archive, 'bomb.npz'), InputError);
});

test('a damaged archive is an InputError, never another error', () => {
  const original = readFileSync(sharedPath('eval', 'kws_25.npz'));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(original.length),
      fc.boolean(),
      (changes, length, tail) => {
        const bytes = new Uint8Array(original);
        changes.forEach(([at, value]) => (bytes[tail ? bytes.length - 1 - (at % 300) : at] = value));
        try {
          loadDataset(length % 4 === 0 ? bytes.subarray(0, length) : bytes, 'fuzz.npz');
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a data set is cut into samples with their labels', () => {
  const { samples, sampleShape, type, labels } = loadDataset(
    readFileSync(sharedPath('eval', 'ic_25.npz')),
    'ic_25.npz',
  );
  assert.equal(samples.length, 25);
  assert.deepEqual(sampleShape, [32, 32, 3]);
  assert.equal(type, 'int8');
  assert.ok(samples.every((sample) => sample.length === 3072));
  assert.ok(labels?.length === 25 && labels.every((label) => label >= 0 && label < 10));
});

test('a data set without samples, with odd labels or of another type says so', () => {
  const x: NpyArray = { type: 'f8', shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
  const set = (arrays: Record<string, NpyArray>) => () =>
    loadDataset(writeNpz(new Map(Object.entries(arrays))), 'd.npz');
  assert.deepEqual(set({ x })().samples, [Float32Array.of(1, 2), Float32Array.of(3, 4)]);
  assert.equal(set({ x })().labels, null);
  const refused = code('dataset-unsupported');
  assert.throws(set({ z: x }), refused);
  assert.throws(set({ x: { ...x, shape: [0], data: new Float64Array(0) } }), refused);
  assert.throws(set({ x: { ...x, data: Float64Array.of(1, 2, 3, NaN) } }), refused);
  assert.throws(set({ x: { type: 'i4', shape: [1], data: Int32Array.of(1) } }), refused);
  assert.throws(set({ x, y: { type: 'i4', shape: [1], data: Int32Array.of(1) } }), refused);
  assert.throws(set({ x, y: { type: 'f4', shape: [2], data: Float32Array.of(1, 0.5) } }), refused);
});
