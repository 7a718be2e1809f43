/** How a run ends: whatever happens, the supply has confirmed that its output is off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualBench } from '../../src-main/campaign/bench/virtual-bench.js';
import { parseCampaign } from '../../src-main/campaign/definition.js';
import { expandCampaign } from '../../src-main/campaign/expand.js';
import { prepareRun, type PreparedRun } from '../../src-main/campaign/prepare.js';
import { runOnBench } from '../../src-main/campaign/run.js';
import type { RunEvent } from '../../src-main/campaign/types.js';
import { resourcePath } from '../../src-main/common/resources.js';
import type { ShutdownOutcome } from '../../src-main/supply/driver.js';
import { smallCampaign } from '../support/small-campaign.js';

/** Notes how it was closed, and may claim that the supply never answered. */
class WatchedBench extends VirtualBench {
  readonly closed: ShutdownOutcome[] = [];
  answers = true;

  override async close(): Promise<ShutdownOutcome> {
    const outcome = await super.close();
    this.closed.push(outcome);
    return this.answers ? outcome : 'failed';
  }
}

async function prepare(changes: Record<string, string> = {}): Promise<PreparedRun> {
  const source = smallCampaign(changes);
  const [cell] = expandCampaign(
    parseCampaign(source, { place: 'test', folder: resourcePath('dist', 'examples') }),
  );
  return prepareRun(cell.config);
}

function openBench({ profile, firmware, config }: PreparedRun, signal: AbortSignal): WatchedBench {
  return new WatchedBench({ ...config, profile, firmware, signal, onSample: () => undefined });
}

const REASONS: [name: string, when: (event: RunEvent) => boolean][] = [
  ['while it is flashed', (event) => event.kind === 'stage' && event.stage === 'flash'],
  ['as it starts', (event) => event.kind === 'stage' && event.stage === 'run'],
  ['at a result', (event) => event.kind === 'result'],
];

for (const [name, when] of REASONS) {
  test(`a run that is cancelled ${name} leaves the supply off and keeps what it had`, async () => {
    const prepared = await prepare({ samples: '2' });
    const cancel = new AbortController();
    const bench = openBench(prepared, cancel.signal);
    const outcome = await runOnBench(prepared, bench, {
      signal: cancel.signal,
      campaignSha256: null,
      onEvent: (event) => {
        if (when(event)) {
          cancel.abort();
        }
      },
    });
    assert.deepEqual(bench.closed, ['confirmed']);
    assert.equal(outcome.status, 'cancelled');
    assert.equal(outcome.results.length, name === 'at a result' ? 1 : 0);
  });

  test(`a watcher that breaks ${name} leaves the supply off too`, async () => {
    const prepared = await prepare({ samples: '2' });
    const { signal } = new AbortController();
    const bench = openBench(prepared, signal);
    let broken = 0;
    const run = runOnBench(prepared, bench, {
      signal,
      campaignSha256: null,
      onEvent: (event) => {
        // From then on it cannot be told anything, not even of the failure.
        broken += when(event) ? 1 : 0;
        if (broken > 0) {
          throw new Error('the watcher is gone');
        }
      },
    });
    await assert.rejects(run, /the watcher is gone/);
    assert.deepEqual(bench.closed, ['confirmed']);
  });
}

test('a supply that does not confirm is reported to the user', async () => {
  const prepared = await prepare();
  const { signal } = new AbortController();
  const bench = openBench(prepared, signal);
  bench.answers = false;
  const outcome = await runOnBench(prepared, bench, {
    signal,
    campaignSha256: null,
    onEvent: () => undefined,
  });
  assert.equal(outcome.status, 'finished', outcome.reason ?? '');
  assert.deepEqual(
    outcome.log.filter((entry) => entry.level !== 'info').map((entry) => entry.message),
    ['the supply did not confirm that its output is off: switch it off by hand'],
  );
});
