import { RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';

/** How the end of a reply is told: a line feed, silence, or a fixed number of bytes. */
export type Framing = 'line' | 'silence' | number;

/** No reply of a supply is longer; more means that something else is at the other end. */
const MAXIMUM_REPLY_BYTES = 4096;
/** Late bytes are thrown away until the line was silent for this long. */
const QUIET_SECONDS = 0.05;
/** Ends a reply that has no terminator: many times a byte at 9600 baud, more than a USB adapter holds bytes back. */
const SILENCE_SECONDS = 0.1;
/** ... but not for ever: an instrument that never falls silent is an error. */
const MAXIMUM_STALE_READS = 64;
/** A conversation with pauses looks this often whether it has been overtaken by a shutdown. */
const SLICE_SECONDS = 0.05;

export interface TextPortOptions {
  terminator: string;
  /** Silence that the instrument needs between two messages; what comes faster is lost. */
  gapSeconds: number;
}

/** Text over a Port: one message, one reply at a time, each with a time limit. */
export class TextPort {
  readonly #port: Port;
  readonly #terminator: string;
  readonly #gapSeconds: number;
  #received = '';
  /** A reply was given up on and may still arrive: it must not be taken for the answer to the next query. */
  #stale = false;
  #closing = false;
  #readySeconds = -Infinity;

  constructor(port: Port, options: TextPortOptions) {
    this.#port = port;
    this.#terminator = options.terminator;
    this.#gapSeconds = options.gapSeconds;
  }

  get name(): string {
    return this.#port.name;
  }

  get hasGap(): boolean {
    return this.#gapSeconds > 0;
  }

  /** From here on everything that is not marked final is refused, conversations under way included. */
  beginClosing(): void {
    this.#closing = true;
  }

  /** @throws RunError `supply-shut-down` after beginClosing, unless `final` */
  async send(message: string, final = false): Promise<void> {
    this.#refuseWhenClosing(message, final);
    await this.#waitForGap();
    this.#refuseWhenClosing(message, final);
    await this.#port.write(Buffer.from(message + this.#terminator, 'latin1'));
    this.#readySeconds = this.#port.now() + this.#gapSeconds;
  }

  /** Bytes that are no message. */
  async sendRaw(bytes: string): Promise<void> {
    await this.#port.write(Buffer.from(bytes, 'latin1'));
    this.#readySeconds = this.#port.now() + this.#gapSeconds;
  }

  /** Throws away what has already arrived: a second copy of the last reply, or chatter. Costs no time. */
  async flush(): Promise<void> {
    this.#received = '';
    for (let reads = 0; reads < MAXIMUM_STALE_READS; reads++) {
      if ((await this.#port.read(0)).length === 0) return;
    }
    throw this.#babble();
  }

  /** Whatever comes until the line is silent is thrown away. */
  async quiet(): Promise<void> {
    this.#stale = true;
    await this.#discardStale();
  }

  /**
   * @returns the reply without its line end; of a fixed length or ended by silence, as it is
   * @throws RunError `supply-timeout` when no whole reply arrives in time; `supply-reply` when it does not end
   */
  async query(message: string, framing: Framing, timeoutSeconds: number, final = false): Promise<string> {
    await this.#discardStale();
    await this.send(message, final);
    const deadline = this.#port.now() + timeoutSeconds;
    for (;;) {
      const reply = this.#take(framing);
      if (reply !== null) {
        this.#readySeconds = this.#port.now() + this.#gapSeconds;
        return reply;
      }
      if (this.#received.length > MAXIMUM_REPLY_BYTES) {
        this.#stale = true;
        throw new RunError({
          code: 'supply-reply',
          place: this.#port.name,
          message: `the answer to "${message}" has more than ${MAXIMUM_REPLY_BYTES} bytes without a line end`,
          remedy: 'Check that a supply is connected to this port and that the baud rate is right',
        });
      }
      if (this.hasGap) this.#refuseWhenClosing(message, final);
      const left = deadline - this.#port.now();
      const bytes = left > 0 ? await this.#port.read(this.#patience(framing, left)) : new Uint8Array();
      this.#received += Buffer.from(bytes).toString('latin1');
      if (bytes.length === 0) {
        if (framing === 'silence' && this.#received !== '') {
          const whole = this.#received;
          this.#received = '';
          this.#readySeconds = this.#port.now();
          return whole;
        }
        if (this.#port.now() >= deadline || !this.hasGap) {
          this.#stale = true;
          throw this.#timeout(message, timeoutSeconds);
        }
      }
    }
  }

  #take(framing: Framing): string | null {
    const end = framing === 'line' ? this.#received.indexOf('\n') : framing === 'silence' ? -1 : framing - 1;
    if (end < 0 || end >= this.#received.length) {
      return null;
    }
    const reply = this.#received.slice(0, end + 1);
    this.#received = this.#received.slice(end + 1);
    return framing === 'line' ? reply.trim() : reply;
  }

  #patience(framing: Framing, left: number): number {
    if (framing === 'silence' && this.#received !== '') return Math.min(left, SILENCE_SECONDS);
    return this.hasGap ? Math.min(left, SLICE_SECONDS) : left;
  }

  /** What arrives during the pause belongs to nobody: a stray byte after a reply of fixed length. */
  async #waitForGap(): Promise<void> {
    for (let left = this.#readySeconds - this.#port.now(); left > 0;) {
      await this.#port.read(left);
      this.#received = '';
      left = this.#readySeconds - this.#port.now();
    }
  }

  #refuseWhenClosing(message: string, final: boolean): void {
    if (this.#closing && !final) {
      throw new RunError({
        code: 'supply-shut-down',
        place: this.#port.name,
        message: `"${message}" was not sent, since the supply has been shut down`,
        remedy: 'Open it again before using it',
      });
    }
  }

  #timeout(message: string, seconds: number): RunError {
    return new RunError({
      code: 'supply-timeout',
      place: this.#port.name,
      message:
        `no answer to "${message}" within ${seconds} s` +
        (this.#received === '' ? '' : `, only ${JSON.stringify(this.#received.slice(0, 60))}`),
      remedy: 'Check cable, baud rate and that the supply is switched on and set to remote control',
    });
  }

  #babble(): RunError {
    return new RunError({
      code: 'supply-reply',
      place: this.#port.name,
      message: 'the instrument keeps sending without being asked',
      remedy: 'Check that a supply is connected to this port and that the baud rate is right',
    });
  }

  /** After a reply that was given up on: waits until the line is silent. */
  async #discardStale(): Promise<void> {
    if (!this.#stale) {
      return;
    }
    this.#received = '';
    for (let reads = 0; reads < MAXIMUM_STALE_READS; reads++) {
      if ((await this.#port.read(QUIET_SECONDS)).length === 0) {
        this.#stale = false;
        return;
      }
    }
    throw this.#babble();
  }
}
