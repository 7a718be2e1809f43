/** Small seeded generator (xorshift32, Marsaglia 2003): the same noise for the same seed, everywhere. */
export class NoiseSource {
  private state: number;

  constructor(seed: number) {
    this.state = (seed ^ 0x9e3779b9) | 0 || 1;
  }

  /** A signed 32-bit number. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.state = x);
  }

  fill(words: Int32Array): void {
    for (let index = 0; index < words.length; index++) {
      words[index] = this.next();
    }
  }
}
