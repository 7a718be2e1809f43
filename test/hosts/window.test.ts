/** The window from end to end: the real host, the real bench, a real browser. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { openStore, type Store } from '../../src-main/store/store.js';
import {
  hasChromium,
  launchChromium,
  startHostProcess,
  type HostProcess,
} from '../../tools/browser-session.js';
import { decodePng } from '../support/png.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const skip = hasChromium() ? false : 'chromium is not installed (apt-get install chromium)';
const CAMPAIGN_MILLISECONDS = 4 * 60_000;

interface Session {
  host: HostProcess;
  browser: Browser;
}

async function openSession(context: TestContext, extraArguments: readonly string[] = []): Promise<Session> {
  const host = await startHostProcess(await temporaryFolder(context));
  context.after(() => host.stop());
  const browser = await launchChromium(extraArguments);
  context.after(() => browser.close());
  return { host, browser };
}

/** A number as the window shows it, with its SI prefix: `12.3 ms` is 0.0123. */
function valueOf(text: string): number {
  const match = /^(-?[\d.]+)([pnµmkMG]?)/.exec(text.replaceAll('\u202f', ''));
  assert.ok(match, `“${text}” is no number`);
  const factors: Record<string, number> = {
    '': 1,
    p: 1e-12,
    n: 1e-9,
    µ: 1e-6,
    m: 1e-3,
    k: 1e3,
    M: 1e6,
    G: 1e9,
  };
  return Number(match[1]) * factors[match[2]];
}

async function textOf(locator: Locator): Promise<string> {
  return (await locator.innerText()).trim();
}

/**
 * Where the trace is drawn on the chart of a channel, read from the pixels on the screen: its least and greatest height
 * over the bottom of the plot, as shares of the plot's height, and the share of pixel columns that hold any of it.
 */
async function drawnExtent(
  page: Page,
  channel: string,
): Promise<{ low: number; high: number; filled: number }> {
  const plot = page.locator(`figure[data-channel=${channel}] .u-over`);
  const picture = decodePng(await plot.screenshot());
  const colors: Record<string, string> = { capacitorVolts: '--trace-voltage', progress: '--trace-progress' };
  const hex: string = await page.evaluate(
    `getComputedStyle(document.documentElement).getPropertyValue('${colors[channel]}').trim()`,
  );
  const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  let lowest = -1;
  let highest = picture.height;
  let columns = 0;
  for (let x = 0; x < picture.width; x += 1) {
    let any = false;
    for (let y = 0; y < picture.height; y += 1) {
      const pixel = picture.at(x, y);
      if (wanted.every((part, index) => Math.abs(part - pixel[index]) < 60)) {
        any = true;
        lowest = Math.max(lowest, y);
        highest = Math.min(highest, y);
      }
    }
    columns += any ? 1 : 0;
  }
  return {
    low: 1 - lowest / picture.height,
    high: 1 - highest / picture.height,
    filled: columns / picture.width,
  };
}

/** Asks again until it holds. */
async function until(what: string, holds: () => Promise<boolean>, milliseconds = 60_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await holds())) {
    assert.ok(performance.now() < end, `waited ${milliseconds / 1000} s in vain until ${what}`);
    await sleep(100);
  }
}

async function pointsDrawn(page: Page, atLeast: number): Promise<void> {
  const chart = page.locator('figure[data-channel=capacitorVolts]');
  await until(
    `${atLeast} points are drawn`,
    async () => (await chart.count()) > 0 && Number(await chart.getAttribute('data-points')) >= atLeast,
  );
}

async function campaignEnd(page: Page): Promise<void> {
  await page
    .locator('.title', { hasText: /finished|failed|cancelled/ })
    .waitFor({ timeout: CAMPAIGN_MILLISECONDS });
}

test(
  'the example campaign, started by a click, is seen live, stored, listed and shown',
  { skip, timeout: 6 * 60_000 },
  async (context) => {
    const { host, browser } = await openSession(context);
    const page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme: 'dark' });
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    // Whatever the page asks for, it asks its own host.
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(host.url).host && !request.url().startsWith('data:')) {
        complaints.push(`asked ${request.url()}`);
      }
    });

    await page.goto(host.url);
    assert.equal(new URL(page.url()).search, '', 'the token does not stay in the address');
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Bench' }).click();
    await page.getByRole('button', { name: 'Start the example campaign' }).click();

    await pointsDrawn(page, 50);
    await page.getByRole('button', { name: 'Cancel campaign' }).waitFor();
    const live = await drawnExtent(page, 'capacitorVolts');
    assert.ok(live.filled > 0.2, `the live voltage is drawn over ${live.filled} of the width`);

    // A window that comes later, or is loaded anew, shows the same run from its start.
    await page.reload();
    await page.locator('[data-readout=powerCycles]').waitFor();
    await campaignEnd(page);
    assert.match(await textOf(page.locator('.title')), /finished/);

    const store = await openStore(host.databasePath, { readOnly: true });
    context.after(() => store.close());
    const { rows } = await store.listRuns({
      filters: [],
      sortBy: 'id',
      descending: false,
      limit: 100,
      offset: 0,
    });
    const finished = rows.filter((row) => row.status === 'finished');
    assert.ok(rows.length >= 2 && finished.length >= 2, 'the campaign has left runs');
    assert.ok(
      finished.some((row) => (row.powerCycles ?? 0) > row.samples),
      'power failed inside inferences',
    );

    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click();
    const line = page.locator('tbody tr');
    await line.first().waitFor();
    assert.equal(await line.count(), rows.length);
    const table = page.locator('.scroll');
    const lastHeading = table.locator('th').last();
    const rightEnd = async (part: Locator) => {
      const box = await part.boundingBox();
      assert.ok(box);
      return box.x + box.width;
    };
    assert.ok(
      (await rightEnd(lastHeading)) <= (await rightEnd(table)),
      'at 1360 pixels every column is in sight',
    );
    await page.setViewportSize({ width: 800, height: 900 });
    await lastHeading.scrollIntoViewIfNeeded();
    const runCell = await table.locator('tbody .run').first().boundingBox();
    const frame = await table.boundingBox();
    assert.ok(
      runCell && frame && runCell.x >= frame.x,
      'in a narrow window the run number stays while its measures are scrolled',
    );
    await page.setViewportSize({ width: 1360, height: 900 });
    await page.getByRole('searchbox', { name: 'Filter the runs' }).fill('strategy=tile');
    const ofTile = rows.filter((row) => row.strategy === 'tile');
    await until('the filter holds', async () => (await line.count()) === ofTile.length);
    await page.getByRole('searchbox', { name: 'Filter the runs' }).fill('stratgy=tile');
    await page
      .getByText('There is', { exact: false })
      .or(page.locator('#filter-problem:not(:empty)'))
      .first()
      .waitFor();
    assert.match(await textOf(page.locator('#filter-problem')), /strategy/);
    await page.getByRole('searchbox', { name: 'Filter the runs' }).fill('');

    const run = ofTile[0];
    await page.getByRole('link', { name: String(run.id), exact: true }).click();
    await compareRun(page, store, run.id);
    assert.deepEqual(complaints, []);

    const status = await host.stop();
    assert.equal(status, 0, host.output());
  },
);

/** The view of one run against the data base. */
async function compareRun(page: Page, store: Store, id: number): Promise<void> {
  const stored = await store.getRun(id);
  const { measures, config } = stored;
  assert.ok(measures);
  await page.getByRole('heading', { name: `Run ${id}`, exact: true }).waitFor();
  for (const name of [
    'powerCycles',
    'checkpoints',
    'restores',
    'tasksExecuted',
    'cycles',
    'macs',
    'tasks',
  ] as const) {
    const shown = await textOf(page.locator(`[data-measure=${name}]`));
    assert.equal(valueOf(shown), measures[name], name);
  }
  for (const name of ['latencySeconds', 'activeSeconds', 'energyJoules'] as const) {
    const shown = await textOf(page.locator(`[data-measure=${name}]`));
    const wanted = measures[name] ?? NaN;
    assert.ok(Math.abs(valueOf(shown) - wanted) <= 0.006 * wanted, `${name}: ${shown} for ${wanted}`);
  }

  const results = await page
    .locator('section', { has: page.getByRole('heading', { name: 'Results' }) })
    .locator('tbody tr')
    .all();
  assert.equal(results.length, stored.results.length);
  for (const [index, row] of results.entries()) {
    const cells = await row.locator('td').allInnerTexts();
    const { sample, label, predicted } = stored.results[index];
    assert.deepEqual(
      cells.slice(1, 4).map((text) => parseInt(text, 10)),
      [sample, label, predicted],
    );
  }

  // What is drawn: the highest and the lowest voltage lie where the scale puts the stored ones.
  const trace = await store.getTrace(id, 'capacitorVolts');
  assert.ok(trace);
  await page.locator('figure[data-channel=capacitorVolts] canvas').waitFor();
  await page.waitForTimeout(300);
  const greatest = Math.max(...trace.maxima);
  const least = Math.min(...trace.minima);
  const scaleTop = 1.12 * Math.max(greatest, config.turnOnVolts);
  const drawn = await drawnExtent(page, 'capacitorVolts');
  assert.ok(
    Math.abs(drawn.high - greatest / scaleTop) < 0.03,
    `top at ${drawn.high}, ${greatest} V of ${scaleTop} V`,
  );
  assert.ok(
    Math.abs(drawn.low - least / scaleTop) < 0.03,
    `bottom at ${drawn.low}, ${least} V of ${scaleTop} V`,
  );
  assert.ok(drawn.filled > 0.9, `the trace covers ${drawn.filled} of the width`);

  // The charts follow the size of the window.
  const plot = page.locator('figure[data-channel=capacitorVolts] .u-over');
  const widthOf = async (): Promise<number> => (await plot.boundingBox())?.width ?? 0;
  const wide = await widthOf();
  await page.setViewportSize({ width: 1160, height: 900 });
  await until(
    'the chart is as much narrower as the window',
    async () => Math.abs(wide - 200 - (await widthOf())) < 4,
    5_000,
  );

  // Zooming by keyboard asks for a shorter stretch; the whole comes back.
  const range = async (): Promise<number[]> =>
    ((await page.locator('[data-range]').getAttribute('data-range')) ?? '').split(' ').map(Number);
  const whole = await range();
  await page.getByRole('button', { name: 'Zoom in' }).focus();
  await page.keyboard.press('Enter');
  const half = await range();
  assert.ok(Math.abs(half[1] - half[0] - (whole[1] - whole[0]) / 2) < 1e-6 * whole[1]);
  await page
    .getByRole('group', { name: 'Stored signals' })
    .getByRole('button', { name: 'Whole run' })
    .click();
  assert.deepEqual(await range(), whole);
}

test(
  'a cancelled campaign says so, and its run is stored as cancelled',
  { skip, timeout: 3 * 60_000 },
  async (context) => {
    const { host, browser } = await openSession(context);
    const page = await browser.newPage();
    await page.goto(host.url);
    await page.getByRole('button', { name: 'Start the example campaign' }).click();
    await pointsDrawn(page, 20);
    await page.getByRole('button', { name: 'Cancel campaign' }).click();
    await campaignEnd(page);
    assert.match(await textOf(page.locator('.title')), /cancelled/);
    const store = await openStore(host.databasePath, { readOnly: true });
    context.after(() => store.close());
    const { rows } = await store.listRuns({
      filters: [],
      sortBy: 'id',
      descending: false,
      limit: 100,
      offset: 0,
    });
    assert.ok(rows.some((row) => row.status === 'cancelled'));
    assert.ok(rows.every((row) => row.status !== 'running'));
  },
);

test(
  'a wrong campaign is told with place and remedy, and nothing is stored',
  { skip, timeout: 60_000 },
  async (context) => {
    const { host, browser } = await openSession(context);
    const page = await browser.newPage();
    await page.goto(host.url);
    await page.getByRole('button', { name: 'Write a campaign' }).click();
    const editor = page.getByRole('textbox', { name: 'Campaign, as YAML' });
    await until('the example is in the editor', async () => (await editor.inputValue()) !== '');
    await editor.fill((await editor.inputValue()).replace('strategies:', 'stratgies:'));
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match(await textOf(alert), /stratgies/);
    assert.match(await textOf(alert), /campaign\.yaml:\d+:\d+/);
    assert.match(await textOf(alert), /strategies/);
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
  },
);

test(
  'wrong token, foreign Host and foreign Origin are refused in the browser too',
  { skip, timeout: 60_000 },
  async (context) => {
    const { host, browser } = await openSession(context, [
      '--host-resolver-rules=MAP evil.example 127.0.0.1',
    ]);
    const page = await browser.newPage();
    const address = new URL(host.url);

    const wrong = await page.goto(`${address.origin}/?token=${'A'.repeat(43)}`);
    assert.equal(wrong?.status(), 401);
    assert.match(await page.innerText('body'), /\?token=/);

    const foreignHost = await page.goto(host.url.replace('127.0.0.1', 'evil.example'));
    assert.equal(foreignHost?.status(), 421);

    // With the cookie in the browser, a page of another origin still gets nothing.
    assert.equal((await page.goto(host.url))?.status(), 200);
    const foreign = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>foreign</title>');
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    context.after(() => foreign.close());
    await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`);
    const outcome = await page.evaluate(`(async () => {
    const socket = new WebSocket('ws://${address.host}/service');
    const opened = await new Promise((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    const fetched = await fetch('http://${address.host}/', { credentials: 'include' }).then(
      (response) => response.status,
      () => 'refused',
    );
    return { opened, fetched };
  })()`);
    assert.deepEqual(outcome, { opened: false, fetched: 'refused' });
  },
);
