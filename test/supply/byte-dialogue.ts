import { Outbox, type Instrument } from '../../src-main/supply/virtual/instrument.js';

/** What must be written next and what is answered to it; bytes as latin-1 text. `Bytes.fromHex` for frames. */
export interface Exchange {
  hears: string;
  says?: string;
  /** Time until the answer, seconds. */
  after?: number;
}

export function hex(text: string): string {
  return Buffer.from(text.replaceAll(' ', ''), 'hex').toString('latin1');
}

/**
 * The far end of a dialogue that is written down in the test, from a manual. It knows nothing of how the driver reads;
 * whatever is written that is not in the dialogue is a complaint, and every message's time is kept.
 */
export class ByteDialogue implements Instrument {
  readonly terminals = { on: false, volts: 0, amps: 0 };
  readonly complaints: string[] = [];
  readonly times: number[] = [];
  readonly #outbox = new Outbox();
  readonly #left: Exchange[];

  constructor(exchanges: Exchange[]) {
    this.#left = [...exchanges];
  }

  get unused(): Exchange[] {
    return this.#left;
  }

  get nextSeconds(): number {
    return this.#outbox.nextSeconds;
  }

  receive(bytes: Uint8Array, nowSeconds: number): void {
    const text = Buffer.from(bytes).toString('latin1');
    this.times.push(nowSeconds);
    const next = this.#left.shift();
    if (next?.hears !== text) {
      this.complaints.push(
        `wrote ${JSON.stringify(text)} where the dialogue has ${JSON.stringify(next?.hears)}`,
      );
    } else if (next.says !== undefined) {
      this.#outbox.put(next.says, nowSeconds + (next.after ?? 0.01));
    }
  }

  take(nowSeconds: number): Uint8Array {
    return this.#outbox.take(nowSeconds);
  }
}
