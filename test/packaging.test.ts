import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { resourcePath } from '../src-main/common/resources.js';

interface BuilderConfig {
  files: string[];
  asarUnpack: string[];
}

const config = parse(readFileSync(resourcePath('electron-builder.yml'), 'utf8')) as BuilderConfig;

test('everything that the product reads at run time is packaged, and exists after a build', () => {
  const packaged = config.files.filter((pattern) => !pattern.startsWith('!'));
  for (const needed of [
    'package.json',
    'dist/src-main/**',
    'dist/window/**',
    'dist/examples/**',
    'migrations/**',
  ]) {
    assert.ok(packaged.includes(needed), `${needed} is packaged`);
  }
  assert.ok(packaged.includes('firmware/prebuilt/**'));
  for (const pattern of packaged) {
    const path = pattern.replace(/\/\*\*$/, '');
    assert.ok(existsSync(resourcePath(path)), `${path} exists`);
  }
});

test('every package with a native library is unpacked from the archive', () => {
  const shipped = productionPackages();
  const native = shipped.filter((name) => holdsNativeLibrary(resourcePath('node_modules', name)));
  assert.ok(native.includes('sqlite3'), `native packages: ${native.join(', ')}`);
  for (const name of native) {
    assert.ok(config.asarUnpack.includes(`node_modules/${name}/**`), `${name} is in asarUnpack`);
  }
});

/** Names of the packages that a production install holds, from the lock file. */
function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(resourcePath('package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path.startsWith('node_modules/') && dev !== true)
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => existsSync(resourcePath('node_modules', name)));
}

function holdsNativeLibrary(folder: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some(
    (name) => name.endsWith('.node') && !name.includes(join('obj', '')),
  );
}
