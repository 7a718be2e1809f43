/** Faults of a board that the self-test has to find. */
export interface BoardFaults {
  /** Chip missing or not wired; or bits of its data line or cells that always read as 1. */
  nvm?: 'absent' | { stuckBits: number };
  /** The capacitor's divider shorted to ground, or its lower resistor missing. */
  adc?: 'shorted' | 'open';
  /** Another chip answers in place of the flash, or none. */
  flash?: 'absent';
  /** Of the bytes that the board sends, one in so many has a bit flipped. */
  serialByteErrorEvery?: number;
}
