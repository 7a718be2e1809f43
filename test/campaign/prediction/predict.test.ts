import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { picoFram } from '../../../src-main/board/profiles/pico-fram.js';
import { HarvestSchedule } from '../../../src-main/campaign/prediction/harvest-schedule.js';
import { PoweredNode } from '../../../src-main/campaign/prediction/powered-node.js';
import { executeRun } from '../../../src-main/campaign/run.js';
import type { PowerSource, RunConfig, RunOutcome } from '../../../src-main/campaign/types.js';
import { virtualSupplyLimits } from '../../../src-main/campaign/bench/virtual-bench.js';
import { resourcePath } from '../../../src-main/common/resources.js';
import type { Strategy } from '../../../src-main/compiler/plan.js';
import { constantHarvest, squareHarvest } from '../../../src-main/supply/traces/generated.js';

const example = (name: string): string => resourcePath('dist', 'examples', name);

function run(strategy: Strategy, power: PowerSource, changes: Partial<RunConfig> = {}): Promise<RunOutcome> {
  return executeRun(
    {
      modelPath: example('digits.onnx'),
      dataPath: example('digits-eval.npz'),
      calibrationPath: example('digits-calibration.npz'),
      strategy,
      kernels: 'fast',
      board: 'pico-fram',
      capacitanceFarads: 220e-6,
      turnOnVolts: 4.5,
      brownOutVolts: 2,
      power,
      firstSample: 0,
      sampleCount: 2,
      seed: 1,
      stop: { powerCyclesWithoutProgress: 5, maximumSeconds: 600 },
      ...changes,
    },
    { signal: new AbortController().signal, onEvent: () => undefined, campaignSha256: null },
  );
}

function assertNear(measured: number, predicted: number, share: number, what: string): void {
  assert.ok(Math.abs(predicted - measured) <= share * measured, `${what}: ${predicted} for ${measured}`);
}

describe('the prediction of a run', () => {
  const harvest: PowerSource = { kind: 'constant', volts: 5, amps: 0.01 };
  for (const strategy of ['layer', 'tile', 'loop', 'planned'] as const) {
    it(`is what strategy ${strategy} measures on harvested power`, async () => {
      const { measures, predicted, status } = await run(strategy, harvest, {
        kernels: 'reference',
        capacitanceFarads: 470e-6,
      });
      assert.equal(status, 'finished');
      assert.ok(predicted?.terminates);
      assert.equal(predicted.powerCycles, measures.powerCycles);
      assert.equal(predicted.checkpoints, measures.checkpoints);
      assertNear(measures.latencySeconds ?? 0, predicted.latencySeconds ?? 0, 0.03, 'latency');
      assertNear(measures.energyJoules, predicted.energyJoules, 0.03, 'energy');
      assertNear(measures.nvmBytesWritten, predicted.nvmBytesWritten, 0.02, 'NVM written');
    });
  }

  // The fast kernels' costs are fitted less well, and a large task that only just does not fit a power cycle then makes a
  // difference of its own: `layer` and `planned` are not held to this (npm run bench -- prediction shows by how much).
  for (const strategy of ['tile', 'loop'] as const) {
    it(`is what strategy ${strategy} with fast kernels measures on harvested power`, async () => {
      const { measures, predicted, status } = await run(strategy, harvest);
      assert.equal(status, 'finished');
      assert.ok(predicted?.terminates);
      assert.ok(Math.abs(predicted.powerCycles - measures.powerCycles) <= 1);
      assert.equal(predicted.checkpoints, measures.checkpoints);
      assertNear(measures.latencySeconds ?? 0, predicted.latencySeconds ?? 0, 0.05, 'latency');
      assertNear(measures.energyJoules, predicted.energyJoules, 0.05, 'energy');
    });
  }

  it('is what continuous power measures', async () => {
    const { measures, predicted } = await run('layer', { kind: 'continuous' });
    assert.equal(predicted?.powerCycles, 1);
    assertNear(measures.latencySeconds ?? 0, predicted?.latencySeconds ?? 0, 0.03, 'latency');
    assertNear(measures.energyJoules, predicted?.energyJoules ?? 0, 0.03, 'energy');
    assertNear(measures.cycles, predicted?.cycles ?? 0, 0.03, 'cycles');
  });

  it('says that a run will not terminate', async () => {
    const { status, predicted } = await run('restart', harvest, { capacitanceFarads: 70e-6 });
    assert.equal(status, 'not-terminating');
    assert.equal(predicted?.terminates, false);
  });
});

describe('the predicted power of a board', () => {
  const before = { volts: 4.5, amps: 0.5 };
  const options = (share: number, couplingVolts: number) => ({
    profile: picoFram,
    capacitanceFarads: 330e-6 * share,
    turnOnVolts: 4.5,
    brownOutVolts: 2,
    initialVolts: 4.5,
    slices: { couplingVolts, holdUpCycles: 1000 },
    maximumSeconds: 1000,
  });
  const limits = virtualSupplyLimits(picoFram);

  it('does not depend on how the work is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.003, max: 0.02, noNaN: true }),
        fc.boolean(),
        (pieces, amps, steady) => {
          const harvest = steady
            ? constantHarvest({ volts: 5, amps })
            : squareHarvest({ volts: 5, amps: 4 * amps, periodSeconds: 0.1, dutyShare: 0.25 });
          const firstFailure = (count: number): number => {
            const schedule = new HarvestSchedule(harvest, limits, before, 0.001);
            const node = new PoweredNode({ ...options(1, 1e-5), schedule });
            node.setSource(before);
            for (let piece = 0; piece < 100 * count; piece++) {
              if (!node.run(0.01 / count, (0.01 / count) * 0.024)) {
                return node.activeSeconds;
              }
            }
            return Infinity;
          };
          const [whole, cut] = [firstFailure(1), firstFailure(pieces)];
          assert.ok(whole === cut || Math.abs(cut / whole - 1) < 2e-3, `${cut} s instead of ${whole} s`);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps its energy: what the board took is what it drew and what its decoupling was charged with', () => {
    const schedule = new HarvestSchedule(constantHarvest({ volts: 5, amps: 0.01 }), limits, before, 0.001);
    const node = new PoweredNode({ ...options(1, 2e-3), schedule });
    node.setSource(before);
    let charge = 0;
    for (let piece = 0; piece < 2000; piece++) {
      node.run(1e-3, 1e-3 * 0.024);
      charge += 1e-3 * 0.024;
    }
    const { railVolts, converterEfficiency, decouplingFarads } = picoFram.power;
    const drawn = (charge * railVolts.value) / converterEfficiency.value;
    const inrush = ((node.powerCycles - 1) * decouplingFarads.value * railVolts.value ** 2) / 2;
    assert.ok(node.powerCycles > 10);
    // Of a piece in which the power failed only a part was drawn, and what came from the decoupling was inrush before.
    assert.ok(node.energyJoules <= drawn + inrush + 1e-9);
    assert.ok(node.energyJoules > 0.8 * (drawn + inrush));
  });
});
