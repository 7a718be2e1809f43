import type { CycleClock } from './cycle-clock.js';

/**
 * Transmit FIFO, shift register and receive FIFO of an SPI controller. Evaluated when somebody looks (`advance`), not by
 * alarms: firmware polls these controllers, and what happened until now follows from the clock alone.
 */
export class SerialShifter {
  private readonly transmit: number[] = [];
  private readonly receive: number[] = [];
  private shifting: number | null = null;
  private endTicks = 0;
  overrun = false;

  /**
   * @param depth words in each FIFO
   * @param exchange called when the last bit of a word is through, with that moment; returns the word that came back
   * @param onIdle called when the last word is through and no other follows
   */
  constructor(
    private readonly clock: CycleClock,
    private readonly depth: number,
    private readonly ticksPerWord: () => number,
    private readonly exchange: (word: number, ticks: number) => number,
    private readonly onIdle: () => void,
  ) {}

  get busy(): boolean {
    return this.shifting !== null;
  }

  get transmitCount(): number {
    return this.transmit.length;
  }

  get receiveCount(): number {
    return this.receive.length;
  }

  get full(): boolean {
    return this.transmit.length >= this.depth;
  }

  write(word: number): void {
    this.advance();
    if (this.full) {
      return;
    }
    if (this.shifting === null) {
      this.start(word, this.clock.ticks);
    } else {
      this.transmit.push(word);
    }
  }

  read(): number {
    this.advance();
    return this.receive.shift() ?? 0;
  }

  /** Catches up with the clock. */
  advance(): void {
    const now = this.clock.ticks;
    while (this.shifting !== null && this.endTicks <= now) {
      const back = this.exchange(this.shifting, this.endTicks);
      if (this.receive.length < this.depth) {
        this.receive.push(back);
      } else {
        this.overrun = true;
      }
      const next = this.transmit.shift();
      if (next === undefined) {
        this.shifting = null;
        this.onIdle();
      } else {
        this.start(next, this.endTicks);
      }
    }
  }

  clear(): void {
    this.transmit.length = 0;
    this.receive.length = 0;
    this.shifting = null;
    this.overrun = false;
  }

  private start(word: number, ticks: number): void {
    this.shifting = word;
    this.endTicks = ticks + this.ticksPerWord();
  }
}
