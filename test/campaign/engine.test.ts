/** Whole campaigns on the virtual bench with a real store. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { startCampaign, type CampaignEvent } from '../../src-main/campaign/engine.js';
import { prepareRun } from '../../src-main/campaign/prepare.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { openStore } from '../../src-main/store/store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { smallCampaign } from '../support/small-campaign.js';

const EXAMPLES = resourcePath('dist', 'examples');
const define = (changes: Record<string, string> = {}) =>
  parseCampaign(smallCampaign(changes), { place: 'test', folder: EXAMPLES });

test('layer and tile finish across power failures with the outputs of the host; restart is found not to terminate', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'bench.sqlite'));
  context.after(() => store.close());
  const events: CampaignEvent[] = [];
  const started = await startCampaign(define({ strategies: '[restart, layer, tile]', samples: '2' }), {
    store,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    resume: false,
  });
  await started.done;
  const runs = await Promise.all(started.runIds.map((id) => store.getRun(id)));
  assert.equal(runs.length, 3);
  for (const run of runs) {
    if (run.config.strategy === 'restart') {
      assert.equal(run.row.status, 'not-terminating');
      assert.match(run.row.reason ?? '', /no progress in \d+ power cycles/);
      assert.ok(run.powerCycles.length > 1, 'its partial data is kept');
      continue;
    }
    assert.equal(run.row.status, 'finished', run.row.reason ?? '');
    assert.ok(run.measures);
    assert.ok(
      run.measures.powerCycles > 2,
      `only ${run.measures.powerCycles} power cycles in two inferences`,
    );
    assert.ok(run.measures.restores > 0 && run.measures.checkpoints > 0);
    assert.ok(run.measures.energyJoules > 0 && run.measures.activeSeconds < run.measures.totalSeconds);
    assert.equal(run.measures.powerCycles, run.powerCycles.length);
    assert.deepEqual(
      run.log.filter((entry) => entry.level !== 'info'),
      [],
      'board and bench agree',
    );
    const prepared = await prepareRun(run.config);
    const samples = inferOnHost(prepared.compiled.image, prepared.samples);
    assert.deepEqual(
      run.results.map((result) => [...result.output]),
      samples.map((output) => [...output]),
    );
    const volts = await store.getTrace(run.row.id, 'capacitorVolts');
    assert.ok(volts && volts.times.length > 100);
    assert.ok(Math.max(...volts.maxima) <= 5.5 && Math.min(...volts.minima) > 0);
    const artifact = await store.getArtifact(run.provenance?.imageSha256 ?? '');
    assert.deepEqual(artifact?.bytes.length, run.measures.imageBytes);
  }
  assert.equal(events.filter((event) => event.kind === 'run-finished').length, 3);
  assert.equal(events.at(-1)?.kind, 'campaign-finished');
});

test('the same configuration and seed give the same run, to the last digit', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'bench.sqlite'));
  context.after(() => store.close());
  const measures = [];
  for (let repeat = 0; repeat < 2; repeat++) {
    const started = await startCampaign(define(), {
      store,
      signal: new AbortController().signal,
      onEvent: () => undefined,
      resume: false,
    });
    await started.done;
    measures.push((await store.getRun(started.runIds[0])).measures);
  }
  assert.ok(measures[0]);
  assert.deepEqual(measures[0], measures[1]);
});

test('cancel stores the run as cancelled, with what it had; a resume runs what is missing', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'bench.sqlite'));
  context.after(() => store.close());
  const cancel = new AbortController();
  const definition = define({ strategies: '[layer, tile]' });
  let finished = 0;
  const started = await startCampaign(definition, {
    store,
    signal: cancel.signal,
    parallelRuns: 1,
    resume: true,
    onEvent: (event) => {
      finished += event.kind === 'run-finished' ? 1 : 0;
      if (finished === 1 && event.kind === 'run-event' && event.event.kind === 'samples') {
        cancel.abort();
      }
    },
  });
  await started.done;
  const statuses = await Promise.all(started.runIds.map(async (id) => (await store.getRun(id)).row.status));
  assert.deepEqual(statuses, ['finished', 'cancelled']);
  const resumed = await startCampaign(definition, {
    store,
    signal: new AbortController().signal,
    resume: true,
    onEvent: () => undefined,
  });
  await resumed.done;
  assert.equal(resumed.skippedRuns, 1);
  assert.equal(resumed.runIds.length, 1);
  assert.equal((await store.getRun(resumed.runIds[0])).row.status, 'finished');
});

test('a store that fails ends the runs of all lanes before the campaign is given up', async (context) => {
  const store = await openStore(join(await temporaryFolder(context), 'bench.sqlite'));
  context.after(() => store.close());
  let created = 0;
  const failing = new Proxy(store, {
    get: (target, key): unknown => {
      if (key === 'createRun') {
        created += 1;
        if (created === 2) {
          return () => Promise.reject(new Error('the disk is full'));
        }
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  let events = 0;
  const started = await startCampaign(define({ strategies: '[layer, tile, loop]', samples: '20' }), {
    store: failing,
    signal: new AbortController().signal,
    parallelRuns: 2,
    resume: false,
    onEvent: () => (events += 1),
  });
  await assert.rejects(started.done, /the disk is full/);
  const { rows } = await store.listRuns({
    filters: [],
    sortBy: 'id',
    descending: false,
    limit: 10,
    offset: 0,
  });
  assert.deepEqual(
    rows.map((row) => row.status),
    ['cancelled'],
  );
  const before = events;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(events, before, 'nothing goes on');
  assert.equal((await store.listCampaigns())[0].status, 'interrupted');
});

test('kill -9 in the middle loses no finished run, and the next call runs the rest', async (context) => {
  const path = join(await temporaryFolder(context), 'bench.sqlite');
  const script = fileURLToPath(new URL('../support/campaign-process.js', import.meta.url));
  const child = fork(script, [path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await openStore(path);
  context.after(() => store.close());
  assert.equal(store.interruptedRuns.length, 1, 'the run that was going on is marked');
  const { rows } = await store.listRuns({
    filters: [],
    sortBy: 'id',
    descending: false,
    limit: 10,
    offset: 0,
  });
  assert.deepEqual(
    rows.map((row) => row.status),
    ['finished', 'interrupted'],
  );
  const resumed = await startCampaign(define({ strategies: '[layer, tile]' }), {
    store,
    signal: new AbortController().signal,
    resume: true,
    onEvent: () => undefined,
  });
  await resumed.done;
  assert.equal(resumed.skippedRuns, 1);
});
