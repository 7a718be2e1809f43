import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resourcePath } from '../src-main/common/resources.js';
import { buildHostCore } from './firmware/host.js';
import { buildPicoFirmware } from './firmware/pico.js';
import { formatSizes, measureHostSizes, type FirmwareSizes } from './firmware/sizes.js';

/**
 * Rebuilds everything under firmware/prebuilt from its sources, prints what it takes and keeps that in firmware/sizes.json. With `--check` nothing is written there: the result is
 * compared with it byte for byte, and a difference is an error.
 */
async function build(folder: string): Promise<FirmwareSizes> {
  await buildHostCore(folder);
  const pico = await buildPicoFirmware(folder);
  return { 'pico-fram': pico, 'core.wasm': await measureHostSizes(folder) };
}

/** Beside the folder of the binaries, so that a change of size shows in review. */
const SIZES_FILE = resourcePath('firmware', 'sizes.json');
const sizesText = (sizes: FirmwareSizes) => `${JSON.stringify(sizes, null, 2)}\n`;

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
    const sizes = await build(prebuilt);
    await writeFile(SIZES_FILE, sizesText(sizes));
    console.log(formatSizes(sizes));
    console.log('firmware/prebuilt is rebuilt; commit it together with the sources');
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'firmware-check-'));
  try {
    const sizes = await build(folder);
    const differing = await differingFiles(folder, prebuilt);
    if ((await readFile(SIZES_FILE, 'utf8').catch(() => '')) !== sizesText(sizes)) {
      differing.push('../sizes.json');
    }
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
