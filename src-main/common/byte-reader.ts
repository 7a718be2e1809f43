import type { Port } from './port.js';

/** Takes exact counts of bytes from a port, for protocols whose replies have known lengths. */
export class ByteReader {
  private waiting: Uint8Array = new Uint8Array(0);

  constructor(private readonly port: Port) {}

  /**
   * The next `count` bytes; fewer when `timeoutSeconds` pass on the port's clock without all of them (they are taken then).
   * Rejects when the port is gone.
   */
  async take(count: number, timeoutSeconds: number): Promise<Uint8Array> {
    const deadline = this.port.now() + timeoutSeconds;
    while (this.waiting.length < count) {
      const remaining = deadline - this.port.now();
      if (remaining <= 0) {
        break;
      }
      this.append(await this.port.read(remaining));
    }
    const taken = this.waiting.slice(0, count);
    this.waiting = this.waiting.slice(count);
    return taken;
  }

  /** Throws away what has arrived, and what still arrives until the line has been quiet for `quietSeconds`. */
  async discard(quietSeconds = 0): Promise<void> {
    this.waiting = new Uint8Array(0);
    // A line that never falls quiet must not hold us: a few rounds are more than any reply is long.
    for (let round = 0; round < 64; round++) {
      if ((await this.port.read(quietSeconds)).length === 0) {
        return;
      }
    }
  }

  private append(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.waiting.length + bytes.length);
    joined.set(this.waiting);
    joined.set(bytes, this.waiting.length);
    this.waiting = joined;
  }
}
