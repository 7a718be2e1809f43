import {
  PPK2,
  PPK2_COUNTER,
  PPK2_MAXIMUM_VOLTS,
  PPK2_MINIMUM_VOLTS,
  PPK2_RANGES,
  PPK2_SAMPLES_PER_SECOND,
  type Ppk2Calibration,
} from '../ppk2-protocol.js';
import { Outbox, type ElectricLoad, type Instrument, type TerminalState } from './instrument.js';

/** Bytes that follow a command; all others have none. */
const ARGUMENTS: Readonly<Record<number, number>> = {
  [PPK2.powerSet]: 1,
  [PPK2.regulatorSet]: 2,
  [PPK2.modeSet]: 1,
  0x01: 3,
  0x25: 5,
};
/** USB delivers metadata in packets, samples in larger lumps. */
const PACKET_BYTES = 64;
const PACKET_SECONDS = 0.001;
/** Highest current of each range but the last. */
const RANGE_TOPS = [50e-6, 500e-6, 5e-3, 60e-3];
const CONVERTER_TOP = 0x3fff;

/** Of a kit whose metadata stand in a support question of its maker (DevZone 92921). */
export const PPK2_SAMPLE_CALIBRATION: Ppk2Calibration = {
  r: [1008.1857, 102.3791, 10.4143, 0.9783, 0.0574],
  gs: [0, 138.3582, 21.5994, 3.013, 0.0876],
  gi: [1, 0.9614, 0.9534, 0.9415, 0.9521],
  o: [0, 0, 0, 0, 0],
  s: [-9e-9, -6.4e-8, -5.12e-7, -4.891e-6, 2.447326e-3],
  i: [4.4e-8, 3.64e-7, 6.1116e-5, -2.54856e-4, -7.713722e-3],
  ug: [1, 1, 1, 1, 1],
};

export interface Ppk2Options {
  load?: ElectricLoad;
  calibration?: Ppk2Calibration;
  /** Current that the board takes, by time since power on; in place of the load. */
  amps?: (seconds: number, volts: number) => number;
  logic?: (seconds: number) => number;
}

/** A PPK2: commands without acknowledgement, metadata in chunks, 100,000 words a second while it is averaging. */
export class Ppk2Emulator implements Instrument {
  readonly terminals: TerminalState = { on: false, volts: 3, amps: 1 };
  readonly #calibration: Ppk2Calibration;
  readonly #amps: (seconds: number, volts: number) => number;
  readonly #logic: (seconds: number) => number;
  readonly #outbox = new Outbox();
  #mode = 2;
  #pending: number[] = [];
  #poweredAt = 0;
  #streaming: { since: number; sent: number } | null = null;

  constructor(options: Ppk2Options = {}) {
    const { ohms } = options.load ?? { ohms: 330 };
    this.#calibration = options.calibration ?? PPK2_SAMPLE_CALIBRATION;
    this.#amps = options.amps ?? ((_, volts) => volts / ohms);
    this.#logic = options.logic ?? (() => 0);
  }

  get nextSeconds(): number {
    const stream =
      this.#streaming === null
        ? Infinity
        : this.#streaming.since +
          (this.#streaming.sent + PACKET_SECONDS * PPK2_SAMPLES_PER_SECOND) / PPK2_SAMPLES_PER_SECOND;
    return Math.min(this.#outbox.nextSeconds, stream);
  }

  receive(bytes: Uint8Array, nowSeconds: number): void {
    this.#stream(nowSeconds);
    for (const byte of bytes) {
      this.#pending.push(byte);
      const [command] = this.#pending;
      if (this.#pending.length > (ARGUMENTS[command] ?? 0)) {
        this.#carryOut(command, this.#pending.slice(1), nowSeconds);
        this.#pending = [];
      }
    }
  }

  take(nowSeconds: number): Uint8Array {
    this.#stream(nowSeconds);
    return this.#outbox.take(nowSeconds);
  }

  #carryOut(command: number, values: number[], nowSeconds: number): void {
    switch (command) {
      case PPK2.powerSet:
        if (values[0] === 1 && !this.terminals.on) this.#poweredAt = nowSeconds;
        this.terminals.on = values[0] === 1;
        break;
      case PPK2.regulatorSet: {
        const volts = ((values[0] << 8) | values[1]) / 1000;
        if (volts >= PPK2_MINIMUM_VOLTS && volts <= PPK2_MAXIMUM_VOLTS) this.terminals.volts = volts;
        break;
      }
      case PPK2.modeSet:
        if (values[0] === 1 || values[0] === 2) this.#mode = values[0];
        break;
      case PPK2.averageStart:
        this.#streaming = { since: nowSeconds, sent: 0 };
        break;
      case PPK2.averageStop:
        this.#streaming = null;
        break;
      case PPK2.getMetadata:
        this.#sendMetadata(nowSeconds);
        break;
      default:
        break;
    }
  }

  #sendMetadata(nowSeconds: number): void {
    const { r, gs, gi, o, s, i, ug } = this.#calibration;
    const columns: [string, number[]][] = [
      ['R', r],
      ['GS', gs],
      ['GI', gi],
      ['O', o],
    ];
    const lines = (some: [string, number[]][]) =>
      some.flatMap(([name, values]) => values.map((value, range) => `${name}${range}: ${value.toFixed(9)}`));
    const text = [
      'Calibrated: 1',
      ...lines(columns),
      `VDD: ${Math.round(this.terminals.volts * 1000)}`,
      'HW: 9173',
      `mode: ${this.#mode}`,
      ...lines([
        ['S', s],
        ['I', i],
        ['UG', ug],
      ]),
      'IA: 58',
      'END',
      '',
    ].join('\n');
    for (let at = 0, packet = 1; at < text.length; at += PACKET_BYTES, packet++) {
      this.#outbox.put(text.slice(at, at + PACKET_BYTES), nowSeconds + packet * PACKET_SECONDS);
    }
  }

  /** Everything that has been sampled until now. */
  #stream(nowSeconds: number): void {
    const streaming = this.#streaming;
    if (streaming === null) {
      return;
    }
    const until = Math.floor((nowSeconds - streaming.since) * PPK2_SAMPLES_PER_SECOND + 1e-6);
    const words = Buffer.alloc(Math.max(0, until - streaming.sent) * 4);
    for (let at = 0; streaming.sent < until; streaming.sent++, at += 4) {
      const seconds = streaming.since + streaming.sent / PPK2_SAMPLES_PER_SECOND - this.#poweredAt;
      const amps = this.terminals.on ? this.#amps(seconds, this.terminals.volts) : 0;
      words.writeUInt32LE(this.#word(amps, streaming.sent % PPK2_COUNTER, this.#logic(seconds)), at);
    }
    if (words.length > 0) this.#outbox.put(words, nowSeconds);
  }

  /** The calibration backwards: the smaller root of its parabola is the physical one. */
  #word(amps: number, counter: number, logic: number): number {
    const top = RANGE_TOPS.findIndex((each) => amps < each);
    const range = top < 0 ? PPK2_RANGES - 1 : top;
    const { r, gs, gi, o, s, i, ug } = this.#calibration;
    const rest = s[range] * this.terminals.volts + i[range] - amps / ug[range];
    const raw =
      gs[range] === 0
        ? -rest / gi[range]
        : (-gi[range] + Math.sqrt(Math.max(0, gi[range] ** 2 - 4 * gs[range] * rest))) / (2 * gs[range]);
    const adc = (raw * r[range] * 163_840) / 1.8 + o[range];
    const bits = Math.max(0, Math.min(CONVERTER_TOP, Math.round(adc / 4)));
    return (bits | (range << 14) | (counter << 18) | ((logic & 0xff) << 24)) >>> 0;
  }
}
