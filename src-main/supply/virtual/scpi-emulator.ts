import { compileHeader, headerMatches, type HeaderPattern } from './header.js';
import { feed, Outbox, type ElectricLoad, type Instrument, type TerminalState } from './instrument.js';
import { parseNumber } from './parameters.js';
import { ScpiErrorQueue, ScpiFault } from './scpi-error.js';
import { parseUnit } from './virtual-supply.js';

/** Bytes of one message that the instrument can hold; more is an input buffer overrun. */
const INPUT_BUFFER_BYTES = 20_000;

export interface EmulatedChannel {
  volts: number;
  amps: number;
  on: boolean;
  overVolts: number;
  overVoltsOn: boolean;
  overAmps: number;
  overAmpsOn: boolean;
  tripped: '' | 'OVP' | 'OCP';
}

export interface EmulatedStep {
  volts: number;
  amps: number;
  seconds: number;
}

/** What a dialect's commands work on. */
export interface ScpiCore {
  readonly channels: EmulatedChannel[];
  /** Index of the channel that commands without one mean. */
  selected: number;
  /** For instruments with a switch over all outputs. */
  master: boolean;
  remote: boolean;
  readonly maximumVolts: number;
  readonly maximumAmps: number;
  list: { steps: EmulatedStep[]; repeats: number };
  /** @throws ScpiFault -221 when the list is empty */
  startList(): void;
  stopList(): void;
  reading(channel: number): { volts: number; amps: number; limited: boolean };
  setVolts(channel: number, text: string): void;
  setAmps(channel: number, text: string): void;
  /** A level of a protection. */
  level(text: string, unit: 'V' | 'A'): number;
}

/** One command of a dialect: pattern as in header.ts, and what it does; only a string that it returns is a reply. */
export type DialectCommand = [pattern: string, run: (core: ScpiCore, parameters: string[]) => unknown];

export interface ScpiDialect {
  id: string;
  identity: string;
  channels: number;
  maximumVolts: number;
  maximumAmps: number;
  voltsResolution: number;
  ampsResolution: number;
  commandSeconds: number;
  /** Needs SYST:REM before it takes a setting, else error 550 (E363xA user's guide). */
  needsRemote: boolean;
  lineEnd: string;
  noError: string;
  commands: readonly DialectCommand[];
}

/**
 * A supply that speaks a maker's SCPI, with channels, protections that trip and a list that it plays by its own clock. It
 * reads one message after the other; a reply is complete when its commands are done.
 */
export class ScpiEmulator implements Instrument, ScpiCore {
  readonly channels: EmulatedChannel[];
  selected = 0;
  master = true;
  remote = false;
  list: ScpiCore['list'] = { steps: [], repeats: 1 };
  readonly maximumVolts: number;
  readonly maximumAmps: number;
  readonly #dialect: ScpiDialect;
  readonly #commands: { header: HeaderPattern; run: DialectCommand[1] }[];
  readonly #errors = new ScpiErrorQueue();
  readonly #outbox = new Outbox();
  readonly #load: ElectricLoad;
  #input = '';
  #busyUntil = 0;
  #now = 0;
  #playing: { next: number; step: number; round: number } | null = null;

  constructor(dialect: ScpiDialect, load: ElectricLoad = { ohms: 330 }) {
    this.#dialect = dialect;
    this.#load = load;
    this.maximumVolts = dialect.maximumVolts;
    this.maximumAmps = dialect.maximumAmps;
    this.channels = Array.from({ length: dialect.channels }, () => ({
      volts: 0,
      amps: 0,
      on: false,
      overVolts: dialect.maximumVolts * 1.1,
      overVoltsOn: false,
      overAmps: dialect.maximumAmps * 1.1,
      overAmpsOn: false,
      tripped: '' as const,
    }));
    this.#commands = [...dialect.commands, ...this.#common()].map(([pattern, run]) => ({
      header: compileHeader(pattern),
      run,
    }));
  }

  /** Channel 1, which the bench uses. */
  get terminals(): TerminalState {
    const { on, volts, amps } = this.channels[0];
    return { on: on && this.master, volts, amps };
  }

  get nextSeconds(): number {
    return Math.min(this.#outbox.nextSeconds, this.#playing?.next ?? Infinity);
  }

  receive(bytes: Uint8Array, nowSeconds: number): void {
    this.#settle(nowSeconds);
    let reply = '';
    for (const byte of bytes) {
      if (byte === 0x03) {
        // Control-C: device clear over RS-232.
        this.#input = '';
      } else if (byte !== 0x0a) {
        if (this.#input.length < INPUT_BUFFER_BYTES) this.#input += String.fromCharCode(byte);
      } else {
        const message = this.#input;
        this.#input = '';
        reply += this.#carryOut(message);
      }
    }
    if (reply !== '') this.#outbox.put(reply, this.#busyUntil);
  }

  take(nowSeconds: number): Uint8Array {
    this.#settle(nowSeconds);
    return this.#outbox.take(nowSeconds);
  }

  startList(): void {
    if (this.list.steps.length === 0) throw new ScpiFault(-221);
    this.#playing = { next: this.#now, step: 0, round: 1 };
    this.#settle(this.#now);
  }

  stopList(): void {
    this.#playing = null;
  }

  reading(channel: number): { volts: number; amps: number; limited: boolean } {
    const { on, volts, amps } = this.channels[channel];
    return feed({ on: on && this.master, volts, amps }, this.#load);
  }

  setVolts(channel: number, text: string): void {
    const { maximumVolts, voltsResolution } = this.#dialect;
    this.channels[channel].volts = parseNumber(text, 'V', 0, maximumVolts, voltsResolution);
  }

  setAmps(channel: number, text: string): void {
    const { maximumAmps, ampsResolution } = this.#dialect;
    this.channels[channel].amps = parseNumber(text, 'A', 0, maximumAmps, ampsResolution);
  }

  level(text: string, unit: 'V' | 'A'): number {
    const maximum = unit === 'V' ? this.maximumVolts : this.maximumAmps;
    return parseNumber(text, unit, 0, maximum * 1.1, 0);
  }

  #settle(nowSeconds: number): void {
    this.#now = Math.max(this.#now, nowSeconds);
    while (this.#playing !== null && this.#playing.next <= this.#now) {
      const { steps, repeats } = this.list;
      const playing = this.#playing;
      if (playing.step === steps.length) {
        playing.step = 0;
        playing.round++;
      }
      if (playing.round > repeats) {
        this.#playing = null;
        break;
      }
      const { volts, amps, seconds } = steps[playing.step];
      Object.assign(this.channels[this.selected], { volts, amps });
      playing.step++;
      playing.next += seconds;
    }
    for (const [index, channel] of this.channels.entries()) {
      const { volts, amps } = this.reading(index);
      const over =
        channel.overVoltsOn && volts > channel.overVolts
          ? 'OVP'
          : channel.overAmpsOn && amps > channel.overAmps
            ? 'OCP'
            : '';
      if (over !== '') Object.assign(channel, { on: false, tripped: over });
    }
  }

  #carryOut(message: string): string {
    const answers: string[] = [];
    for (const unit of message.split(';').map((text) => text.trim())) {
      if (unit === '') continue;
      this.#busyUntil = Math.max(this.#busyUntil, this.#now) + this.#dialect.commandSeconds;
      try {
        const { words, query, parameters } = parseUnit(unit);
        const command = this.#commands.find(({ header }) => headerMatches(header, words, query));
        if (command === undefined) throw new ScpiFault(-113);
        if (this.#dialect.needsRemote && !this.remote && !query && !/^(\*|SYST)/i.test(unit)) {
          throw new ScpiFault(550);
        }
        const answer = command.run(this, parameters);
        if (typeof answer === 'string') answers.push(answer);
      } catch (error) {
        if (!(error instanceof ScpiFault)) throw error;
        this.#errors.push(error.code);
      }
    }
    this.#settle(this.#now);
    return answers.length === 0 ? '' : `${answers.join(';')}${this.#dialect.lineEnd}`;
  }

  #common(): DialectCommand[] {
    return [
      ['*IDN?', () => this.#dialect.identity],
      ['*CLS', () => this.#errors.clear()],
      [
        '*RST',
        () => this.channels.forEach((channel) => Object.assign(channel, { on: false, volts: 0, amps: 0 })),
      ],
      ['*OPC?', () => '1'],
      [
        'SYSTem:ERRor[:NEXT]?',
        () => (this.#errors.length === 0 ? this.#dialect.noError : this.#errors.next()),
      ],
      ['SYSTem:REMote', () => (this.remote = true)],
      ['SYSTem:LOCal', () => (this.remote = false)],
    ];
  }
}
