/**
 * The RP2040's cache between the buses and flash: 16 KB, two ways, lines of 8 bytes (RP2040 datasheet, section 2.6.3.1), each
 * filled by halves: a miss reads the one word that was asked for (the profile's `cacheFillBytes` has the source). Only presence
 * is modelled, for the time an access takes; data always comes from the flash array.
 */
const LINE_SHIFT = 3;
const HALF_SHIFT = 2;
const SETS = 1024;
const SET_MASK = SETS - 1;

export class XipCache {
  private readonly lines = new Int32Array(2 * SETS).fill(-1);
  /** Which halves of a line are there, as bits. */
  private readonly halves = new Uint8Array(2 * SETS);
  /** Which way of a set is to be replaced next: the one not used last. */
  private readonly victim = new Uint8Array(SETS);
  /** CPU cycles that reading a word from flash takes, set by the SSI's configuration. */
  missCycles = 0;
  misses = 0;

  /** @returns stall cycles of an access to the flash offset */
  access(offset: number): number {
    const line = offset >>> LINE_SHIFT;
    const half = 1 << ((offset >>> HALF_SHIFT) & 1);
    const set = line & SET_MASK;
    const slot = set << 1;
    const { lines, halves, victim } = this;
    let way: number;
    if (lines[slot] === line) {
      way = 0;
    } else if (lines[slot + 1] === line) {
      way = 1;
    } else {
      way = victim[set];
      lines[slot + way] = line;
      halves[slot + way] = 0;
    }
    victim[set] = way ^ 1;
    if (halves[slot + way] & half) {
      return 0;
    }
    halves[slot + way] |= half;
    this.misses++;
    return this.missCycles;
  }

  flush(): void {
    this.lines.fill(-1);
    this.victim.fill(0);
  }
}
