import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inferOnHost } from '../../../src-main/board/host/host-board.js';
import { readNpz } from '../../../src-main/common/npz.js';
import { compile } from '../../../src-main/compiler/index.js';
import { fit } from '../../../src-main/compiler/3-plan/fit.js';
import { findBuffers } from '../../../src-main/compiler/3-plan/lifetimes.js';
import { createSource } from '../../../src-main/compiler/3-plan/stage.js';
import { stageCosts } from '../../../src-main/compiler/3-plan/stage-cost.js';
import { sharedPath } from '../../support/shared.js';

const NAME = 'ic_resnet8_int8.tflite';
const OPTIONS = { strategy: 'layer', kernels: 'fast', boardNumber: 0, nvmBytes: 512 << 10 } as const;

function compiledFor(sramBytes: number) {
  return compile(readFileSync(sharedPath('models', NAME)), NAME, { ...OPTIONS, sramBytes });
}

test('patches are chosen where they cost less than row tiling and NVM alone, and less SRAM never costs less', () => {
  const { graph } = compiledFor(208 << 10);
  const source = createSource(graph, findBuffers(graph));
  const costs = stageCosts(graph, null);
  let previous = 0;
  for (const sramBytes of [40_960, 32_768, 24_576, 16_384, 12_288]) {
    const patches = fit(source, 'fast', sramBytes, costs);
    const rows = fit(source, 'fast', sramBytes, costs, 1);
    assert(patches.fits && rows.fits);
    assert(patches.cycles <= rows.cycles);
    assert(patches.cycles >= previous, `${sramBytes} bytes`);
    previous = patches.cycles;
    if (sramBytes === 32_768) {
      assert(patches.cycles < rows.cycles);
      assert(
        patches.stages.some(({ operators, recomputedMacs }) => operators.length > 1 && recomputedMacs > 0),
      );
    }
    assert(
      rows.stages.every(({ operators, recomputedMacs }) => operators.length === 1 && recomputedMacs === 0),
    );
  }
});

test("ResNet8 in 48 KB down to 8 KB: the arena is as small as was asked, and every output byte is TFLite Micro's", () => {
  const arrays = readNpz(readFileSync(sharedPath('eval', 'ic_25.npz')), 'ic_25.npz');
  const [x, expected] = ['x', 'expected'].map((name) => arrays.get(name));
  assert(x?.data instanceof Int8Array && expected?.data instanceof Int8Array);
  const sample = x.data.slice(0, x.data.length / x.shape[0]);
  const output = expected.data.slice(0, expected.data.length / expected.shape[0]);
  for (const sramBytes of [49_152, 32_768, 24_576, 16_384, 8_192]) {
    const { plan, image } = compiledFor(sramBytes);
    assert(plan.arenaBytes <= sramBytes && plan.tiling !== null);
    assert(Math.max(...plan.memory.operatorBytes) <= plan.arenaBytes);
    assert.deepEqual(inferOnHost(image, [sample]), [output], `${sramBytes} bytes`);
  }
});
