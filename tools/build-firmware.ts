import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resourcePath } from '../src-main/common/resources.js';
import { buildHostCore } from './firmware/host.js';
import { buildPicoFirmware } from './firmware/pico.js';

/**
 * Rebuilds everything under firmware/prebuilt from its sources. With `--check` nothing is written there: the result is
 * compared with it byte for byte, and a difference is an error.
 */
const BUILDERS = [(folder: string) => buildHostCore(folder), buildPicoFirmware];

async function build(folder: string): Promise<void> {
  for (const builder of BUILDERS) {
    await builder(folder);
  }
}

async function differingFiles(folder: string, prebuilt: string): Promise<string[]> {
  const differing: string[] = [];
  for (const name of await readdir(folder)) {
    const committed = await readFile(join(prebuilt, name)).catch(() => null);
    if (!committed?.equals(await readFile(join(folder, name)))) {
      differing.push(name);
    }
  }
  return differing;
}

async function main(): Promise<void> {
  const prebuilt = resourcePath('firmware', 'prebuilt');
  if (!process.argv.includes('--check')) {
    await build(prebuilt);
    console.log('firmware/prebuilt is rebuilt; commit it together with the sources');
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'firmware-check-'));
  try {
    await build(folder);
    const differing = await differingFiles(folder, prebuilt);
    if (differing.length > 0) {
      console.error(
        `firmware/prebuilt: ${differing.join(', ')} differ from their sources. Run: npm run build:firmware`,
      );
      process.exitCode = 1;
      return;
    }
    console.log('firmware/prebuilt is what its sources give');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
