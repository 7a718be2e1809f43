import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { flashBoard } from '../../src-main/board/flashers/loader.js';
import { BoardLink } from '../../src-main/board/link/board-link.js';
import { picoFram } from '../../src-main/board/profiles/pico-fram.js';
import { VirtualBoardPort } from '../../src-main/board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../../src-main/board/virtual/virtual-pico.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { buildPicoFirmware, bootRomCrc, hasPicoCompiler } from '../../tools/firmware/pico.js';
import { SIZE_LIMITS, type FirmwareSizes } from '../../tools/firmware/sizes.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { keywordModel, picoFirmware } from '../support/virtual-bench.js';

const keptSizes = async () =>
  JSON.parse(await readFile(resourcePath('firmware', 'sizes.json'), 'utf8')) as FirmwareSizes;

test('the prebuilt Pico firmware is what its sources give, byte for byte', async (context) => {
  if (!(await hasPicoCompiler())) {
    context.skip('arm-none-eabi-gcc is not installed (Debian: apt-get install gcc-arm-none-eabi)');
    return;
  }
  const folder = await temporaryFolder(context);
  const sizes = await buildPicoFirmware(folder);
  assert.deepEqual(
    sizes,
    (await keptSizes())['pico-fram'],
    'firmware/sizes.json is not what the build takes: npm run build:firmware',
  );
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

test('the whole runtime with all kernels keeps to its size, and sizes.json is about these files', async () => {
  const { 'pico-fram': pico, 'core.wasm': host } = await keptSizes();
  assert.ok(pico.flash < SIZE_LIMITS.flash && pico.sram.total < SIZE_LIMITS.sramOutsideArena);
  assert.equal(pico.arena, picoFram.arenaBytes);
  const fileBytes = async (name: string) =>
    (await readFile(resourcePath('firmware', 'prebuilt', name))).length;
  assert.equal(pico.flash, await fileBytes('pico-fram.bin'));
  assert.equal(host.file, await fileBytes('core.wasm'));
});

test('no stack is deeper on the virtual board than the call graph says', async () => {
  const { stack } = (await keptSizes())['pico-fram'].sram;
  const board = createVirtualPico({ firmware: picoFirmware(), profile: picoFram, seed: 1 });
  board.setCapacitorVolts(4.5);
  board.powerOn();
  // The boot stage lies at the top of the stack until it has run; everything below it is painted.
  const lowest = 0x40000;
  const top = 0x42000;
  const paint = 0xa5;
  board.sram.fill(paint, lowest, top - 256);
  const link = new BoardLink(new VirtualBoardPort(board));
  await link.selfTest();
  await flashBoard(link, keywordModel('tile', 1));
  await link.run(1, 0, 1);
  assert.equal((await link.nextEvent(20))?.kind, 'result');
  const used = top - board.sram.findIndex((byte, address) => address >= lowest && byte !== paint);
  assert.ok(used <= stack, `${used} bytes were used, the call graph has ${stack}`);
  // Nor is the bound far from what happens; this model has no layer for Winograd, whose frame is the largest.
  assert.ok(used > 0.7 * stack, `only ${used} of ${stack} bytes were used`);
});
