import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';

/** No reply of a supply is longer; more means that something else is at the other end. */
const MAXIMUM_LINE_BYTES = 4096;
/** Late bytes are thrown away until the line was silent for this long. */
const QUIET_SECONDS = 0.05;
/** ... but not for ever: an instrument that never falls silent is an error. */
const MAXIMUM_STALE_READS = 64;

/** Lines of text over a Port: one command, one reply at a time, each with a time limit. */
export class LinePort {
  readonly #port: Port;
  readonly #terminator: string;
  #received = '';
  /** A reply was given up on and may still arrive: it must not be taken for the answer to the next query. */
  #stale = false;
  #closing = false;

  constructor(port: Port, terminator: string) {
    this.#port = port;
    this.#terminator = terminator;
  }

  get name(): string {
    return this.#port.name;
  }

  /** From here on everything that is not marked final is refused, conversations under way included. */
  beginClosing(): void {
    this.#closing = true;
  }

  /** @throws RunError `supply-shut-down` after beginClosing, unless `final` */
  async send(command: string, final = false): Promise<void> {
    if (this.#closing && !final) {
      throw new RunError({
        code: 'supply-shut-down',
        place: this.#port.name,
        message: `"${command}" was not sent, since the supply has been shut down`,
        remedy: 'Open it again before using it',
      });
    }
    await this.#port.write(Buffer.from(command + this.#terminator, 'latin1'));
  }

  /**
   * @returns the reply without its line end
   * @throws RunError `supply-timeout` when no whole line arrives in time; `supply-reply` when it does not end
   */
  async query(command: string, timeoutSeconds: number, final = false): Promise<string> {
    await this.#discardStale();
    await this.send(command, final);
    const deadline = this.#port.now() + timeoutSeconds;
    for (;;) {
      const end = this.#received.indexOf('\n');
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 1);
        return line.trim();
      }
      if (this.#received.length > MAXIMUM_LINE_BYTES) {
        this.#stale = true;
        throw new RunError({
          code: 'supply-reply',
          place: this.#port.name,
          message: `the answer to "${command}" has more than ${MAXIMUM_LINE_BYTES} bytes without a line end`,
          remedy: 'Check that a supply is connected to this port and that the baud rate is right',
        });
      }
      const left = deadline - this.#port.now();
      const bytes = left > 0 ? await this.#port.read(left) : new Uint8Array();
      if (bytes.length === 0) {
        this.#stale = true;
        throw new RunError({
          code: 'supply-timeout',
          place: this.#port.name,
          message:
            `no answer to "${command}" within ${timeoutSeconds} s` +
            (this.#received === '' ? '' : `, only ${JSON.stringify(this.#received.slice(0, 60))}`),
          remedy: 'Check cable, baud rate and that the supply is switched on and set to remote control',
        });
      }
      this.#received += Buffer.from(bytes).toString('latin1');
    }
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
    throw new RunError({
      code: 'supply-reply',
      place: this.#port.name,
      message: 'the instrument keeps sending without being asked',
      remedy: 'Check that a supply is connected to this port and that the baud rate is right',
    });
  }
}
