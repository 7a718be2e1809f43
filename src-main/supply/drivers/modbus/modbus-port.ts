import { RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import { crcFits, frame, high, low } from '../../modbus-frame.js';

const READ = 0x03;
const WRITE = 0x06;
/** Set in the function code of an exception. */
const EXCEPTION = 0x80;
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'it does not know this function',
  2: 'it has no such register',
  3: 'the value is not allowed',
  4: 'it has failed',
  6: 'it is busy',
};
/** Late bytes are thrown away until the line was silent for this long. */
const QUIET_SECONDS = 0.03;
const MAXIMUM_STALE_READS = 64;
/** A conversation looks this often whether it has been overtaken by a shutdown. */
const SLICE_SECONDS = 0.05;

/** Requests and responses of Modbus RTU over a Port, one at a time. */
export class ModbusPort {
  readonly #port: Port;
  readonly #address: number;
  readonly #gapSeconds: number;
  readonly #attempts: number;
  readonly #replySeconds: number;
  #readySeconds = -Infinity;
  #closing = false;

  constructor(
    port: Port,
    options: { address: number; gapSeconds: number; attempts: number; replySeconds: number },
  ) {
    this.#port = port;
    this.#address = options.address;
    this.#gapSeconds = options.gapSeconds;
    this.#attempts = options.attempts;
    this.#replySeconds = options.replySeconds;
  }

  get name(): string {
    return this.#port.name;
  }

  /** From here on only final requests are sent. */
  beginClosing(): void {
    this.#closing = true;
  }

  /** @throws RunError `supply-timeout`, `supply-reply`, or `supply-error` for an exception response */
  async read(register: number, count: number, final = false): Promise<number[]> {
    const request = frame(this.#address, READ, high(register), low(register), high(count), low(count));
    const response = await this.#exchange(request, 5 + 2 * count, final, (bytes) => bytes[2] === 2 * count);
    return Array.from(
      { length: count },
      (_, index) => (response[3 + 2 * index] << 8) | response[4 + 2 * index],
    );
  }

  /** The response to a write is its echo, so that it is known what was written where. */
  async write(register: number, value: number, final = false): Promise<void> {
    const request = frame(this.#address, WRITE, high(register), low(register), high(value), low(value));
    await this.#exchange(request, 8, final, (bytes) => bytes.every((byte, index) => byte === request[index]));
  }

  async #exchange(
    request: Uint8Array,
    length: number,
    final: boolean,
    fits: (response: Uint8Array) => boolean,
  ): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(request, length, final, fits);
      } catch (error) {
        const again = error instanceof RunError && /^supply-(timeout|reply)$/.test(error.code);
        if (!again || attempt >= this.#attempts) throw error;
      }
    }
  }

  async #once(
    request: Uint8Array,
    length: number,
    final: boolean,
    fits: (response: Uint8Array) => boolean,
  ): Promise<Uint8Array> {
    await this.#silence();
    this.#refuseWhenClosing(final);
    await this.#port.write(request);
    const deadline = this.#port.now() + this.#replySeconds;
    let received: Uint8Array = new Uint8Array();
    for (;;) {
      const wanted = received.length >= 2 && (received[1] & EXCEPTION) !== 0 ? 5 : length;
      if (received.length >= wanted) {
        this.#readySeconds = this.#port.now() + this.#gapSeconds;
        return this.#checked(request, received.subarray(0, wanted), fits);
      }
      this.#refuseWhenClosing(final);
      const left = deadline - this.#port.now();
      if (left <= 0) {
        this.#readySeconds = this.#port.now() + QUIET_SECONDS;
        throw this.#error(
          'supply-timeout',
          `no answer to ${named(request)} within ${this.#replySeconds} s` +
            (received.length === 0 ? '' : `, only ${hex(received)}`),
          'Check cable, baud rate, slave address and that the supply is switched on',
        );
      }
      const bytes = await this.#port.read(Math.min(left, SLICE_SECONDS));
      received = Buffer.concat([received, bytes]);
    }
  }

  #checked(request: Uint8Array, response: Uint8Array, fits: (response: Uint8Array) => boolean): Uint8Array {
    const [address, code] = response;
    if (crcFits(response) && address === request[0]) {
      if (code === (request[1] | EXCEPTION)) {
        throw this.#error(
          'supply-error',
          `the supply refused ${named(request)}: ${EXCEPTIONS[response[2]] ?? 'exception'} (${response[2]})`,
          'Check that the driver is the one of this instrument',
        );
      }
      if (code === request[1] && fits(response)) {
        return response;
      }
    }
    // Something else may still be coming.
    this.#readySeconds = this.#port.now() + QUIET_SECONDS;
    throw this.#error(
      'supply-reply',
      `the answer to ${named(request)} was ${hex(response)}, which is no response to it`,
      'Check cable and baud rate, and that the port is the supply and its driver the right one',
    );
  }

  /** Waits until the line is free and has been silent; what arrives meanwhile belongs to no request. */
  async #silence(): Promise<void> {
    for (let reads = 0; reads < MAXIMUM_STALE_READS; reads++) {
      const left = this.#readySeconds - this.#port.now();
      if ((await this.#port.read(Math.max(0, left))).length === 0) return;
      if (left <= 0) this.#readySeconds = this.#port.now() + QUIET_SECONDS;
    }
    throw this.#error(
      'supply-reply',
      'the instrument keeps sending without being asked',
      'Check that a supply is connected to this port and that the baud rate is right',
    );
  }

  #refuseWhenClosing(final: boolean): void {
    if (this.#closing && !final) {
      throw this.#error(
        'supply-shut-down',
        'nothing more is sent, since the supply has been shut down',
        'Open it again before using it',
      );
    }
  }

  #error(code: string, message: string, remedy: string): RunError {
    return new RunError({ code, place: this.name, message, remedy });
  }
}

function named(request: Uint8Array): string {
  const register = (request[2] << 8) | request[3];
  return `${request[1] === READ ? 'reading' : 'writing'} register ${register}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 16))
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
}
