/** A sample of what `npm run test:exhaustive` does in full, and the proof that it would notice a broken protocol. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STRATEGIES } from '../../../src-main/compiler/plan.js';
import {
  buildHostCore,
  hasHostCompiler,
  PLANTED_FAULTS,
  type PlantedFault,
} from '../../../tools/firmware/host.js';
import { CrashFailure, HostCuts } from '../../../tools/exhaustive/host-cuts.js';
import { cutsUntilCaught, doJob, listJobs, type JobKind } from '../../../tools/exhaustive/jobs.js';
import { availableModels, crashModel, type ModelName } from '../../../tools/exhaustive/models.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Without the folder `shared` the bundled model has to do, on which everything takes longer. */
const [smallest] = availableModels();
const nothingElse = { only: null, faultyCore: () => null, onProgress: () => undefined };

/** What is tried of each kind: an nth of everything, on the models that do not take long. */
const SAMPLES: { kind: JobKind; sample: number; models: readonly ModelName[] }[] = [
  { kind: 'host', sample: 150, models: [smallest, 'micro_speech', 'kws_ds_cnn'] },
  { kind: 'line', sample: 100, models: [smallest] },
  { kind: 'pico', sample: 400, models: [smallest] },
];

for (const { kind, sample, models } of SAMPLES) {
  test(`${kind}: a sample of the cuts of every strategy`, () => {
    const jobs = listJobs({ seed: 5, sample }).filter(
      (job) => job.kind === kind && models.includes(job.model),
    );
    assert.ok(STRATEGIES.every((strategy) => jobs.some((job) => job.strategy === strategy)));
    for (const job of jobs) {
      const tally = doJob(job, nothingElse);
      assert.ok((tally.cuts ?? 0) > 0, job.id);
    }
  });
}

test('no cut that is tried is counted twice, and every byte of every write is one or changes nothing', () => {
  const host = new HostCuts(crashModel(smallest, 'layer', 2));
  host.writes.forEach((_, write) => host.tryEveryByte(write));
  const { cuts, sameAsBefore, bytes, converged, followed } = host.counts;
  assert.equal(cuts + sameAsBefore, bytes);
  assert.equal(converged + followed, cuts);
  assert.ok(followed < cuts / 10, `${followed} of ${cuts} runs had to be followed to their end`);
});

test('the same cuts find nothing in the core of the bench, and each planted fault at once', async (context) => {
  const model = crashModel(smallest, 'layer', 2);
  assert.equal(cutsUntilCaught(model, {}), null);
  if (!(await hasHostCompiler())) {
    context.skip('clang or wasm-ld is not installed (Debian: apt-get install clang lld)');
    return;
  }
  const folder = await temporaryFolder(context);
  for (const fault of Object.keys(PLANTED_FAULTS) as PlantedFault[]) {
    await buildHostCore(folder, fault);
    const core = new WebAssembly.Module(readFileSync(join(folder, 'core.wasm')));
    for (const strategy of STRATEGIES) {
      const cuts = cutsUntilCaught(crashModel(smallest, strategy, 2), { core });
      assert.ok(cuts !== null && cuts > 0, `${fault} is not noticed with strategy ${strategy}`);
      context.diagnostic(`${fault}, ${strategy}: caught after ${cuts} cuts`);
    }
  }
});

test('a model whose results are expected to be others is a failure that names the cut', () => {
  const model = crashModel(smallest, 'layer', 2);
  const host = new HostCuts(model);
  model.expected[1][0] ^= 1;
  assert.throws(
    () => host.try({ write: 3, bytes: 1 }),
    (error: unknown) => error instanceof CrashFailure && /^cut 3:1: result 0 is/.test(error.message),
  );
});
