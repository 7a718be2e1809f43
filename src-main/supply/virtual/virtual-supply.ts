import type { SupplyReading } from '../driver.js';
import type { RailSource } from '../rail/rail.js';
import { compileHeader, headerMatches, type HeaderPattern } from './header.js';
import { VIRTUAL_SUPPLY_MODELS, type VirtualSupplyModel } from './models.js';
import { parseBoolean, parseNumber } from './parameters.js';
import { ScpiErrorQueue, ScpiFault } from './scpi-error.js';

/** Bytes of one message that the instrument can hold; more is an input buffer overrun. */
const INPUT_BUFFER_BYTES = 1024;

export interface VirtualSupplyOptions {
  model?: VirtualSupplyModel;
  /**
   * What the terminals feed, called whenever it changes. A switched-off output feeds 0 V and 0 A.
   * @param delaySeconds from the arrival of the bytes to this change: the instrument takes its time for every command
   */
  onSource?: (source: RailSource, delaySeconds: number) => void;
  /** What is at the terminals while the output is on. Default: nothing connected, so the set voltage and no current. */
  measure?: () => SupplyReading;
}

export interface SupplyAnswer {
  /** Reply bytes, empty when nothing was asked. */
  reply: Uint8Array;
  /** Time that the instrument needed for the commands in these bytes; the reply is complete after it. */
  busySeconds: number;
}

interface Command {
  header: HeaderPattern;
  /** @returns the reply of a query */
  run: (parameters: string[]) => string | undefined;
}

/**
 * A one-channel supply that speaks SCPI byte by byte: upper and lower case, long and short headers, several commands in
 * a message, an error queue with the standard codes. It knows no clock: `receive` says how long it took. State after
 * power-on and *RST: output off, 0 V, 0 A, over-voltage protection at its maximum.
 */
export class VirtualSupply {
  readonly model: VirtualSupplyModel;
  readonly #onSource: (source: RailSource, delaySeconds: number) => void;
  readonly #measure: () => SupplyReading;
  readonly #errors = new ScpiErrorQueue();
  readonly #commands: Command[];
  /** Standard event status register, IEEE 488.2, 11.5.1; bit 7 = power on. */
  #events = 0x80;
  #volts = 0;
  #amps = 0;
  #protectionVolts: number;
  #currentProtection = false;
  #on = false;
  #input = '';
  #overrun = false;
  #busySeconds = 0;
  #fed: RailSource = { volts: 0, amps: 0 };

  constructor(options: VirtualSupplyOptions = {}) {
    this.model = options.model ?? VIRTUAL_SUPPLY_MODELS.bench;
    this.#onSource = options.onSource ?? (() => undefined);
    this.#measure = options.measure ?? (() => ({ volts: this.#volts, amps: 0 }));
    this.#protectionVolts = this.#maximumProtectionVolts;
    this.#commands = this.#table().map(([pattern, run]) => ({ header: compileHeader(pattern), run }));
  }

  /** What the terminals feed now. */
  get source(): RailSource {
    return { ...this.#fed };
  }

  /** Takes bytes as they come; commands are carried out at each line feed. */
  receive(bytes: Uint8Array): SupplyAnswer {
    this.#busySeconds = 0;
    let reply = '';
    for (const byte of bytes) {
      if (byte !== 0x0a) {
        if (this.#input.length < INPUT_BUFFER_BYTES) {
          this.#input += String.fromCharCode(byte);
        } else {
          this.#overrun = true;
        }
        continue;
      }
      const message = this.#input;
      this.#input = '';
      if (this.#overrun) {
        this.#overrun = false;
        this.#fault(new ScpiFault(-363));
        continue;
      }
      reply += this.#carryOut(message);
    }
    return { reply: Buffer.from(reply, 'latin1'), busySeconds: this.#busySeconds };
  }

  /** One message: units separated by `;`, answers joined likewise. A unit without a leading colon continues the path. */
  #carryOut(message: string): string {
    const answers: string[] = [];
    let path: string[] = [];
    for (const unit of message.split(';')) {
      const text = unit.trim();
      if (text === '') {
        continue;
      }
      this.#busySeconds += this.model.commandSeconds;
      try {
        const { words, query, parameters, common } = parseUnit(text);
        const absolute = common || text.startsWith(':') ? words : [...path, ...words];
        const answer = this.#dispatch(absolute, query, parameters);
        if (answer !== undefined) {
          answers.push(answer);
        }
        if (!common) {
          path = absolute.slice(0, -1);
        }
      } catch (error) {
        if (!(error instanceof ScpiFault)) {
          throw error;
        }
        this.#fault(error);
      }
    }
    return answers.length === 0 ? '' : `${answers.join(';')}\n`;
  }

  #dispatch(words: string[], query: boolean, parameters: string[]): string | undefined {
    const command = this.#commands.find(({ header }) => headerMatches(header, words, query));
    if (command === undefined) {
      throw new ScpiFault(-113);
    }
    const answer = command.run(parameters);
    this.#feed();
    return answer;
  }

  #feed(): void {
    const volts = this.#on ? this.#volts : 0;
    const amps = this.#on ? this.#amps : 0;
    if (volts !== this.#fed.volts || amps !== this.#fed.amps) {
      this.#fed = { volts, amps };
      this.#onSource({ volts, amps }, this.#busySeconds);
    }
  }

  #fault(fault: ScpiFault): void {
    this.#errors.push(fault.code);
    // Command errors (-1xx) set bit 5, execution errors (-2xx) bit 4, device errors (-3xx) bit 3.
    this.#events |= fault.code > -200 ? 0x20 : fault.code > -300 ? 0x10 : 0x08;
  }

  get #maximumProtectionVolts(): number {
    // Keysight and others let the protection be set 10 % above the range, so that it does not limit the range.
    return this.model.maximumVolts * 1.1;
  }

  #reset(): void {
    this.#volts = 0;
    this.#amps = 0;
    this.#on = false;
    this.#currentProtection = false;
    this.#protectionVolts = this.#maximumProtectionVolts;
  }

  #reading(): SupplyReading {
    return this.#on ? this.#measure() : { volts: 0, amps: 0 };
  }

  #setVolts(text: string): void {
    const { maximumVolts, voltsResolution } = this.model;
    const volts = parseNumber(text, 'V', 0, maximumVolts, voltsResolution);
    if (volts > this.#protectionVolts) {
      throw new ScpiFault(-221);
    }
    this.#volts = volts;
  }

  #setAmps(text: string): void {
    this.#amps = parseNumber(text, 'A', 0, this.model.maximumAmps, this.model.ampsResolution);
  }

  #table(): [string, (parameters: string[]) => string | undefined][] {
    const { identity, maximumVolts, maximumAmps, voltsResolution } = this.model;
    const level = '[:LEVel][:IMMediate][:AMPLitude]';
    const query = (answer: () => string) => (parameters: string[]) => {
      count(parameters, 0);
      return answer();
    };
    const action = (act: () => void) => (parameters: string[]) => {
      count(parameters, 0);
      act();
      return undefined;
    };
    const set = (take: (text: string) => void) => (parameters: string[]) => {
      count(parameters, 1);
      take(parameters[0]);
      return undefined;
    };
    const limitQuery = (value: () => number, maximum: number) => (parameters: string[]) => {
      count(parameters, 0, 1);
      return formatNumber(parameters.length === 0 ? value() : parseNumber(parameters[0], '', 0, maximum, 0));
    };
    return [
      ['*IDN?', query(() => Object.values(identity).join(','))],
      ['*RST', action(() => this.#reset())],
      ['*CLS', action(() => this.#clear())],
      ['*OPC', action(() => (this.#events |= 0x01))],
      ['*OPC?', query(() => '1')],
      ['*WAI', action(() => undefined)],
      ['*TST?', query(() => '0')],
      ['*ESR?', query(() => this.#takeEvents())],
      // Bit 2 of the status byte: the error queue is not empty.
      ['*STB?', query(() => (this.#errors.length > 0 ? '4' : '0'))],
      ['SYSTem:ERRor[:NEXT]?', query(() => this.#errors.next())],
      ['SYSTem:ERRor:COUNt?', query(() => String(this.#errors.length))],
      ['SYSTem:VERSion?', query(() => '1999.0')],
      ['SYSTem:REMote', action(() => undefined)],
      ['SYSTem:LOCal', action(() => undefined)],
      ['SYSTem:COMMunicate:RLSTate', set(oneOf('LOCal', 'REMote', 'RWLock'))],
      [`[:SOURce]:VOLTage${level}`, set((text) => this.#setVolts(text))],
      [`[:SOURce]:VOLTage${level}?`, limitQuery(() => this.#volts, maximumVolts)],
      [`[:SOURce]:CURRent${level}`, set((text) => this.#setAmps(text))],
      [`[:SOURce]:CURRent${level}?`, limitQuery(() => this.#amps, maximumAmps)],
      [
        '[:SOURce]:VOLTage:PROTection[:LEVel]',
        set((text) => {
          const volts = parseNumber(text, 'V', 0, this.#maximumProtectionVolts, voltsResolution);
          if (volts < this.#volts) {
            throw new ScpiFault(-221);
          }
          this.#protectionVolts = volts;
        }),
      ],
      ['[:SOURce]:VOLTage:PROTection[:LEVel]?', limitQuery(() => this.#protectionVolts, maximumVolts * 1.1)],
      ['[:SOURce]:CURRent:PROTection:STATe', set((text) => (this.#currentProtection = parseBoolean(text)))],
      ['[:SOURce]:CURRent:PROTection:STATe?', query(() => (this.#currentProtection ? '1' : '0'))],
      [
        'APPLy',
        (parameters) => {
          count(parameters, 1, 2);
          const before = this.#volts;
          this.#setVolts(parameters[0]);
          try {
            if (parameters.length === 2) this.#setAmps(parameters[1]);
          } catch (error) {
            this.#volts = before;
            throw error;
          }
          return undefined;
        },
      ],
      ['OUTPut[:STATe]', set((text) => (this.#on = parseBoolean(text)))],
      ['OUTPut[:STATe]?', query(() => (this.#on ? '1' : '0'))],
      ['MEASure[:SCALar][:VOLTage][:DC]?', query(() => formatNumber(this.#reading().volts))],
      ['MEASure[:SCALar]:CURRent[:DC]?', query(() => formatNumber(this.#reading().amps))],
      [
        'MEASure[:SCALar]:POWer[:DC]?',
        query(() => {
          const { volts, amps } = this.#reading();
          return formatNumber(volts * amps);
        }),
      ],
    ];
  }

  #clear(): void {
    this.#errors.clear();
    this.#events = 0;
  }

  #takeEvents(): string {
    const events = this.#events;
    this.#events = 0;
    return String(events);
  }
}

/** Splits `HEADer:PATH? parameter, parameter`. @throws ScpiFault -102 when it has not that form */
export function parseUnit(text: string): {
  words: string[];
  query: boolean;
  parameters: string[];
  common: boolean;
} {
  const match = /^(\*?)(:?[A-Za-z]\w*(?::[A-Za-z]\w*)*)(\??)(?:\s+(.*))?$/.exec(text);
  if (match === null || (match[1] === '*' && match[2].includes(':'))) {
    throw new ScpiFault(-102);
  }
  const [, star, header, question, rest] = match;
  const words = header.replace(/^:/, '').split(':');
  const parameters =
    (rest as string | undefined) === undefined ? [] : rest.split(',').map((parameter) => parameter.trim());
  if (parameters.includes('')) {
    throw new ScpiFault(-102);
  }
  return {
    words: star === '*' ? [`*${words[0]}`] : words,
    query: question === '?',
    parameters,
    common: star === '*',
  };
}

function count(parameters: string[], minimum: number, maximum = minimum): void {
  if (parameters.length < minimum) throw new ScpiFault(-109);
  if (parameters.length > maximum) throw new ScpiFault(-108);
}

/** A parameter that is one of some words and changes nothing here. */
function oneOf(...words: string[]): (text: string) => void {
  const headers = words.map(compileHeader);
  return (text) => {
    if (!headers.some((header) => headerMatches(header, [text], false))) {
      throw new ScpiFault(-224);
    }
  };
}

/** NR2 with six decimals, in microvolts and microamperes what the finest supplies resolve. */
export function formatNumber(value: number): string {
  return value.toFixed(6);
}
