import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type {
  CallArguments,
  CallName,
  CallResult,
  EventMessage,
  Reply,
  RunProgress,
} from '../../src-main/service/manifest.js';
import type { Service } from '../../src-main/service/service.js';
import { openStore } from '../../src-main/store/store.js';
import { openTestService } from '../support/test-service.js';

const TEXT = { yaml: 'name: Synthetic\n', place: 'campaign.yaml', folder: '/' };
const LIST = { where: '', sortBy: 'id', descending: false, limit: 100, offset: 0 } as const;

/** Carries a call out that must succeed. */
async function call<Name extends CallName>(
  service: Service,
  name: Name,
  args: CallArguments<Name>,
): Promise<CallResult<Name>> {
  const reply = await service.dispatch(name, args);
  assert.ok(reply.ok, JSON.stringify(reply));
  return reply.result as CallResult<Name>;
}

function errorOf(reply: Reply): { code: string; place: string; message: string; remedy: string } {
  assert.ok(!reply.ok);
  return reply.error;
}

/** Waits for the end of the campaign on the bench, by its event. */
function campaignEnd(service: Service): Promise<EventMessage> {
  return new Promise((resolve) => {
    const unsubscribe = service.subscribe((message) => {
      if (
        message.event === 'campaign.progress' &&
        ['finished', 'cancelled', 'failed'].includes(message.payload.status)
      ) {
        unsubscribe();
        resolve(message);
      }
    });
  });
}

test('arguments are checked where they arrive; the error names call, argument and remedy', async (context) => {
  const { service } = await openTestService(context);
  const cases: [string, unknown, RegExp][] = [
    ['runs.get', { id: 'one' }, /runs\.get: id/],
    ['runs.get', { id: 0 }, /runs\.get: id/],
    ['runs.get', { id: 1.5 }, /runs\.get: id/],
    ['runs.get', null, /runs\.get/],
    ['runs.get', { id: 1, more: 2 }, /runs\.get/],
    ['runs.list', { ...LIST, sortBy: 'id; DROP TABLE runs' }, /sortBy/],
    ['runs.list', { ...LIST, limit: 1e9 }, /limit/],
    [
      'runs.trace',
      { id: 1, channel: '../..', fromSeconds: null, toSeconds: null, maxPoints: 100 },
      /channel/,
    ],
    ['report.html', { ids: [] }, /ids/],
    ['campaigns.start', { ...TEXT, yaml: 'x'.repeat(2_000_000) }, /yaml/],
  ];
  for (const [name, args, place] of cases) {
    const error = errorOf(await service.dispatch(name, args));
    assert.equal(error.code, 'invalid-arguments', name);
    assert.match(error.place, place);
    assert.notEqual(error.remedy, '');
  }
});

test('names that are no calls are refused, those every object has among them', async (context) => {
  const { service } = await openTestService(context);
  for (const name of ['', 'runs.delete', 'toString', '__proto__', 'constructor', 'hasOwnProperty']) {
    assert.equal(errorOf(await service.dispatch(name, {})).code, 'unknown-call', name);
  }
});

test('an error of the store or the filter keeps its four fields', async (context) => {
  const { service } = await openTestService(context);
  assert.equal(errorOf(await service.dispatch('runs.get', { id: 99 })).code, 'no-such-run');
  const error = errorOf(await service.dispatch('runs.list', { ...LIST, where: 'stratgy=tile' }));
  assert.equal(error.code, 'unknown-column');
  assert.match(error.remedy, /strategy/);
});

test('a campaign runs to its end; events, current state and store tell the same', async (context) => {
  const { service, events } = await openTestService(context);
  const ended = campaignEnd(service);
  const started = await call(service, 'campaigns.start', TEXT);
  assert.deepEqual([started.plannedRuns, started.status], [3, 'running']);
  await ended;

  const { rows, total } = await call(service, 'runs.list', LIST);
  assert.equal(total, 3);
  assert.deepEqual(
    rows.map((row) => row.status),
    ['not-terminating', 'finished', 'finished'],
  );
  const finished = events
    .filter((message) => message.event === 'run.finished')
    .map((message) => message.payload);
  assert.deepEqual(
    finished.map((run) => [run.runId, run.status, run.reason]),
    rows.map((row) => [row.id, row.status, row.reason]),
  );
  const current = await call(service, 'campaigns.current', {});
  assert.ok(current);
  assert.deepEqual(
    [current.campaign.status, current.campaign.endedRuns, current.campaign.plannedRuns],
    ['finished', 3, 3],
  );

  // Joined in their order, the batches of samples give the very history that a late window is told.
  for (const live of current.live) {
    const joined: number[] = [];
    for (const message of events) {
      if (message.event === 'run.samples' && message.payload.runId === live.runId) {
        joined.length = message.payload.fromIndex;
        joined.push(...message.payload.columns.times);
      }
    }
    assert.ok(joined.length > 100);
    assert.deepEqual(joined, live.columns.times);
    // 4 s of the synthetic bench hold ten power cycles of 0.4 s.
    const run: RunProgress | undefined = current.runs.find((each) => each.runId === live.runId);
    assert.equal(run?.powerCycles, 10);
    assert.equal(run.turnOnVolts, 3);
  }

  const detail = await call(service, 'runs.get', { id: rows[2].id });
  assert.deepEqual(detail.results[0].output, [-128, 3, 127]);
  assert.deepEqual(JSON.parse(JSON.stringify(detail)), detail, 'results survive JSON as they are');
  const report = await call(service, 'report.html', { ids: [2, 3] });
  assert.match(report.fileName, /^brownout-runs-2-3\.html$/);
});

test('live events leave at most 30 times a second, whatever the rate of samples', async (context) => {
  const { service, events } = await openTestService(context, {
    runMilliseconds: 400,
    samplesPerSecond: 25_000,
  });
  const ended = campaignEnd(service);
  const startedAt = performance.now();
  await service.dispatch('campaigns.start', TEXT);
  await ended;
  const seconds = (performance.now() - startedAt) / 1000;
  const batches = events.filter((message) => message.event === 'run.samples');
  assert.ok(batches.length >= 3, 'there are batches at all');
  // Each run may add one for its end.
  assert.ok(batches.length <= 30 * seconds + 3, `${batches.length} batches in ${seconds} s`);
  assert.ok(batches.every((message) => message.payload.columns.times.length <= 16_384));
});

test('cancel ends the run on the bench, stores it, and frees the bench for the next', async (context) => {
  const { service } = await openTestService(context, { runMilliseconds: 5_000 });
  await service.dispatch('campaigns.start', TEXT);
  assert.equal(errorOf(await service.dispatch('campaigns.start', TEXT)).code, 'campaign-running');
  const ended = campaignEnd(service);
  await sleep(350);
  assert.equal((await call(service, 'campaigns.cancel', {}))?.status, 'cancelling');
  const end = await ended;
  assert.equal(end.event === 'campaign.progress' && end.payload.status, 'cancelled');
  const { rows } = await call(service, 'runs.list', LIST);
  assert.deepEqual(
    rows.map((row) => row.status),
    ['cancelled'],
  );
  await call(service, 'campaigns.start', TEXT);
});

test('a campaign that is refused leaves the bench free and the store as it was', async (context) => {
  const { service } = await openTestService(context);
  const error = errorOf(await service.dispatch('campaigns.start', { ...TEXT, yaml: 'nam: x' }));
  assert.deepEqual([error.code, error.place], ['campaign-invalid', 'campaign.yaml:1:1']);
  assert.equal((await call(service, 'runs.list', LIST)).total, 0);
  assert.equal(await call(service, 'campaigns.current', {}), null);
  await call(service, 'campaigns.start', TEXT);
});

test('closing in the middle of a run stores it before the data base closes', async (context) => {
  const { service, store } = await openTestService(context, { runMilliseconds: 5_000 });
  await service.dispatch('campaigns.start', TEXT);
  await service.close();
  await assert.rejects(store.listRuns({ filters: [], sortBy: 'id', descending: false, limit: 1, offset: 0 }));
  const again = await openStore(store.path);
  context.after(() => again.close());
  const { rows } = await again.listRuns({
    filters: [],
    sortBy: 'id',
    descending: false,
    limit: 9,
    offset: 0,
  });
  assert.deepEqual(
    rows.map((row) => row.status),
    ['cancelled'],
  );
});

test('a call after closing is refused with the reason, not lost', async (context) => {
  const { service } = await openTestService(context);
  await service.close();
  assert.equal(errorOf(await service.dispatch('runs.list', LIST)).code, 'database-closed');
});

test('closing while a campaign is still being started waits until the engine has let go of the store', async (context) => {
  const { service, store, events } = await openTestService(context);
  const reply = service.dispatch('campaigns.start', TEXT);
  await service.close();
  assert.ok((await reply).ok);
  const last = events.filter((message) => message.event === 'campaign.progress').at(-1);
  assert.equal(last?.payload.status, 'cancelled');
  const reopened = await openStore(store.path, { readOnly: true });
  context.after(() => reopened.close());
  const [campaign] = await reopened.listCampaigns();
  assert.equal(campaign.status, 'cancelled', 'its end was stored, not made up at the next opening');
});
