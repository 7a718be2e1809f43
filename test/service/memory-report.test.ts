import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLines } from '../../src-main/service/memory-report.js';
import { compileModel } from '../../src-main/service/models.js';
import { sharedPath } from '../support/shared.js';

const REQUEST = {
  modelPath: sharedPath('models', 'ic_resnet8_int8.tflite'),
  calibrationPath: null,
  board: 'pico-fram',
  strategy: 'restart',
  kernels: 'fast',
  capacitor: null,
  power: { kind: 'continuous' },
} as const;

test('a report says where SRAM goes, what is cut or in NVM, and what that costs against all of the SRAM', async () => {
  const roomy = await compileModel({ ...REQUEST, sramBytes: null }, null);
  assert.equal(roomy.memory.tiling, null);
  assert.equal(Math.max(...roomy.memory.operators.map(({ bytes }) => bytes)), roomy.memory.lowerBoundBytes);

  const { compiled, memory, predicted } = await compileModel({ ...REQUEST, sramBytes: 16_384 }, null);
  const { tiling } = memory;
  assert(tiling !== null && tiling.extra !== null);
  assert.equal(memory.sramBytes, compiled.plan.arenaBytes);
  assert(memory.sramBytes <= 16_384);
  assert(memory.operators.every(({ bytes }) => bytes <= memory.sramBytes));
  // The fastest kernels take more to work in than those that would do.
  assert(memory.lowerBoundBytes <= roomy.memory.lowerBoundBytes && memory.lowerBoundBytes > 16_384);
  assert.equal(tiling.extra.cycles, predicted.cycles - roomy.predicted.cycles);
  assert(tiling.extra.cycles > 0 && tiling.extra.energyJoules > 0);
  // What the steps of the plan move is what the report says.
  const moved = (kind: 'FETCH' | 'SPILL'): number =>
    compiled.plan.tasks
      .flatMap(({ steps }) => steps)
      .reduce((sum, step) => sum + (step.kind === kind ? step.bytes : 0), 0);
  assert.equal(moved('FETCH'), tiling.nvmReadBytes);
  assert.equal(moved('SPILL'), tiling.nvmWrittenBytes);
  assert.equal(
    tiling.spilled.reduce((sum, { bytes }) => sum + bytes, 0),
    tiling.nvmWrittenBytes,
  );

  const text = memoryLines(memory, String, String).join('\n');
  assert.match(text, /in \d+ stripes.*: model\/activation\/Relu/);
  assert.match(text, /in NVM: model\/activation.*, 16384 bytes/);
  assert.match(text, /cost of an inference: \d+ NVM bytes read, \d+ written, .* more than with all/);
});
