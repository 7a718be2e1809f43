import { crc32 } from '../../common/crc32.js';
import { DATASET_HEADER_BYTES, DATASET_MAGIC, DATASET_SAMPLE_BYTES_FIELD } from '../../common/dataset.js';
import { InputError, RunError } from '../../common/errors.js';
import { IMAGE_FIELDS, IMAGE_HEADER_BYTES, IMAGE_MAGIC, NVM_CONTROL_BYTES } from '../image-header.js';
import type { BoardLink } from '../link/board-link.js';
import { PROGRAM_MAXIMUM_BYTES, type Identity } from '../link/messages.js';

/** Loads image and data set over the board's own serial link, into flash that the running firmware does not use. */

export interface FlashContent {
  /** Image file, firmware/SPEC.md section 3. */
  image: Uint8Array;
  /** Data set file, firmware/SPEC.md section 4. */
  dataset: Uint8Array;
}

export interface FlashProgress {
  phase: 'compare' | 'write' | 'check';
  doneBytes: number;
  totalBytes: number;
}

export interface FlashOptions {
  onProgress?: (progress: FlashProgress) => void;
  /** Aborts between two sectors; the board keeps what it has, and the next run or flash notices what is missing. */
  signal?: AbortSignal;
}

export interface FlashReport {
  identity: Identity;
  sectors: number;
  /** Sectors that differed and were erased and programmed. */
  sectorsWritten: number;
}

const SECTOR_BYTES = 4096;
const ERASED = 0xff;
const WRITE_ATTEMPTS = 3;

interface Sector {
  offset: number;
  data: Uint8Array;
}

/**
 * Brings the board's flash to `content` and has the board check it. Only sectors whose checksum differs are written, so
 * that flashing the same again takes as long as reading it. A run in progress on the board is stopped first.
 *
 * @throws InputError before anything is touched, when image or data set are none, are for another board, or do not fit
 * @throws RunError when the board does not answer, refuses, or its flash does not keep what was written
 * @throws the signal's reason when it is aborted
 */
export async function flashBoard(
  link: BoardLink,
  content: FlashContent,
  options: FlashOptions = {},
): Promise<FlashReport> {
  const identity = await link.identify();
  checkFits(content, identity);
  const regions = [
    sectorsOf(identity.imageOffset, content.image),
    sectorsOf(identity.datasetOffset, content.dataset),
  ];
  const sectors = regions.flat();
  const totalBytes = sectors.length * SECTOR_BYTES;
  const report = (phase: FlashProgress['phase'], doneSectors: number) =>
    options.onProgress?.({ phase, doneBytes: doneSectors * SECTOR_BYTES, totalBytes });

  options.signal?.throwIfAborted();
  if (identity.record.state === 'running') {
    await link.stop();
  }
  report('compare', 0);
  const differing: Sector[] = [];
  let compared = 0;
  for (const region of regions) {
    differing.push(
      ...(await differingSectors(link, region, options.signal, (done) => report('compare', compared + done))),
    );
    compared += region.length;
  }
  const alreadyRight = sectors.length - differing.length;
  for (const [index, sector] of differing.entries()) {
    options.signal?.throwIfAborted();
    report('write', alreadyRight + index);
    await writeSector(link, sector);
  }
  report('check', sectors.length);
  await link.checkImage();
  return { identity, sectors: sectors.length, sectorsWritten: differing.length };
}

function sectorsOf(offset: number, bytes: Uint8Array): Sector[] {
  const sectors: Sector[] = [];
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    const data = new Uint8Array(SECTOR_BYTES).fill(ERASED);
    data.set(bytes.subarray(at, at + SECTOR_BYTES));
    sectors.push({ offset: offset + at, data });
  }
  return sectors;
}

/** Compares the whole region first, which is the usual case of "nothing to do", then sector by sector. */
async function differingSectors(
  link: BoardLink,
  region: Sector[],
  signal: AbortSignal | undefined,
  onDone: (sectors: number) => void,
): Promise<Sector[]> {
  const whole = region.reduce((crc, sector) => crc32(sector.data, crc), 0);
  if ((await link.checksum(region[0].offset, region.length * SECTOR_BYTES)) === whole) {
    onDone(region.length);
    return [];
  }
  const differing: Sector[] = [];
  for (const [index, sector] of region.entries()) {
    signal?.throwIfAborted();
    if ((await link.checksum(sector.offset, SECTOR_BYTES)) !== crc32(sector.data)) {
      differing.push(sector);
    }
    onDone(index + 1);
  }
  return differing;
}

async function writeSector(link: BoardLink, { offset, data }: Sector): Promise<void> {
  const wanted = crc32(data);
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    await link.erase(offset, SECTOR_BYTES);
    for (let at = 0; at < SECTOR_BYTES; at += PROGRAM_MAXIMUM_BYTES) {
      const part = data.subarray(at, at + PROGRAM_MAXIMUM_BYTES);
      if (part.some((byte) => byte !== ERASED)) {
        await link.program(offset + at, part);
      }
    }
    if ((await link.checksum(offset, SECTOR_BYTES)) === wanted) {
      return;
    }
  }
  throw new RunError({
    code: 'flash-verify',
    place: 'flash',
    message: `the sector at 0x${offset.toString(16)} differs after ${WRITE_ATTEMPTS} attempts to write it`,
    remedy: 'Power the board from a steady 5 V while flashing; if it stays so, the flash chip is worn out.',
  });
}

/** Everything that can be known to be wrong without touching the board. */
function checkFits({ image, dataset }: FlashContent, identity: Identity): void {
  const imageField = headerReader('image', image, IMAGE_MAGIC, IMAGE_HEADER_BYTES);
  const datasetField = headerReader('data set', dataset, DATASET_MAGIC, DATASET_HEADER_BYTES);
  const hex = (value: number) => `0x${value.toString(16)}`;

  const board = imageField(IMAGE_FIELDS.board);
  if (board !== 0 && board !== identity.board) {
    refuse(
      'image-board',
      'image',
      `it was made for board ${hex(board)}, this is board ${hex(identity.board)}`,
      'Compile the model with the profile of this board.',
    );
  }
  const limits: [place: string, what: string, needed: number, available: number, remedy: string][] = [
    ['image', 'bytes of flash', image.length, identity.imageCapacity, 'Use a smaller model.'],
    [
      'image',
      'bytes of SRAM',
      imageField(IMAGE_FIELDS.arenaBytes),
      identity.arenaBytes,
      'Compile with a smaller --sram.',
    ],
    [
      'image',
      'bytes of NVM',
      imageField(IMAGE_FIELDS.nvmBytes) + NVM_CONTROL_BYTES,
      identity.nvmBytes,
      'Compile with another strategy.',
    ],
    ['data set', 'bytes of flash', dataset.length, identity.datasetCapacity, 'Use fewer samples.'],
  ];
  for (const [place, what, needed, available, remedy] of limits) {
    if (needed > available) {
      refuse('image-does-not-fit', place, `it needs ${needed} ${what}, the board has ${available}`, remedy);
    }
  }
  const sampleBytes = datasetField(DATASET_SAMPLE_BYTES_FIELD);
  const inputBytes = imageField(IMAGE_FIELDS.inputBytes);
  if (sampleBytes !== inputBytes) {
    refuse(
      'dataset-samples',
      'data set',
      `its samples have ${sampleBytes} bytes, the image takes ${inputBytes}`,
      'Make the data set from samples of the same model.',
    );
  }
}

/** @returns a function that reads the u32 at an offset of the header */
function headerReader(
  place: string,
  bytes: Uint8Array,
  magic: number,
  headerBytes: number,
): (offset: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    bytes.length < headerBytes ||
    view.getUint32(0, true) !== magic ||
    view.getUint32(8, true) !== bytes.length
  ) {
    refuse(
      'not-an-image',
      place,
      `its ${bytes.length} bytes are not a complete ${place}`,
      'Compile the model again.',
    );
  }
  return (offset) => view.getUint32(offset, true);
}

function refuse(code: string, place: string, message: string, remedy: string): never {
  throw new InputError({ code, place, message, remedy });
}
