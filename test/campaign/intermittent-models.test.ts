/** Real models across power failures on the virtual bench: every output byte is the one TFLite Micro gives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { executeRun } from '../../src-main/campaign/run.js';
import type { RunConfig } from '../../src-main/campaign/types.js';
import { STRATEGIES } from '../../src-main/compiler/plan.js';
import { readNpz } from '../../src-main/common/npz.js';
import { sharedPath } from '../support/shared.js';

/** Model, data, strategy, and a capacitor that gives at least five power cycles per inference. */
const CASES: [string, string, RunConfig['strategy'], number, number][] = [
  ['kws_ds_cnn_int8.tflite', 'kws_25.npz', 'layer', 1e-3, 3],
  ['kws_ds_cnn_int8.tflite', 'kws_25.npz', 'tile', 680e-6, 3],
  ['ic_resnet8_int8.tflite', 'ic_25.npz', 'layer', 2.7e-3, 1],
  ['ic_resnet8_int8.tflite', 'ic_25.npz', 'tile', 2.2e-3, 1],
];

/** In less SRAM than the tensors need; `restart` needs power that stays. */
const TILED: [string, string, number, number][] = [
  ['ic_resnet8_int8.tflite', 'ic_25.npz', 16_384, 2.2e-3],
  ['kws_ds_cnn_int8.tflite', 'kws_25.npz', 8_192, 680e-6],
];

for (const [model, data, sramBytes, capacitanceFarads] of TILED) {
  for (const strategy of STRATEGIES) {
    test(`${model} in ${sramBytes} bytes of SRAM, ${strategy}: bit-exact on the virtual board`, async () => {
      const outcome = await executeRun(
        {
          modelPath: sharedPath('models', model),
          dataPath: sharedPath('eval', data),
          calibrationPath: null,
          strategy,
          kernels: 'fast',
          board: 'pico-fram',
          // A plan for the capacitor gets along with less than a whole layer needs.
          capacitanceFarads: strategy === 'planned' ? capacitanceFarads / 3 : capacitanceFarads,
          turnOnVolts: 4.5,
          brownOutVolts: 2,
          power: strategy === 'restart' ? { kind: 'continuous' } : { kind: 'constant', volts: 5, amps: 0.01 },
          firstSample: 0,
          sampleCount: 1,
          sramBytes,
          seed: 1,
          stop: { powerCyclesWithoutProgress: 20, maximumSeconds: 3600 },
        },
        { signal: new AbortController().signal, onEvent: () => undefined, campaignSha256: null },
      );
      assert.equal(outcome.status, 'finished', outcome.reason ?? '');
      assert(outcome.measures.sramBytes <= sramBytes, `${outcome.measures.sramBytes} bytes of SRAM`);
      // `adaptive` waits for the capacitor before the power fails.
      const isCut = strategy !== 'restart' && strategy !== 'adaptive';
      assert(!isCut || outcome.measures.powerCycles > 1, 'the power failed');
      const expected = readNpz(readFileSync(sharedPath('eval', data)), data).get('expected');
      assert(expected);
      const [{ output }] = outcome.results;
      assert.deepEqual([...output], Array.from(expected.data, Number).slice(0, output.length));
    });
  }
}

for (const [model, data, strategy, capacitanceFarads, sampleCount] of CASES) {
  test(`${model}, ${strategy}: bit-exact with at least five power cycles per inference`, async () => {
    const outcome = await executeRun(
      {
        modelPath: sharedPath('models', model),
        dataPath: sharedPath('eval', data),
        calibrationPath: null,
        strategy,
        kernels: 'reference',
        board: 'pico-fram',
        capacitanceFarads,
        turnOnVolts: 4.5,
        brownOutVolts: 2,
        power: { kind: 'constant', volts: 5, amps: 0.01 },
        firstSample: 0,
        sampleCount,
        seed: 1,
        stop: { powerCyclesWithoutProgress: 20, maximumSeconds: 3600 },
      },
      { signal: new AbortController().signal, onEvent: () => undefined, campaignSha256: null },
    );
    assert.equal(outcome.status, 'finished', outcome.reason ?? '');
    const perInference = outcome.measures.powerCycles / sampleCount;
    assert.ok(perInference >= 5, `${perInference} power cycles per inference`);
    const expected = readNpz(readFileSync(sharedPath('eval', data)), data).get('expected');
    assert.ok(expected);
    const wanted = Array.from(expected.data, Number);
    for (const { sample, output } of outcome.results) {
      assert.deepEqual([...output], wanted.slice(sample * output.length, (sample + 1) * output.length));
    }
    assert.equal(outcome.results.length, sampleCount);
  });
}
