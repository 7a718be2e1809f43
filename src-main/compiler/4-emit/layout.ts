/** Numbers of the image format that more than one file needs: firmware/SPEC.md, section 3. */

export const IMAGE_MAGIC = 0x4d494242;
export const IMAGE_VERSION = 3;
export const HEADER_BYTES = 128;
export const OPERATOR_BYTES = 128;
export const TASK_BYTES = 40;
export const STEP_BYTES = 16;
export const SECTION_ALIGNMENT = 16;
/** The CRC covers everything behind its own field. */
export const CHECKED_FROM = 16;

/** Byte offsets of the header's fields. */
export const HEADER = {
  magic: 0,
  version: 4,
  headerBytes: 6,
  imageBytes: 8,
  crc: 12,
  board: 16,
  strategy: 20,
  kernels: 21,
  lightCommits: 22,
  modelSha256: 24,
  arenaBytes: 40,
  nvmBytes: 44,
  inputBytes: 48,
  outputBytes: 52,
  operatorsOffset: 56,
  operatorCount: 60,
  tasksOffset: 64,
  taskCount: 68,
  stepsOffset: 72,
  stepCount: 76,
  constantsOffset: 80,
  constantsBytes: 84,
  bankBytes: 88,
  brownOutMillivolts: 92,
  restMillivolts: 94,
  wakeMillivolts: 96,
  napMicros: 100,
} as const;

/** A kind's number in the image; new kinds get new numbers, and none ever changes its meaning. */
export const OPERATOR_KINDS = {
  CONV_2D: 1,
  DEPTHWISE_CONV_2D: 2,
  FULLY_CONNECTED: 3,
  AVERAGE_POOL_2D: 4,
  MAX_POOL_2D: 5,
  ADD: 6,
  PAD: 7,
  MEAN: 8,
  SOFTMAX: 9,
  CLAMP: 10,
  CONV_2D_PACKED: 11,
  DEPTHWISE_CONV_2D_PACKED: 12,
  ADD_TABLED: 13,
  FULLY_CONNECTED_PACKED: 14,
  CONV_2D_STREAMED: 15,
  CONV_2D_WINOGRAD: 17,
  TABLE: 20,
  BINARY: 21,
  COPY: 22,
  CONCATENATION: 23,
  RESIZE_NEAREST: 24,
} as const;
export type ImageOperatorKind = keyof typeof OPERATOR_KINDS;

/** The kind of a number; null when there is none. */
export function operatorKind(number: number): ImageOperatorKind | null {
  const found = Object.entries(OPERATOR_KINDS).find(([, value]) => value === number);
  return found === undefined ? null : (found[0] as ImageOperatorKind);
}

/** A kind's number in the image is its index here. */
export const STEP_KINDS = ['EXECUTE', 'LOAD', 'SAVE', 'INPUT', 'OUTPUT', 'FETCH', 'SPILL'] as const;
