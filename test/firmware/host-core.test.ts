import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { resourcePath } from '../../src-main/common/resources.js';
import { buildHostCore, hasHostCompiler } from '../../tools/firmware/host.js';
import { hasPicoCompiler } from '../../tools/firmware/pico.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const execute = promisify(execFile);

test('the prebuilt host core is what its sources give, byte for byte', async (context) => {
  if (!(await hasHostCompiler())) {
    context.skip('clang or wasm-ld is not installed (Debian: apt-get install clang lld)');
    return;
  }
  const folder = await temporaryFolder(context);
  await buildHostCore(folder);
  const committed = await readFile(resourcePath('firmware', 'prebuilt', 'core.wasm'));
  assert.ok(
    committed.equals(await readFile(join(folder, 'core.wasm'))),
    'firmware/prebuilt/core.wasm differs from its sources: npm run build:firmware',
  );
});

test('every file of the portable core compiles for a Cortex-M0+ by itself, without a warning', async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip('arm-none-eabi-gcc is not installed (Debian: apt-get install gcc-arm-none-eabi)');
    return;
  }
  for (const folder of ['kernels', 'runtime']) {
    for (const name of await readdir(resourcePath('firmware', folder))) {
      await execute('arm-none-eabi-gcc', [
        ...['-mcpu=cortex-m0plus', '-mthumb', '-std=c11', '-O2', '-ffreestanding', '-fsyntax-only'],
        ...['-Wall', '-Wextra', '-Werror', '-x', 'c', resourcePath('firmware', folder, name)],
      ]);
    }
  }
});
