import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataFolder, defaultDatabasePath } from '../../src-main/common/data-folder.js';
import { fetchElectron, findElectron, hasDisplay } from '../../src-main/hosts/electron-runtime.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('the runtime is used only when package, path.txt and executable are there', async (context) => {
  const folder = await temporaryFolder(context);
  const reason = (): string | null => {
    const found = findElectron(folder, {});
    return found.executable === null ? found.reason : null;
  };
  assert.match(reason() ?? '', /not installed/);
  await writeFile(join(folder, 'package.json'), '{"version": "1.0.0"}');
  assert.match(reason() ?? '', /not downloaded/);
  await writeFile(join(folder, 'path.txt'), 'electron');
  assert.match(reason() ?? '', /incomplete/);
  await mkdir(join(folder, 'dist'));
  await writeFile(join(folder, 'dist', 'electron'), '');
  assert.equal(reason(), null);
});

test('a display is what X11, Wayland, macOS or Windows give', () => {
  assert.equal(hasDisplay({}, 'linux'), false);
  assert.equal(hasDisplay({ DISPLAY: '' }, 'linux'), false);
  assert.equal(hasDisplay({ DISPLAY: ':0' }, 'linux'), true);
  assert.equal(hasDisplay({ DISPLAY: '', WAYLAND_DISPLAY: 'wayland-0' }, 'linux'), true);
  assert.equal(hasDisplay({}, 'darwin'), true);
});

test('fetching is tried once: a failure is told, remembered, and not repeated', async (context) => {
  const folder = await temporaryFolder(context);
  const markerFile = join(folder, 'data', 'not-available.txt');
  const calls = join(folder, 'calls.txt');
  await writeFile(
    join(folder, 'install.js'),
    `require('node:fs').appendFileSync(${JSON.stringify(calls)}, 'x'); console.error('Error: no way to the runtime'); process.exit(1);`,
  );
  await chmod(join(folder, 'install.js'), 0o755);
  const said: string[] = [];
  const options = {
    packageFolder: folder,
    markerFile,
    timeoutMilliseconds: 10_000,
    say: (line: string) => said.push(line),
  };
  assert.equal(await fetchElectron(options), false);
  assert.match(said.join('\n'), /no way to the runtime/);
  assert.match(await readFile(markerFile, 'utf8'), /Delete this file/);
  assert.equal(await fetchElectron(options), false);
  assert.equal(await readFile(calls, 'utf8'), 'x');
});

test('an install script that hangs is ended after the time allowed', async (context) => {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, 'install.js'), 'setInterval(() => undefined, 1000);');
  const said: string[] = [];
  const startedAt = performance.now();
  const fetched = await fetchElectron({
    packageFolder: folder,
    markerFile: join(folder, 'marker.txt'),
    timeoutMilliseconds: 300,
    say: (line) => said.push(line),
  });
  assert.equal(fetched, false);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.match(said.join('\n'), /no answer within 0.3 s/);
  assert.ok(existsSync(join(folder, 'marker.txt')));
});

test('the data base lies where the platform keeps data', () => {
  assert.equal(dataFolder({ XDG_DATA_HOME: '/x' }, 'linux', '/home/a'), join('/x', 'brownout-bench'));
  assert.equal(dataFolder({}, 'linux', '/home/a'), join('/home/a', '.local', 'share', 'brownout-bench'));
  assert.equal(
    dataFolder({}, 'darwin', '/Users/a'),
    join('/Users/a', 'Library', 'Application Support', 'brownout-bench'),
  );
  assert.equal(dataFolder({ LOCALAPPDATA: '/l' }, 'win32', '/u'), join('/l', 'brownout-bench'));
  assert.equal(defaultDatabasePath('/d'), join('/d', 'bench.sqlite'));
});
