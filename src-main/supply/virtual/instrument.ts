import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import type { SupplyReading } from '../driver.js';

/** What is connected to an emulated supply's terminals. */
export interface ElectricLoad {
  ohms: number;
}

/** What its terminals have now, whatever is said over the line. */
export interface TerminalState {
  on: boolean;
  /** Set points. */
  volts: number;
  amps: number;
}

/**
 * An emulated instrument, byte by byte, on a clock that its owner tells it: the same on simulated and on wall time. Bytes
 * may be lost on it and it may be silent, just as the real one.
 */
export interface Instrument {
  readonly terminals: TerminalState;
  /** Bytes arrived at this time. */
  receive(bytes: Uint8Array, nowSeconds: number): void;
  /** Carries out what is due by then, and takes what it has sent. */
  take(nowSeconds: number): Uint8Array;
  /** When `take` next has something to do; Infinity while it is idle. */
  readonly nextSeconds: number;
}

/** Voltage and current of a supply into a resistor: constant voltage, or constant current where that is less. */
export function feed(
  { on, volts, amps }: TerminalState,
  load: ElectricLoad,
): SupplyReading & { limited: boolean } {
  if (!on) {
    return { volts: 0, amps: 0, limited: false };
  }
  const wanted = volts / load.ohms;
  return wanted <= amps
    ? { volts, amps: wanted, limited: false }
    : { volts: amps * load.ohms, amps, limited: true };
}

/** Messages that an instrument will send, each at its time. */
export class Outbox {
  #due: { seconds: number; bytes: Uint8Array }[] = [];

  put(bytes: Uint8Array | string, seconds: number): void {
    const sent = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    this.#due.push({ seconds: Math.max(seconds, this.#due.at(-1)?.seconds ?? 0), bytes: sent });
  }

  get nextSeconds(): number {
    return this.#due[0]?.seconds ?? Infinity;
  }

  take(nowSeconds: number): Uint8Array {
    const sent: Uint8Array[] = [];
    while (this.#due.length > 0 && this.#due[0].seconds <= nowSeconds) {
      sent.push((this.#due.shift() as { bytes: Uint8Array }).bytes);
    }
    return new Uint8Array(Buffer.concat(sent));
  }
}

/** A port straight to an emulated instrument, on simulated time, which passes only while somebody reads. */
export class InstrumentPort implements Port {
  readonly name: string;
  readonly #instrument: Instrument;
  #seconds: number;
  #closed = false;

  constructor(instrument: Instrument, name = 'emulated', startSeconds = 0) {
    this.#instrument = instrument;
    this.name = name;
    this.#seconds = startSeconds;
  }

  now(): number {
    return this.#seconds;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.#refuseWhenClosed();
    this.#instrument.receive(bytes, this.#seconds);
  }

  async read(timeoutSeconds: number): Promise<Uint8Array> {
    await Promise.resolve();
    this.#refuseWhenClosed();
    const deadline = this.#seconds + timeoutSeconds;
    for (;;) {
      const bytes = this.#instrument.take(this.#seconds);
      if (bytes.length > 0) return bytes;
      const next = this.#instrument.nextSeconds;
      if (next > deadline) {
        this.#seconds = deadline;
        return this.#instrument.take(deadline);
      }
      this.#seconds = Math.max(this.#seconds, next);
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) {
      throw new RunError({
        code: 'port-gone',
        place: this.name,
        message: 'the port has been closed',
        remedy: 'Open it again',
      });
    }
  }
}
