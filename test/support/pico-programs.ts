import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resourcePath } from '../../src-main/common/resources.js';
import { buildBootStage, compile, LINK_FLAGS, toUf2 } from '../../tools/firmware/pico.js';

const run = promisify(execFile);
const SOURCES = resourcePath('test', 'board', 'images', 'program');

/** Builds a program of test/board/images/program that starts from flash: the linked ELF file. */
export async function buildFlashElf(folder: string, source: 'flash.c' | 'sdk-start.c'): Promise<string> {
  const stage = join(folder, 'stage.bin');
  await writeFile(stage, await buildBootStage(folder));
  const assembly = join(folder, 'stage.s');
  await writeFile(assembly, `.section .boot,"ax"\n.incbin "${stage}"\n`);
  const elf = join(folder, `${source}.elf`);
  await compile([
    '-O2',
    ...LINK_FLAGS,
    `-Wl,-T,${SOURCES}/flash.ld`,
    `${SOURCES}/${source}`,
    assembly,
    'boards/pico/clocks.c',
    '-lgcc',
    '-o',
    elf,
  ]);
  return elf;
}

/** Builds test/board/images/program/flash.c in every format that the bench takes, from one linked program. */
export async function buildFlashProgram(
  folder: string,
): Promise<Record<'elf' | 'bin' | 'uf2' | 'hex', string>> {
  const elf = await buildFlashElf(folder, 'flash.c');
  const [bin, hex, uf2] = ['flash.bin', 'flash.hex', 'flash.uf2'].map((name) => join(folder, name));
  await run('arm-none-eabi-objcopy', ['-O', 'binary', elf, bin]);
  await run('arm-none-eabi-objcopy', ['-O', 'ihex', elf, hex]);
  await writeFile(uf2, toUf2(await readFile(bin)));
  return { elf, bin, uf2, hex };
}

/** Builds test/board/images/program/sram.c, which needs no flash. */
export async function buildSramProgram(folder: string): Promise<string> {
  const elf = join(folder, 'sram.elf');
  await compile(['-O2', ...LINK_FLAGS, `-Wl,-T,${SOURCES}/sram.ld`, `${SOURCES}/sram.c`, '-o', elf]);
  return elf;
}
