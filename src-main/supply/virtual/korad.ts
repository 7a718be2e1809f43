import { feed, Outbox, type ElectricLoad, type Instrument, type TerminalState } from './instrument.js';

/** A message ends when the line has been silent for this long: there are no terminators. About 10 bytes at 9600 baud. */
const MESSAGE_END_SECONDS = 0.01;
/** What begins sooner after the last message is lost. libsigrok waits 80 ms; the instrument needs a little less. */
const DEAF_SECONDS = 0.06;
const THINKING_SECONDS = 0.015;
const BYTE_SECONDS = 10 / 9600;

export interface KoradOptions {
  identity?: string;
  maximumVolts?: number;
  maximumAmps?: number;
  load?: ElectricLoad;
}

/**
 * A Korad KA3005P: unterminated messages and replies of fixed length, deaf for a while after each, a stray `K` after
 * `ISET1?`, a stray 01 after its identity, and silence for whatever it does not understand.
 */
export class KoradEmulator implements Instrument {
  readonly terminals: TerminalState = { on: false, volts: 0, amps: 0 };
  readonly #identity: string;
  readonly #maximumVolts: number;
  readonly #maximumAmps: number;
  readonly #load: ElectricLoad;
  readonly #outbox = new Outbox();
  readonly #memory = new Map<string, { volts: number; amps: number }>();
  #message = '';
  #messageStart = 0;
  #messageEnd = Infinity;
  #deafUntil = -Infinity;
  #overVoltage = false;
  #overCurrent = false;
  #beep = true;

  constructor(options: KoradOptions = {}) {
    this.#identity = options.identity ?? 'KORADKA3005PV2.0\u0001';
    this.#maximumVolts = options.maximumVolts ?? 31;
    this.#maximumAmps = options.maximumAmps ?? 5.1;
    this.#load = options.load ?? { ohms: 330 };
  }

  get nextSeconds(): number {
    return Math.min(this.#messageEnd, this.#outbox.nextSeconds);
  }

  receive(bytes: Uint8Array, nowSeconds: number): void {
    this.#settle(nowSeconds);
    if (this.#message === '') this.#messageStart = nowSeconds;
    this.#message += Buffer.from(bytes).toString('latin1');
    this.#messageEnd = nowSeconds + bytes.length * BYTE_SECONDS + MESSAGE_END_SECONDS;
  }

  take(nowSeconds: number): Uint8Array {
    this.#settle(nowSeconds);
    return this.#outbox.take(nowSeconds);
  }

  #settle(nowSeconds: number): void {
    if (nowSeconds < this.#messageEnd) {
      return;
    }
    const message = this.#message;
    const ended = this.#messageEnd;
    this.#message = '';
    this.#messageEnd = Infinity;
    if (this.#messageStart < this.#deafUntil) {
      return;
    }
    const reply = this.#carryOut(message);
    this.#deafUntil = ended - MESSAGE_END_SECONDS + DEAF_SECONDS;
    if (reply !== '') {
      this.#outbox.put(reply, ended + THINKING_SECONDS + reply.length * BYTE_SECONDS);
    }
  }

  /** @returns the reply; '' for a command and for anything that is not understood */
  #carryOut(message: string): string {
    const set = /^([VI])SET1:(\d{1,2}\.?\d{0,3})$/.exec(message);
    if (set) {
      const value = Number(set[2]);
      if (set[1] === 'V' && value <= this.#maximumVolts) this.terminals.volts = value;
      if (set[1] === 'I' && value <= this.#maximumAmps) this.terminals.amps = value;
      return '';
    }
    const digit = /^(OUT|OVP|OCP|BEEP|SAV|RCL|LOCK)(\d)$/.exec(message);
    if (digit) {
      this.#switch(digit[1], digit[2]);
      return '';
    }
    const reading = feed(this.terminals, this.#load);
    switch (message) {
      case '*IDN?':
        return this.#identity;
      case 'VSET1?':
        return volts(this.terminals.volts);
      case 'ISET1?':
        return `${amps(this.terminals.amps)}K`;
      case 'VOUT1?':
        return volts(reading.volts);
      case 'IOUT1?':
        return amps(reading.amps);
      case 'STATUS?':
        return String.fromCharCode(this.#status(reading.limited));
      default:
        return '';
    }
  }

  #switch(what: string, digit: string): void {
    const on = digit === '1';
    if (what === 'OUT' && /[01]/.test(digit)) this.terminals.on = on;
    if (what === 'OVP') this.#overVoltage = on;
    if (what === 'OCP') this.#overCurrent = on;
    if (what === 'BEEP') this.#beep = on;
    if (what === 'SAV') this.#memory.set(digit, { volts: this.terminals.volts, amps: this.terminals.amps });
    if (what === 'RCL') {
      // Recalling a memory switches the output off on the real one, too.
      Object.assign(this.terminals, { on: false }, this.#memory.get(digit));
    }
    if (this.#overCurrent && feed(this.terminals, this.#load).limited) {
      this.terminals.on = false;
    }
  }

  #status(limited: boolean): number {
    return (
      (limited ? 0 : 0x01) |
      (this.#beep ? 0x10 : 0) |
      (this.#overCurrent ? 0x20 : 0) |
      (this.terminals.on ? 0x40 : 0) |
      (this.#overVoltage ? 0x80 : 0)
    );
  }
}

function volts(value: number): string {
  return value.toFixed(2).padStart(5, '0');
}

function amps(value: number): string {
  return value.toFixed(3);
}
