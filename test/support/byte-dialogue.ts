import assert from 'node:assert/strict';
import type { Port } from '../../src-main/common/port.js';

/** Hexadecimal bytes that must be written next, and what comes back; an empty reply is silence. */
export type Exchange = readonly [send: string, reply: string];

export const bytesOf = (hex: string) =>
  Uint8Array.from(hex === '' ? [] : hex.split(' '), (byte) => parseInt(byte, 16));

/** The far end of a dialogue whose bytes are written down in the test. Time passes only in silence. */
export class ByteDialogue implements Port {
  readonly name = 'dialogue';
  private seconds = 0;
  private next = 0;
  private waiting: Uint8Array | null = null;

  constructor(private readonly exchanges: readonly Exchange[]) {}

  now(): number {
    return this.seconds;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    assert.ok(this.next < this.exchanges.length, 'more was written than the dialogue has');
    const exchange = this.exchanges[this.next];
    assert.deepEqual([...bytes], [...bytesOf(exchange[0])], `exchange ${this.next}`);
    this.next += 1;
    this.waiting = bytesOf(exchange[1]);
  }

  async read(timeoutSeconds: number): Promise<Uint8Array> {
    await Promise.resolve();
    const bytes = this.waiting;
    this.waiting = null;
    if (bytes && bytes.length > 0) {
      return bytes;
    }
    this.seconds += timeoutSeconds;
    return new Uint8Array(0);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  assertFinished(): void {
    assert.ok(
      this.next >= this.exchanges.length,
      `${this.next} of ${this.exchanges.length} exchanges took place`,
    );
  }
}
