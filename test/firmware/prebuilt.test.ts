import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';
import { buildPicoFirmware, bootRomCrc, hasPicoCompiler } from '../../tools/firmware/pico.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('the prebuilt Pico firmware is what its sources give, byte for byte', async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip('arm-none-eabi-gcc is not installed (Debian: apt-get install gcc-arm-none-eabi)');
    return;
  }
  const folder = await temporaryFolder(context);
  await buildPicoFirmware(folder);
  for (const name of ['pico-fram.bin', 'pico-fram.uf2']) {
    const committed = await readFile(resourcePath('firmware', 'prebuilt', name));
    assert.ok(
      committed.equals(await readFile(join(folder, name))),
      `firmware/prebuilt/${name} differs from its sources: npm run build:firmware`,
    );
  }
});

test('the boot ROM would take its second-stage boot loader', async () => {
  const image = await readFile(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));
  assert.equal(bootRomCrc(image.subarray(0, 252)), image.readUInt32LE(252));
  // CRC-32/MPEG-2, the published check value of this polynomial without reflection or inversion.
  assert.equal(bootRomCrc(Buffer.from('123456789')), 0x0376e6e7);
});

test('the UF2 file holds the same bytes, in blocks for the RP2040', async () => {
  const image = await readFile(resourcePath('firmware', 'prebuilt', 'pico-fram.bin'));
  const uf2 = await readFile(resourcePath('firmware', 'prebuilt', 'pico-fram.uf2'));
  const blocks = uf2.length / 512;
  const content = Buffer.concat(
    Array.from({ length: blocks }, (_, block) => {
      const at = 512 * block;
      assert.equal(uf2.readUInt32LE(at), 0x0a324655);
      assert.equal(uf2.readUInt32LE(at + 12), 0x10000000 + 256 * block);
      assert.equal(uf2.readUInt32LE(at + 24), blocks);
      assert.equal(uf2.readUInt32LE(at + 28), 0xe48bff56);
      return uf2.subarray(at + 32, at + 32 + 256);
    }),
  );
  assert.ok(content.subarray(0, image.length).equals(image));
});
