/** Faults of a virtual board that the self-test has to find. */
export interface BoardFaults {
  /** Chip missing or not wired; bits of its data line or cells that always read as 1; a smaller chip (a power of two). */
  nvm?: 'absent' | { stuckBits: number } | { bytes: number };
  /** The capacitor's divider shorted to ground, or its lower resistor missing. */
  adc?: 'shorted' | 'open';
  /** It can be read, but does not identify itself. */
  flash?: 'unidentified';
  /** Offset of a byte of flash that is not as it was written. */
  flashByte?: number;
  /** Of the bytes that the board sends, one in so many has a bit flipped. */
  serialByteErrorEvery?: number;
}
