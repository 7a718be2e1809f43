/** What boards and their loaders read of an image, a whole of bytes otherwise: firmware/SPEC.md, sections 2 and 3. */

export const IMAGE_MAGIC = 0x4d494242;
export const IMAGE_HEADER_BYTES = 128;

/** Offsets of u32 fields of the header. */
export const IMAGE_FIELDS = {
  board: 16,
  arenaBytes: 40,
  /** Of preserved activations, without what stands before them in NVM. */
  nvmBytes: 44,
  inputBytes: 48,
} as const;

/** NVM before the preserved activations: records and result slots. */
export const NVM_CONTROL_BYTES = 0x1000;
