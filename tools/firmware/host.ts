import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resourcePath } from '../../src-main/common/resources.js';

const execute = promisify(execFile);

/** Folders under firmware/ whose .c files make up the host core. */
const SOURCE_FOLDERS = ['boards/host', 'kernels', 'runtime'];
/** Files of those folders that need a board: the serial link and the device loop around the runtime. */
const BOARD_ONLY = new Set(['bb_link.c', 'bb_device.c', 'bb_selftest.c']);

const FLAGS = [
  '--target=wasm32',
  '-std=c11',
  '-O3',
  '-msimd128',
  '-fwrapv',
  '-ffreestanding',
  '-nostdlib',
  '-isystem',
  'boards/host/libc',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wl,--no-entry',
  '-Wl,--import-memory',
  '-Wl,--export=__heap_base',
  '-Wl,--strip-all',
];

/** True when the compiler and the linker can be run here. */
export async function hasHostCompiler(): Promise<boolean> {
  try {
    await execute('clang', ['--version']);
    await execute('wasm-ld', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** Protocol faults that tests plant in a host core of their own: firmware/runtime/bb_fault.h. */
export const PLANTED_FAULTS = {
  'no CRC on the record': 1,
  'commit before data': 2,
  'one slot instead of two': 3,
} as const;
export type PlantedFault = keyof typeof PLANTED_FAULTS;

/**
 * Compiles the portable core for the host: `core.wasm` in `outputFolder`. The result depends on nothing but the sources
 * and the compiler (Debian 12: clang 14 with lld): relative paths in a fixed order, no names, no build id.
 *
 * @param fault for tests only: a core that breaks the commit protocol
 * @throws Error that says which packages to install when clang or wasm-ld is missing
 */
export async function buildHostCore(outputFolder: string, fault?: PlantedFault): Promise<void> {
  const firmware = resourcePath('firmware');
  const sources: string[] = [];
  for (const folder of SOURCE_FOLDERS) {
    const names = (await readdir(join(firmware, folder))).filter((name) => name.endsWith('.c'));
    sources.push(
      ...names
        .filter((name) => !BOARD_ONLY.has(name))
        .sort()
        .map((name) => `${folder}/${name}`),
    );
  }
  const defines = fault === undefined ? [] : [`-DBB_FAULT=${PLANTED_FAULTS[fault]}`];
  try {
    await execute('clang', [...FLAGS, ...defines, '-o', join(outputFolder, 'core.wasm'), ...sources], {
      cwd: firmware,
    });
  } catch (cause) {
    const text = String((cause as { stderr?: string }).stderr ?? cause);
    const missing = (cause as { code?: string }).code === 'ENOENT' || text.includes('wasm-ld');
    throw new Error(
      missing
        ? `core.wasm needs clang and wasm-ld: apt-get install clang lld (${text.trim().split('\n')[0]})`
        : `core.wasm does not compile:\n${text}`,
      { cause },
    );
  }
}
