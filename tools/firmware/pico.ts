import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resourcePath } from '../../src-main/common/resources.js';
import { measurePicoSizes, type FirmwareSizes } from './sizes.js';

const run = promisify(execFile);
const COMPILER = 'arm-none-eabi-gcc';
const OBJCOPY = 'arm-none-eabi-objcopy';

/** The boot ROM loads this much of flash and jumps to it, if its last four bytes are the CRC of the rest. */
const BOOT_BYTES = 256;
const BOOT_CODE_BYTES = BOOT_BYTES - 4;

/** Flash addresses and family of UF2 files for the RP2040, so that the Pico's USB boot loader takes them. */
const FLASH_ADDRESS = 0x10000000;
const UF2_FAMILY_RP2040 = 0xe48bff56;
const UF2_PAYLOAD_BYTES = 256;

const FLAGS = [
  '-mcpu=cortex-m0plus',
  '-mthumb',
  '-std=c11',
  '-ffreestanding',
  '-fwrapv',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-common',
  '-fno-tree-loop-distribute-patterns',
  '-fno-ident',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Iruntime',
  '-Ikernels',
  '-Iboards/pico',
];
export const LINK_FLAGS = [
  '-nostdlib',
  '-nostartfiles',
  '-Wl,--gc-sections',
  '-Wl,--build-id=none',
  '-Wl,--fatal-warnings',
];

/**
 * CRC-32 as the RP2040 boot ROM computes it over the second-stage boot loader: polynomial 0x04C11DB7, initial value
 * 0xFFFFFFFF, most significant bit first, no final inversion (RP2040 datasheet, section 2.8.1.3.1).
 */
export function bootRomCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}

/** True when the cross compiler can be run here. */
export async function hasPicoCompiler(): Promise<boolean> {
  try {
    await run(COMPILER, ['--version']);
    return true;
  } catch {
    return false;
  }
}

/**
 * Builds the Pico's firmware from firmware/ and writes `pico-fram.bin` (flash content from offset 0) and `pico-fram.uf2`
 * (the same for the USB boot loader) into `outputFolder`. The bytes depend on the sources and the compiler version only.
 *
 * @returns what it takes of flash and SRAM
 */
export async function buildPicoFirmware(outputFolder: string): Promise<FirmwareSizes['pico-fram']> {
  const firmware = resourcePath('firmware');
  const work = await mkdtemp(join(tmpdir(), 'pico-firmware-'));
  try {
    const boot = await buildBootStage(work);
    const program = join(work, 'pico-fram.elf');
    await compile([
      '-O2',
      '-fstack-usage',
      ...LINK_FLAGS,
      '-Wl,-T,boards/pico/pico.ld',
      ...(await programSources(firmware)),
      '-lgcc',
      '-o',
      program,
    ]);

    const image = joinBootStage(boot, await flatten(program));
    await mkdir(outputFolder, { recursive: true });
    await writeFile(join(outputFolder, 'pico-fram.bin'), image);
    await writeFile(join(outputFolder, 'pico-fram.uf2'), toUf2(image));
    return await measurePicoSizes(program, image.length);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Compiles files of firmware/ or elsewhere with the flags of the firmware; `args` are further ones and the files. */
export async function compile(args: string[]): Promise<void> {
  await run(COMPILER, [...FLAGS, ...args], { cwd: resourcePath('firmware') });
}

/** The bytes that an ELF file puts into memory, from the lowest to the highest. */
export async function flatten(elf: string): Promise<Uint8Array> {
  const binary = `${elf}.bin`;
  await run(OBJCOPY, ['-O', 'binary', elf, binary]);
  return readFile(binary);
}

/** The second-stage boot loader with its checksum: the first 256 bytes of flash. */
export async function buildBootStage(work: string): Promise<Uint8Array> {
  const elf = join(work, 'boot2.elf');
  await compile(['-Os', ...LINK_FLAGS, '-Wl,-T,boards/pico/boot2.ld', 'boards/pico/boot2.c', '-o', elf]);
  const code = await flatten(elf);
  if (code.length > BOOT_CODE_BYTES) {
    throw new Error(
      `second-stage boot loader is ${code.length} bytes, ${BOOT_CODE_BYTES} fit; shorten boot2.c`,
    );
  }
  const stage = new Uint8Array(BOOT_BYTES);
  stage.set(code);
  new DataView(stage.buffer).setUint32(BOOT_CODE_BYTES, bootRomCrc(stage.subarray(0, BOOT_CODE_BYTES)), true);
  return stage;
}

/** Every C file of the portable core and of the port, sorted, so that the link order is the same everywhere. */
async function programSources(firmware: string): Promise<string[]> {
  const sources: string[] = [];
  for (const folder of ['boards/pico', 'kernels', 'runtime']) {
    const names = await readdir(join(firmware, folder)).catch(() => [] as string[]);
    sources.push(
      ...names.filter((name) => name.endsWith('.c') && name !== 'boot2.c').map((name) => `${folder}/${name}`),
    );
  }
  return sources.sort();
}

function joinBootStage(boot: Uint8Array, program: Uint8Array): Uint8Array {
  const image = new Uint8Array(boot.length + program.length);
  image.set(boot);
  image.set(program, boot.length);
  return image;
}

/** UF2 container: 512-byte blocks of 256 bytes each, see the format's public specification. */
export function toUf2(image: Uint8Array): Uint8Array {
  const blocks = Math.ceil(image.length / UF2_PAYLOAD_BYTES);
  const file = new Uint8Array(blocks * 512);
  for (let block = 0; block < blocks; block++) {
    const view = new DataView(file.buffer, block * 512, 512);
    const header = [
      0x0a324655,
      0x9e5d5157,
      0x00002000,
      FLASH_ADDRESS + block * UF2_PAYLOAD_BYTES,
      UF2_PAYLOAD_BYTES,
      block,
      blocks,
      UF2_FAMILY_RP2040,
    ];
    header.forEach((word, index) => view.setUint32(4 * index, word, true));
    file.set(image.subarray(block * UF2_PAYLOAD_BYTES, (block + 1) * UF2_PAYLOAD_BYTES), block * 512 + 32);
    view.setUint32(508, 0x0ab16f30, true);
  }
  return file;
}
