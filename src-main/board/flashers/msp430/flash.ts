import { InputError, RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import { readProgram } from '../../images/index.js';
import { joinSegments, type ProgramImage } from '../../images/program-image.js';
import type { RomFlashOptions, RomFlashReport } from '../rom-flasher.js';
import { Msp430Bsl } from './bsl.js';
import {
  DEVICE_ID_ADDRESS,
  MSP430_DEVICES,
  msp430Target,
  RESET_VECTOR_ADDRESS,
  SIGNATURES,
  VECTORS_ADDRESS,
  type Msp430Device,
} from './devices.js';
import { BLOCK_BYTES, crc16 } from './frames.js';

export interface Msp430FlashOptions extends RomFlashOptions {
  /** The 32 bytes at 0xffe0 of the program that the chip holds; those of an erased chip when left out. */
  password?: Uint8Array;
  /**
   * Asked before the password is sent, since a wrong one makes the chip erase its program. Flashing stops untouched when it
   * says no.
   */
  mayErase: () => Promise<boolean>;
  /** Called when the loader has changed to 115,200 baud; left out, it stays at 9,600. */
  onFastLine?: () => Promise<void>;
  start?: boolean;
}

export const PASSWORD_BYTES = 32;
const ERASED_VECTOR = 0xffff;
const ATTEMPTS = 3;
const UNLOCK_ATTEMPTS = 2;

interface Block {
  address: number;
  content: Uint8Array;
}

/**
 * Brings an MSP430's FRAM to a program through the boot loader in its ROM. Blocks are compared by checksum and only those
 * that differ are written and checked; the vectors, which are the password, come last, so that a flash that broke off is
 * gone on with under the same password.
 *
 * @param file an ELF, Intel HEX or BIN file
 * @throws InputError before anything is written, when the file is none, for another chip, would lock the chip, or the user
 *   does not want a program erased
 * @throws RunError when no loader answers or a block does not keep what was written
 * @throws the signal's reason when it is aborted
 */
export async function flashMsp430(
  port: Port,
  file: Uint8Array,
  name: string,
  options: Msp430FlashOptions,
): Promise<RomFlashReport> {
  const { signal, onProgress } = options;
  const password = options.password ?? new Uint8Array(PASSWORD_BYTES).fill(0xff);
  if (password.length !== PASSWORD_BYTES) {
    throw new InputError({
      code: 'msp430-password',
      place: 'password',
      message: `it has ${password.length} bytes`,
      remedy: `Give the ${PASSWORD_BYTES} bytes at 0xffe0 of the program that is on the chip`,
    });
  }
  checkForAnyDevice(file, name);
  if (!(await options.mayErase())) {
    throw new InputError({
      code: 'msp430-erase',
      place: port.name,
      message: 'nothing was sent: a wrong password would make the chip erase its program',
      remedy: 'Give --password with the vectors of the program on the chip, or --allow-erase',
    });
  }
  const bsl = new Msp430Bsl(port);
  await unlock(port, bsl, password);
  if (options.onFastLine) {
    await bsl.changeTo115200();
    await options.onFastLine();
  }
  const version = await bsl.version();
  const device = await deviceOf(port, bsl);
  const image = readProgram(file, name, msp430Target(device));
  checkSignatures(image, device, name);
  const blocks = layOut(image);

  const totalBytes = blocks.reduce((sum, { content }) => sum + content.length, 0);
  let doneBytes = 0;
  let blocksWritten = 0;
  for (const block of blocks) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'compare', doneBytes, totalBytes });
    if (!(await holds(bsl, block))) {
      onProgress?.({ phase: 'write', doneBytes, totalBytes });
      await writeBlock(port, bsl, block);
      blocksWritten += 1;
    }
    doneBytes += block.content.length;
  }
  onProgress?.({ phase: 'write', doneBytes, totalBytes });
  const started = (options.start ?? true) && (await startAtReset(bsl));
  return {
    chip: `${device.name} (id 0x${device.id.toString(16)})`,
    loader: [...version].map((byte) => byte.toString(16).padStart(2, '0')).join('.'),
    programBytes: totalBytes,
    blocks: blocks.length,
    blocksWritten,
    started,
  };
}

/** The chip tells which it is only after the password, which may erase it: a file that is for none of them is refused before. */
function checkForAnyDevice(file: Uint8Array, name: string): void {
  let refusal: unknown;
  for (const device of MSP430_DEVICES) {
    try {
      checkSignatures(readProgram(file, name, msp430Target(device)), device, name);
      return;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** A wrong password has erased the chip, and an erased chip has the password of all ones. */
async function unlock(port: Port, bsl: Msp430Bsl, password: Uint8Array): Promise<void> {
  const erased = new Uint8Array(PASSWORD_BYTES).fill(0xff);
  for (let attempt = 0; attempt < UNLOCK_ATTEMPTS; attempt++) {
    if (await bsl.unlock(attempt === 0 ? password : erased)) {
      return;
    }
  }
  throw new RunError({
    code: 'msp430-locked',
    place: port.name,
    message: 'the chip took neither the password nor that of an erased chip',
    remedy:
      'Reset it into its boot loader and try again; if it stays so, its boot loader does not erase: give --password with the vectors of the program on it',
  });
}

async function deviceOf(port: Port, bsl: Msp430Bsl): Promise<Msp430Device> {
  const [low, high] = await bsl.read(DEVICE_ID_ADDRESS, 2);
  const id = low + 256 * high;
  const device = MSP430_DEVICES.find((candidate) => candidate.id === id);
  if (!device) {
    throw new InputError({
      code: 'msp430-unknown',
      place: port.name,
      message: `the chip says it is device 0x${id.toString(16)}, which is not known here`,
      remedy: `Known are ${MSP430_DEVICES.map((known) => known.name).join(', ')}`,
    });
  }
  return device;
}

/** @returns false when there is no reset vector to start at */
async function startAtReset(bsl: Msp430Bsl): Promise<boolean> {
  const [low, high] = await bsl.read(RESET_VECTOR_ADDRESS, 2);
  const address = low + 256 * high;
  if (address === ERASED_VECTOR) {
    return false;
  }
  await bsl.start(address);
  return true;
}

/** Signatures other than those of an erased chip can close JTAG and boot loader, the second of which has no way back from here. */
function checkSignatures(image: ProgramImage, device: Msp430Device, name: string): void {
  const end = SIGNATURES.address + SIGNATURES.bytes;
  for (const { address, bytes } of image.segments) {
    for (let at = Math.max(address, SIGNATURES.address); at < Math.min(address + bytes.length, end); at++) {
      if (bytes[at - address] !== 0xff) {
        throw new InputError({
          code: 'msp430-signature',
          place: name,
          message: `it writes 0x${bytes[at - address].toString(16)} to 0x${at.toString(16)}, among the signatures that lock JTAG and boot loader of the ${device.name}`,
          remedy: 'Build it without signatures; lock the chip with a debug probe, if that is what you want',
        });
      }
    }
  }
}

/** Blocks in the order in which they are written: the vectors last. */
function layOut(image: ProgramImage): Block[] {
  const blocks = joinSegments(image.segments).flatMap(({ address, bytes }) => {
    const parts: Block[] = [];
    for (let at = 0; at < bytes.length;) {
      const toVectors = VECTORS_ADDRESS - (address + at);
      const room = toVectors > 0 ? Math.min(BLOCK_BYTES, toVectors) : BLOCK_BYTES;
      const content = bytes.subarray(at, at + room);
      parts.push({ address: address + at, content });
      at += content.length;
    }
    return parts;
  });
  const isVectors = ({ address }: Block) => address >= VECTORS_ADDRESS && address <= RESET_VECTOR_ADDRESS;
  return [...blocks.filter((block) => !isVectors(block)), ...blocks.filter(isVectors)];
}

async function holds(bsl: Msp430Bsl, { address, content }: Block): Promise<boolean> {
  return (await bsl.crc(address, content.length)) === crc16(content);
}

async function writeBlock(port: Port, bsl: Msp430Bsl, block: Block): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await bsl.write(block.address, block.content);
    if (await holds(bsl, block)) {
      return;
    }
  }
  throw new RunError({
    code: 'flash-verify',
    place: port.name,
    message: `the block at 0x${block.address.toString(16)} differs after ${ATTEMPTS} attempts to write it`,
    remedy:
      'Part of the memory is write-protected by the memory protection unit; reset the chip into its boot loader and try again',
  });
}
