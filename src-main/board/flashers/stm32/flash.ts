import { InputError, RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import { readProgram } from '../../images/index.js';
import type { ProgramImage } from '../../images/program-image.js';
import type { RomFlashOptions, RomFlashReport } from '../rom-flasher.js';
import {
  pagesOf,
  STM32_DEVICES,
  STM32_FLASH_ADDRESS,
  STM32_SRAM_ADDRESS,
  stm32Target,
  type Page,
  type Stm32Device,
} from './devices.js';
import { BLOCK_BYTES, COMMANDS } from './protocol.js';
import { hexAddress, Stm32Loader, Stm32LoaderError } from './rom-loader.js';

export interface Stm32FlashOptions extends RomFlashOptions {
  /** Start the program afterwards; true when left out. */
  start?: boolean;
}

const ATTEMPTS = 5;
const LOOKS = 2;

interface PageContent extends Page {
  content: Uint8Array;
}

/**
 * Brings an STM32's flash to a program through the boot loader in its system memory. Pages are compared first and only
 * those that differ are erased, written and read back, so that a flash that broke off goes on where it was. What else lies
 * in a page that the program touches is erased with it.
 *
 * @param file an ELF, Intel HEX or BIN file
 * @param name of that file, for messages
 * @throws InputError before anything is written, when the file is none, or for another chip
 * @throws RunError when no loader answers, it keeps refusing, or a page does not keep what was written
 * @throws the signal's reason when it is aborted
 */
export async function flashStm32(
  port: Port,
  file: Uint8Array,
  name: string,
  options: Stm32FlashOptions = {},
): Promise<RomFlashReport> {
  const { signal, onProgress } = options;
  const loader = new Stm32Loader(port);
  await loader.synchronise();
  const { version, commands } = await retried(loader, signal, () => loader.get());
  const device = deviceOf(port, await retried(loader, signal, () => loader.getId()));
  const image = readProgram(file, name, stm32Target(device));
  const pages = layOut(image, device);
  checkVectors(pages, device, name);

  const extended = commands.includes(COMMANDS.extendedErase);
  const totalBytes = pages.reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  let blocksWritten = 0;
  for (const page of pages) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'compare', doneBytes, totalBytes });
    if (!(await pageHolds(loader, page, signal))) {
      onProgress?.({ phase: 'write', doneBytes, totalBytes });
      await writePage(port, loader, page, { extended, erasedByte: device.erasedByte, signal });
      blocksWritten += 1;
    }
    doneBytes += page.bytes;
  }
  onProgress?.({ phase: 'write', doneBytes, totalBytes });
  const started = options.start ?? true;
  if (started) {
    await retried(loader, signal, () => loader.go(STM32_FLASH_ADDRESS));
  }
  return {
    chip: `${device.name} (id 0x${device.id.toString(16)})`,
    loader: `${version >>> 4}.${version & 15}`,
    programBytes: image.segments.reduce((sum, { bytes }) => sum + bytes.length, 0),
    blocks: pages.length,
    blocksWritten,
    started,
  };
}

function deviceOf(port: Port, id: number): Stm32Device {
  const device = STM32_DEVICES.find((candidate) => candidate.id === id);
  if (!device) {
    throw new InputError({
      code: 'stm32-unknown',
      place: port.name,
      message: `the chip says it is product 0x${id.toString(16)}, which is not known here`,
      remedy: `Known are ${STM32_DEVICES.map((known) => known.name).join(', ')}`,
    });
  }
  return device;
}

/** The program as whole pages; only those that it touches. */
function layOut(image: ProgramImage, device: Stm32Device): PageContent[] {
  return pagesOf(device).flatMap((page) => {
    const within = image.segments.filter(
      ({ address, bytes }) => address < page.address + page.bytes && address + bytes.length > page.address,
    );
    if (within.length === 0) {
      return [];
    }
    const content = new Uint8Array(page.bytes).fill(device.erasedByte);
    for (const { address, bytes } of within) {
      const from = Math.max(0, page.address - address);
      content.set(bytes.subarray(from, page.address + page.bytes - address), address + from - page.address);
    }
    return [{ ...page, content }];
  });
}

/**
 * A program at the beginning of flash starts with its stack pointer and its reset handler; those of a program for another
 * chip point elsewhere. This is the one check that a raw binary file allows.
 */
function checkVectors(pages: PageContent[], device: Stm32Device, name: string): void {
  const refuse = (what: string): never => {
    throw new InputError({
      code: 'bad-program',
      place: name,
      message: `${what}: it is not a program for the ${device.name}`,
      remedy: 'Build it for this chip, with its vector table at the beginning of flash',
    });
  };
  const first = pages.at(0);
  if (first?.address !== STM32_FLASH_ADDRESS) {
    return refuse(`it has nothing at ${hexAddress(STM32_FLASH_ADDRESS)}, where the chip starts`);
  }
  const vectors = new DataView(first.content.buffer);
  const stack = vectors.getUint32(0, true);
  const reset = vectors.getUint32(4, true);
  if (stack <= STM32_SRAM_ADDRESS || stack > STM32_SRAM_ADDRESS + device.sramBytes || stack % 4 !== 0) {
    refuse(
      `its stack begins at ${hexAddress(stack)}, the chip has SRAM from ${hexAddress(STM32_SRAM_ADDRESS)} to ` +
        hexAddress(STM32_SRAM_ADDRESS + device.sramBytes),
    );
  }
  const inFlash = reset >= STM32_FLASH_ADDRESS && reset < STM32_FLASH_ADDRESS + device.flashBytes;
  if (!inFlash || reset % 2 === 0) {
    refuse(`its reset handler is at ${hexAddress(reset)}, which is no Thumb code in this chip's flash`);
  }
}

/** Replies carry no checksum: what looks different is read once more before it is believed. */
async function holds(
  loader: Stm32Loader,
  address: number,
  wanted: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const found = await retried(loader, signal, () => loader.readMemory(address, wanted.length));
    if (wanted.every((byte, index) => byte === found[index])) {
      return true;
    }
  }
  return false;
}

async function pageHolds(
  loader: Stm32Loader,
  { address, content }: PageContent,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let at = 0; at < content.length; at += BLOCK_BYTES) {
    signal?.throwIfAborted();
    if (!(await holds(loader, address + at, content.subarray(at, at + BLOCK_BYTES), signal))) {
      return false;
    }
  }
  return true;
}

async function writePage(
  port: Port,
  loader: Stm32Loader,
  page: PageContent,
  { extended, erasedByte, signal }: { extended: boolean; erasedByte: number; signal?: AbortSignal },
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // The whole page again after a failure: flash cannot be written twice on chips with error correction.
    await retried(loader, signal, () => loader.erasePage(page.number, extended));
    let right = true;
    for (let at = 0; right && at < page.bytes; at += BLOCK_BYTES) {
      signal?.throwIfAborted();
      const block = page.content.subarray(at, at + BLOCK_BYTES);
      const erased = new Uint8Array(block.length).fill(erasedByte);
      if (block.some((byte) => byte !== erasedByte)) {
        right = await writeBlock(loader, page.address + at, { block, erased, signal });
      }
    }
    if (right && (await pageHolds(loader, page, signal))) {
      return;
    }
  }
  throw new RunError({
    code: 'flash-verify',
    place: port.name,
    message: `page ${page.number} at ${hexAddress(page.address)} differs after ${ATTEMPTS} attempts to write it`,
    remedy:
      'The page is write-protected (the loader does not say so) or worn out; look at its option bytes with a debug probe',
  });
}

/** @returns false when the block holds neither what was to be written nor nothing, so that its page must be erased again */
async function writeBlock(
  loader: Stm32Loader,
  address: number,
  { block, erased, signal }: { block: Uint8Array; erased: Uint8Array; signal?: AbortSignal },
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      await loader.writeMemory(address, block);
      return true;
    } catch (error) {
      if (!(error instanceof Stm32LoaderError) || attempt === ATTEMPTS) {
        throw error;
      }
    }
    signal?.throwIfAborted();
    await loader.resynchronise();
    if (await holds(loader, address, block, signal)) {
      return true;
    }
    if (!(await holds(loader, address, erased, signal))) {
      return false;
    }
  }
}

/** Does `work`, and again after the line was brought in step, where the loader fell silent or refused. */
async function retried<Result>(
  loader: Stm32Loader,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Stm32LoaderError) || attempt === ATTEMPTS) {
        throw error;
      }
      signal?.throwIfAborted();
      await loader.resynchronise();
    }
  }
}
