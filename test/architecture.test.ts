import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourcePath } from '../src-main/common/resources.js';
import { findViolations, type Sources } from './support/architecture.js';

const FOLDERS = ['src-main', 'src-renderer', 'tools', 'test', 'firmware', 'migrations'];
const SOURCE = /\.(ts|cts|mts|mjs|js|svelte|c|h|sql)$/;

function repositorySources(): Sources {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS.filter((name) => existsSync(resourcePath(name)))) {
    for (const entry of readdirSync(resourcePath(folder), { recursive: true, encoding: 'utf8' })) {
      if (SOURCE.test(entry) && !entry.includes('node_modules')) {
        const path = join(folder, entry).replaceAll('\\', '/');
        sources.set(path, readFileSync(resourcePath(path), 'utf8'));
      }
    }
  }
  return sources;
}

test('the sources keep the arrows of the design', () => {
  const sources = repositorySources();
  assert.ok(sources.has('src-main/compiler/graph.ts'), 'the repository was read');
  assert.deepEqual(findViolations(sources), []);
});

/** Made-up files that each break one rule: path, text, and a word of the complaint. */
const OFFENDERS: [string, string, RegExp][] = [
  [
    'src-main/compiler/index.ts',
    "import { f } from '../board/profile.js';",
    /compiler imports src-main\/board/,
  ],
  [
    'src-main/compiler/index.ts',
    "import type { F } from '../campaign/types.js';",
    /compiler imports .*\(types\)/,
  ],
  ['src-main/board/link.ts', "export { f } from '../supply/rail.js';", /board imports src-main\/supply/],
  ['src-main/board/link.ts', "export * from '../service/manifest.js';", /board imports src-main\/service/],
  ['src-main/store/runs.ts', "import { f } from '../campaign/types.js';", /store imports src-main\/campaign/],
  [
    'src-main/store/runs.ts',
    "import { type F } from '../campaign/types.js';",
    /store imports src-main\/campaign/,
  ],
  [
    'src-main/store/runs.ts',
    "import type { F } from '../campaign/engine.js';",
    /store imports src-main\/campaign/,
  ],
  [
    'src-main/report/html.ts',
    "const f = await import('../store/types.js');",
    /report imports src-main\/store/,
  ],
  ['src-main/campaign/engine.ts', "import '../service/manifest.js';", /campaign imports src-main\/service/],
  [
    'src-main/campaign/engine.ts',
    "new Worker(new URL('../hosts/cli.js', import.meta.url));",
    /campaign imports/,
  ],
  [
    'src-main/service/service.ts',
    "import type { F } from '../hosts/cli.js';",
    /service imports src-main\/hosts/,
  ],
  ['src-main/common/errors.ts', "let f: import('../board/profile.js').F;", /common imports src-main\/board/],
  ['src-main/elsewhere/file.ts', "import '../common/errors.js';", /elsewhere imports/],
  ['src-main/compiler/2-quantize/index.ts', "import '../3-plan/index.js';", /phase 2 imports .* phase 3/],
  [
    'src-main/compiler/1-import/a.ts',
    "import type { F } from '../10-last/index.js';",
    /phase 1 imports .* phase 10/,
  ],
  [
    'src-main/compiler/3-plan/index.ts',
    "import type { F } from '../index.js';",
    /phase 3 imports the compiler's entry/,
  ],
  ['src-main/hosts/cli.ts', "import { app } from 'electron';", /imports electron/],
  ['src-main/hosts/cli.cts', "const { app } = require('electron/main');", /imports electron/],
  ['src-main/store/store.ts', "import sqlite3 from 'sqlite3';", /imports sqlite3/],
  ['src-main/supply/port.ts', "import type { F } from 'serialport';", /imports serialport/],
  ['src-main/supply/port.ts', "import { F } from '@serialport/stream';", /imports @serialport/],
  ['src-main/hosts/start.ts', "import '../../tools/train/data.js';", /not part of it/],
  ['src-main/hosts/start.ts', "import '../../test/support/shared.js';", /imports the test file/],
  ['tools/build-window.mjs', "import '../src-renderer/main.js';", /of the window/],
  ['src-renderer/main.ts', "import { f } from '../src-main/service/manifest.js';", /types of service only/],
  ['src-renderer/main.ts', "import type { F } from '../src-main/store/types.js';", /types of service only/],
  [
    'src-renderer/App.svelte',
    '<p>x</p>\n<script lang="ts">\nimport fs from \'node:fs\';\n</script>',
    /App.svelte:3: .*browser/,
  ],
  ['firmware/runtime/bb_link.c', '#include "pico_uart.h"', /includes "pico_uart.h", which is not/],
  ['firmware/kernels/conv.h', '#  include <../boards/pico/registers.h>', /not part of it/],
  ['firmware/runtime/bb_link.c', '#include <unistd.h>', /includes <unistd.h>/],
  ['migrations/0007-new.sql', 'CREATE TABLE t (x INTEGER);', /has no test\/migrations\/0007-new/],
];

for (const [path, text, complaint] of OFFENDERS) {
  test(`is caught: ${path} with ${text.split('\n').join(' ')}`, () => {
    const sources = new Map([
      ['firmware/boards/pico/pico_uart.h', ''],
      ['src-main/compiler/index.ts', ''],
      [path, text],
    ]);
    const violations = findViolations(sources);
    assert.equal(violations.length, 1, violations.join('\n'));
    assert.match(violations[0], complaint);
    assert.ok(violations[0].startsWith(`${path}:`), violations[0]);
  });
}

test('is caught: files that import each other', () => {
  const ring: Sources = new Map([
    ['src-main/board/a.ts', "import { b } from './b.js';"],
    ['src-main/board/b.ts', "export * from './c.js';"],
    ['src-main/board/c.ts', "import { a } from './a.js';"],
    ['src-main/board/d.ts', "import type { a } from './a.js';"],
  ]);
  const violations = findViolations(ring);
  assert.equal(violations.length, 1);
  assert.match(violations[0], /a\.ts -> .*b\.ts -> .*c\.ts -> .*a\.ts/);
});

test('what the design allows passes', () => {
  const sources: Sources = new Map([
    ['src-main/hosts/electron.ts', "import { app } from 'electron'; import '../service/service.js';"],
    ['src-main/service/service.ts', "import '../campaign/engine.js'; import '../store/store.js';"],
    ['src-main/campaign/engine.ts', "import '../compiler/index.js'; import '../board/profile.js';"],
    ['src-main/compiler/index.ts', "import './3-plan/index.js'; import '../common/errors.js';"],
    ['src-main/compiler/3-plan/index.ts', "import '../2-quantize/index.js'; import '../graph.js';"],
    ['src-main/compiler/2-quantize/index.ts', ''],
    ['src-main/store/types.ts', "import type { F } from '../campaign/types.js';"],
    ['src-main/report/csv.ts', "import type { F } from '../store/types.js';"],
    ['src-main/campaign/types.ts', "import type { F } from '../compiler/plan.js';"],
    [
      'src-renderer/App.svelte',
      '<script lang="ts">import type { F } from \'../src-main/service/manifest.js\';</script>',
    ],
    ['firmware/kernels/conv.c', '#include "conv.h"\n#include <string.h>'],
    ['firmware/kernels/conv.h', ''],
    ['firmware/boards/pico/conv.h', ''],
    ['firmware/boards/host/string.h', ''],
    ['migrations/0001-first.sql', ''],
    ['test/migrations/0001-first.test.ts', ''],
  ]);
  assert.deepEqual(findViolations(sources), []);
});
