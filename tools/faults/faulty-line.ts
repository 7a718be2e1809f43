import { RunError } from '../../src-main/common/errors.js';
import type { Port } from '../../src-main/common/port.js';
import type { LineFault } from './line-faults.js';

/** Something at the far end, on a clock that its owner tells it. */
export interface FarEnd {
  receive(bytes: Uint8Array, nowSeconds: number): void;
  take(nowSeconds: number): Uint8Array;
  readonly nextSeconds: number;
}

/**
 * A line with one fault, on simulated time that passes only while somebody reads or sleeps. It can be opened again and
 * again, as after a pulled cable; fault and clock stay with it.
 */
export class FaultyLine {
  readonly #far: FarEnd;
  readonly #fault: LineFault | null;
  /** The message or reply that the fault strikes at. */
  readonly #position: number;
  readonly #replySeconds: number;
  #held: { bytes: Uint8Array; seconds: number }[] = [];
  #deadUntil = -Infinity;
  #goneUntil = -Infinity;
  #opened = 0;
  now = 0;
  messages = 0;
  replies = 0;
  /** Calls of read and write: a driver that goes round in circles without time passing shows here. */
  calls = 0;
  /** Called whenever time has passed or bytes have gone out. */
  onChange: () => void = () => undefined;

  constructor(far: FarEnd, fault: LineFault | null, position: number, replySeconds: number) {
    this.#far = far;
    this.#fault = fault;
    this.#position = position;
    this.#replySeconds = replySeconds;
  }

  get isGone(): boolean {
    return this.now < this.#goneUntil;
  }

  open(): Promise<Port> {
    if (this.isGone) {
      return Promise.reject(
        new RunError({
          code: 'port-open',
          place: 'faulty line',
          message: 'the port does not exist',
          remedy: 'Plug it in',
        }),
      );
    }
    this.#held = [];
    this.#far.take(this.now);
    if (this.#fault?.atOpen !== undefined) this.#hold(this.#fault.atOpen, 0);
    const generation = ++this.#opened;
    return Promise.resolve({
      name: 'faulty line',
      now: () => this.now,
      write: (bytes) => this.#write(bytes, generation),
      read: (timeoutSeconds) => this.#read(timeoutSeconds, generation),
      close: () => Promise.resolve(),
    });
  }

  /** Time passes, and what comes in the meantime is lost. */
  async sleep(seconds: number): Promise<void> {
    await Promise.resolve();
    this.#passUntil(this.now + seconds);
    this.#held = [];
  }

  async #write(bytes: Uint8Array, generation: number): Promise<void> {
    await Promise.resolve();
    this.calls++;
    const struck = this.#fault?.strikes === 'message' && this.messages === this.#position;
    this.messages++;
    if (struck && this.#fault?.goneSeconds !== undefined)
      this.#goneUntil = this.now + this.#fault.goneSeconds;
    if (struck && this.#fault?.deadSeconds !== undefined)
      this.#deadUntil = this.now + this.#fault.deadSeconds;
    this.#refuseWhenGone(generation);
    if (this.now < this.#deadUntil) {
      return;
    }
    if (this.#fault?.echo === true) this.#hold(bytes, 0);
    const out = struck || this.#fault?.strikes === 'line' ? this.#fault?.out : undefined;
    for (const piece of out === undefined ? [bytes] : out(bytes)) {
      if (piece.length > 0) this.#far.receive(piece, this.now);
    }
    this.onChange();
  }

  async #read(timeoutSeconds: number, generation: number): Promise<Uint8Array> {
    await Promise.resolve();
    this.calls++;
    this.#refuseWhenGone(generation);
    const deadline = this.now + timeoutSeconds;
    for (;;) {
      this.#collect();
      const due = this.#held.filter(({ seconds }) => seconds <= this.now);
      if (due.length > 0) {
        this.#held = this.#held.filter(({ seconds }) => seconds > this.now);
        return new Uint8Array(Buffer.concat(due.map(({ bytes }) => bytes)));
      }
      if (this.now >= deadline) {
        return new Uint8Array();
      }
      const next = Math.min(this.#far.nextSeconds, ...this.#held.map(({ seconds }) => seconds));
      this.#passUntil(Math.min(deadline, Math.max(next, this.now)));
    }
  }

  #passUntil(seconds: number): void {
    while (this.#far.nextSeconds < seconds) {
      const next = Math.max(this.now, this.#far.nextSeconds);
      this.now = next;
      this.#collect();
      if (this.#far.nextSeconds <= next) break;
    }
    this.now = seconds;
    this.#collect();
    this.onChange();
  }

  /** What the far end has sent until now goes onto the line, through the fault. */
  #collect(): void {
    const bytes = this.#far.take(this.now);
    if (bytes.length === 0) {
      return;
    }
    const struck = this.#fault?.strikes === 'reply' && this.replies === this.#position;
    this.replies++;
    if (this.isGone || this.now < this.#deadUntil) {
      return;
    }
    const carry = struck || this.#fault?.strikes === 'line' ? this.#fault?.in : undefined;
    for (const piece of carry === undefined
      ? [{ bytes, delaySeconds: 0 }]
      : carry(bytes, this.#replySeconds)) {
      this.#hold(piece.bytes, piece.delaySeconds);
    }
  }

  #hold(bytes: Uint8Array, delaySeconds: number): void {
    if (bytes.length > 0) this.#held.push({ bytes, seconds: this.now + delaySeconds });
  }

  #refuseWhenGone(generation: number): void {
    if (this.isGone || generation !== this.#opened) {
      throw new RunError({
        code: 'port-gone',
        place: 'faulty line',
        message: 'the port is gone (unplugged)',
        remedy: 'Plug it in',
      });
    }
  }
}
