/** The way back from bytes to what they mean, for people and tests. */
import { crc32 } from '../../common/crc32.js';
import { InputError } from '../../common/errors.js';
import { KERNEL_SETS, STRATEGIES, type KernelSet, type Strategy } from '../plan.js';
import {
  CHECKED_FROM,
  HEADER,
  HEADER_BYTES,
  IMAGE_MAGIC,
  OPERATOR_BYTES,
  STEP_BYTES,
  STEP_KINDS,
  TASK_BYTES,
  operatorKind,
  type ImageOperatorKind,
} from './layout.js';

export interface ImageOperator {
  kind: ImageOperatorKind;
  units: number;
  input: number;
  output: number;
}

/** A step with the meaning that its kind gives the two words: firmware/SPEC.md, section 3. */
export interface ImageStep {
  kind: (typeof STEP_KINDS)[number];
  operator: number;
  first: number;
  second: number;
  bytes: number;
}

export interface ImageTask {
  restore: ImageStep[];
  steps: ImageStep[];
  save: ImageStep[];
  /** Capacitor voltage below which it commits; 0 = it always does. */
  commitMillivolts: number;
  planned: boolean;
  goMillivolts: number;
  beginMillivolts: number;
  leftSquareMillivolts: number;
}

export interface ImageDescription {
  version: number;
  imageBytes: number;
  crc: number;
  board: number;
  strategy: Strategy;
  kernels: KernelSet;
  /** First half of the model file's SHA-256, as hexadecimal digits. */
  modelSha256: string;
  arenaBytes: number;
  nvmBytes: number;
  inputBytes: number;
  outputBytes: number;
  constantsBytes: number;
  /** Commits inside an inference are light records. */
  lightCommits: boolean;
  /** Of each of two NVM banks; 0 = no banks. */
  bankBytes: number;
  operators: ImageOperator[];
  tasks: ImageTask[];
}

/**
 * Decodes an image. It trusts nothing: a file that is no image, or a damaged one, is an error.
 *
 * @throws InputError `image-damaged`
 */
export function describeImage(bytes: Uint8Array): ImageDescription {
  const fail = (message: string): never => {
    throw new InputError({
      code: 'image-damaged',
      place: 'image',
      message,
      remedy: 'Compile the model again',
    });
  };
  if (bytes.length < HEADER_BYTES) {
    fail(`${bytes.length} bytes are too few for a header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (name: keyof typeof HEADER): number => view.getUint32(HEADER[name], true);
  const imageBytes = field('imageBytes');
  if (field('magic') !== IMAGE_MAGIC || imageBytes < HEADER_BYTES || imageBytes > bytes.length) {
    fail('this is not an image, or it is cut off');
  }
  const computed = crc32(bytes.subarray(CHECKED_FROM, imageBytes));
  if (computed !== field('crc')) {
    fail(`the checksum is ${hex(computed)} where the header says ${hex(field('crc'))}`);
  }
  const section = (offset: number, count: number, size: number): number[] => {
    if (offset + count * size > imageBytes) {
      fail(`a section of ${count} x ${size} bytes at ${offset} ends behind the image`);
    }
    return Array.from({ length: count }, (_, index) => offset + index * size);
  };
  const steps = section(field('stepsOffset'), field('stepCount'), STEP_BYTES).map((at): ImageStep => ({
    kind: STEP_KINDS[view.getUint8(at)] ?? fail(`step kind ${view.getUint8(at)} is unknown`),
    operator: view.getUint16(at + 2, true),
    first: view.getUint32(at + 4, true),
    second: view.getUint32(at + 8, true),
    bytes: view.getUint32(at + 12, true),
  }));
  const stepRange = (at: number): ImageStep[] => {
    const first = view.getUint32(at, true);
    return steps.slice(first, first + view.getUint32(at + 4, true));
  };
  return {
    version: view.getUint16(HEADER.version, true),
    imageBytes,
    crc: field('crc'),
    board: field('board'),
    strategy: STRATEGIES[view.getUint8(HEADER.strategy)] ?? fail('the strategy is unknown'),
    kernels: KERNEL_SETS[view.getUint8(HEADER.kernels)] ?? fail('the kernels are unknown'),
    modelSha256: Buffer.from(bytes.subarray(HEADER.modelSha256, HEADER.modelSha256 + 16)).toString('hex'),
    arenaBytes: field('arenaBytes'),
    nvmBytes: field('nvmBytes'),
    inputBytes: field('inputBytes'),
    outputBytes: field('outputBytes'),
    constantsBytes: field('constantsBytes'),
    lightCommits: view.getUint8(HEADER.lightCommits) !== 0,
    bankBytes: field('bankBytes'),
    operators: section(field('operatorsOffset'), field('operatorCount'), OPERATOR_BYTES).map((at) => ({
      kind: operatorKind(bytes[at]) ?? fail(`operator kind ${bytes[at]} is unknown`),
      units: view.getUint32(at + 4, true),
      input: view.getUint32(at + 8, true),
      output: view.getUint32(at + 12, true),
    })),
    tasks: section(field('tasksOffset'), field('taskCount'), TASK_BYTES).map((at) => ({
      restore: stepRange(at),
      steps: stepRange(at + 8),
      save: stepRange(at + 16),
      commitMillivolts: view.getUint16(at + 24, true),
      planned: view.getUint8(at + 26) !== 0,
      goMillivolts: view.getUint16(at + 28, true),
      beginMillivolts: view.getUint16(at + 30, true),
      leftSquareMillivolts: view.getUint32(at + 32, true),
    })),
  };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
