/**
 * The RP2040's cache between the buses and flash: 16 KB, two ways, lines of 8 bytes (RP2040 datasheet, section 2.6.3.1).
 * Only presence is modelled, for the time an access takes; data always comes from the flash array.
 */
const LINE_SHIFT = 3;
const SETS = 1024;
const SET_MASK = SETS - 1;

export class XipCache {
  private readonly lines = new Int32Array(2 * SETS).fill(-1);
  /** Which way of a set is to be replaced next: the one not used last. */
  private readonly victim = new Uint8Array(SETS);
  /** CPU cycles that filling a line takes, set by the SSI's configuration. */
  missCycles = 0;
  misses = 0;

  /** @returns stall cycles of an access to the flash offset */
  access(offset: number): number {
    const line = offset >>> LINE_SHIFT;
    const set = line & SET_MASK;
    const slot = set << 1;
    if (this.lines[slot] === line) {
      this.victim[set] = 1;
      return 0;
    }
    if (this.lines[slot + 1] === line) {
      this.victim[set] = 0;
      return 0;
    }
    const way = this.victim[set];
    this.lines[slot + way] = line;
    this.victim[set] = way ^ 1;
    this.misses++;
    return this.missCycles;
  }

  flush(): void {
    this.lines.fill(-1);
    this.victim.fill(0);
  }
}
