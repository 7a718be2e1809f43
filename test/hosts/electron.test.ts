/** The Electron host, where its runtime and a display are there; the browser host shows the same window elsewhere. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { _electron as electron } from 'playwright-core';
import { resourcePath } from '../../src-main/common/resources.js';
import { findElectron, hasDisplay } from '../../src-main/hosts/electron-runtime.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const runtime = findElectron(resourcePath('node_modules', 'electron'));
const skip =
  runtime.executable === null
    ? `Electron is not tested here: ${runtime.reason}`
    : !hasDisplay() && 'Electron is not tested here: this session has no display';

test(
  'the Electron window is sandboxed and reaches the bench through its preload only',
  { skip, timeout: 60_000 },
  async (context) => {
    const script = resourcePath('dist', 'src-main', 'hosts', 'electron.js');
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const application = await electron.launch({
      executablePath: runtime.executable ?? '',
      args: [...asRoot, script, '--db', join(await temporaryFolder(context), 'bench.sqlite')],
    });
    context.after(() => application.close());
    const page = await application.firstWindow();
    await page.getByRole('button', { name: 'Start the example campaign' }).waitFor();
    assert.equal(await page.evaluate('typeof require'), 'undefined');
    assert.deepEqual(await page.evaluate('Object.keys(window.bench).sort()'), ['call', 'onEvent']);
    const reply = await page.evaluate('window.bench.call("app.info", {}).then((reply) => reply.result.host)');
    assert.equal(reply, 'electron');
    const refused = await page.evaluate(
      'window.bench.call("runs.get", { id: "x" }).then((reply) => reply.error.code)',
    );
    assert.equal(refused, 'invalid-arguments');
  },
);
