/**
 * Takes the pictures of the documentation: `npm run build && node dist/tools/screenshots.js [FOLDER]`. Runs the example
 * campaign in the real browser host with a fresh data base, once, and looks at it in light and dark.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { resourcePath } from '../src-main/common/resources.js';
import { hasChromium, launchChromium, startHostProcess } from './browser-session.js';

const SIZE = { width: 1360, height: 860 };
const CAMPAIGN_MILLISECONDS = 5 * 60_000;

if (!hasChromium()) {
  console.error('screenshots: chromium is not installed (apt-get install chromium)');
  process.exit(1);
}
const target = process.argv.at(2) ?? resourcePath('docs');
const folder = await mkdtemp(join(tmpdir(), 'brownout-screenshots-'));
await mkdir(target, { recursive: true });
const host = await startHostProcess(folder);
const browser = await launchChromium();
try {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'dark' });
  await page.goto(host.url);
  await page.getByRole('button', { name: 'Start the example campaign' }).click();
  await runningWithSignal(page);
  await take(page, 'live-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await take(page, 'live-light');
  await page.locator('.title', { hasText: 'finished' }).waitFor({ timeout: CAMPAIGN_MILLISECONDS });

  await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click();
  await page.locator('tbody tr').first().waitFor();
  await take(page, 'runs-light');
  await page.getByRole('row', { name: 'tile' }).getByRole('link').last().click();
  await page.locator('figure[data-channel=capacitorVolts]').waitFor();
  await take(page, 'run-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take(page, 'run-dark');
} finally {
  await browser.close();
  await host.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Until a good part of the shown run is committed, or the campaign is over before that was seen. */
async function runningWithSignal(page: Page): Promise<void> {
  const readout = page.locator('[data-readout=inference] .note');
  await readout.waitFor({ timeout: CAMPAIGN_MILLISECONDS });
  const title = page.locator('.title');
  while (parseFloat(await readout.innerText()) < 45 && (await title.innerText()).includes('running')) {
    await page.waitForTimeout(50);
  }
}

/** After the next frames, so that charts have followed a change of colours. */
async function take(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(target, `window-${name}.png`) });
  console.log(`window-${name}.png`);
}
