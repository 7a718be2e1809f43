import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compile, describeImage, emitDataset, quantizeInput } from '../../src-main/compiler/index.js';
import { InputError } from '../../src-main/common/errors.js';
import { sharedPath } from '../support/shared.js';

const OPTIONS = {
  strategy: 'layer',
  kernels: 'reference',
  boardNumber: 0x30345052,
  sramBytes: 128 << 10,
  nvmBytes: 512 << 10,
} as const;

function model(name: string): Uint8Array {
  return readFileSync(sharedPath('models', name));
}

test('an image says which model, board and plan it is made of, and is the same every time', () => {
  const name = 'ic_resnet8_int8.tflite';
  const compiled = compile(model(name), name, OPTIONS);
  const sha256 = createHash('sha256').update(model(name)).digest('hex');
  const description = describeImage(compiled.image);
  assert.equal(compiled.modelSha256, sha256);
  assert.equal(description.modelSha256, sha256.slice(0, 32));
  assert.equal(description.board, OPTIONS.boardNumber);
  assert.equal(description.arenaBytes, compiled.plan.arenaBytes);
  assert.equal(description.nvmBytes, compiled.plan.nvmBytes);
  assert.equal(description.tasks.length, compiled.plan.tasks.length);
  assert.equal(compiled.inspection.macs, 12_501_632);
  assert.deepEqual(compile(model(name), name, OPTIONS).image, compiled.image);
});

test('a model that needs more SRAM than there is fails with the operator to look at, and what would do does', () => {
  const name = 'ic_resnet8_int8.tflite';
  assert.throws(
    () => compile(model(name), name, { ...OPTIONS, sramBytes: 4000 }),
    (error: unknown) => {
      assert(error instanceof InputError);
      assert.match(
        error.message,
        /AVERAGE_POOL_2D ".*" \(1 x 8 x 8 x 64 to 1 x 1 x 1 x 64\) needs at least 4160 bytes of SRAM/,
      );
      const [, bytes] = /--sram (\d+)/.exec(error.remedy ?? '') ?? assert.fail(error.remedy ?? '');
      const { plan } = compile(model(name), name, { ...OPTIONS, sramBytes: Number(bytes) });
      assert(plan.arenaBytes <= Number(bytes));
      return true;
    },
  );
});

test('samples become what the model stores: floats quantized, int8 as it is, uint8 shifted', () => {
  const name = 'hello_world_int8.tflite';
  const { graph, quantization } = compile(model(name), name, OPTIONS);
  const { scale, zeroPoint } = quantization.input;
  const floats = [0, scale, 2.5 * scale, -2.5 * scale, 1e9, -1e9].map((value) => Float32Array.of(value));
  assert.deepEqual(
    quantizeInput(floats, graph).map(([stored]) => stored),
    [0, 1, 3, -3, 1e9, -1e9].map((steps) => Math.min(127, Math.max(-128, steps + zeroPoint))),
  );
  assert.deepEqual(quantizeInput([Int8Array.of(-7)], graph), [Int8Array.of(-7)]);
  assert.deepEqual(quantizeInput([Uint8Array.of(0), Uint8Array.of(255)], graph), [
    Int8Array.of(-128),
    Int8Array.of(127),
  ]);
  assert.throws(
    () => quantizeInput([Int8Array.of(1), Int8Array.of(1, 2)], graph),
    (error: unknown) => error instanceof InputError && /sample 1: has 2 elements/.test(error.message),
  );
  assert.throws(() => emitDataset([]), InputError);
});
