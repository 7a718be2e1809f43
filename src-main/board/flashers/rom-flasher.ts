/** What the flashers that talk to a boot loader in a chip's ROM have in common. */

export interface RomFlashProgress {
  phase: 'compare' | 'write';
  doneBytes: number;
  totalBytes: number;
}

export interface RomFlashOptions {
  onProgress?: (progress: RomFlashProgress) => void;
  /** Aborts between two blocks; what is written stays, and flashing again goes on from there. */
  signal?: AbortSignal;
}

export interface RomFlashReport {
  /** Chip as a person calls it, with its id. */
  chip: string;
  /** Version of the boot loader as it gives it. */
  loader: string;
  programBytes: number;
  /** Blocks of the program: pages on a flash chip. */
  blocks: number;
  /** Blocks that were different and have been written; 0 when the chip held the program already. */
  blocksWritten: number;
  /** False where it was not asked for, or the program has no reset vector. */
  started: boolean;
}
