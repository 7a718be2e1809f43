import { crcFits, frame, high, low } from '../modbus-frame.js';
import { feed, Outbox, type ElectricLoad, type Instrument, type TerminalState } from './instrument.js';

export interface ModbusEmulatorMap {
  id: string;
  baudRate: number;
  /** Registers that exist, with what they hold at power-on. */
  initial: Readonly<Record<number, number>>;
  perVolt: number;
  perAmp: number;
  maximumVolts: number;
  maximumAmps: number;
  setVolts: number;
  setAmps: number;
  measuredVolts: number;
  measuredAmps: number;
  power: number;
  output: number;
  protection: number;
  regulation: number;
  overVolts: number;
  overAmps: number;
  /** Registers that show another one (presets and what is played). */
  mirrors: readonly (readonly [number, number])[];
}

/** DPS5005 by libsigrok's register list. */
export const DPS5005: ModbusEmulatorMap = {
  id: 'rdtech-dps',
  baudRate: 9600,
  initial: {
    ...span(0, 0x0c),
    0x05: 1200,
    0x0b: 5005,
    0x0c: 17,
    0x23: 0,
    ...span(0x50, 0x57),
    0x52: 5200,
    0x53: 5200,
    0x54: 2600,
  },
  perVolt: 100,
  perAmp: 1000,
  maximumVolts: 50,
  maximumAmps: 5.1,
  setVolts: 0,
  setAmps: 1,
  measuredVolts: 2,
  measuredAmps: 3,
  power: 4,
  output: 9,
  protection: 7,
  regulation: 8,
  overVolts: 0x52,
  overAmps: 0x53,
  mirrors: [
    [0x00, 0x50],
    [0x01, 0x51],
  ],
};

/** RD6006 by ShayBox/Riden's register list. */
export const RD6006: ModbusEmulatorMap = {
  id: 'riden-rd60xx',
  baudRate: 115_200,
  initial: {
    ...span(0, 20),
    0: 60_062,
    1: 0,
    2: 12_345,
    3: 141,
    14: 6000,
    ...span(32, 43),
    ...span(48, 53),
    ...span(55, 72),
    ...span(80, 119),
    82: 6200,
    83: 6200,
  },
  perVolt: 100,
  perAmp: 1000,
  maximumVolts: 60,
  maximumAmps: 6,
  setVolts: 8,
  setAmps: 9,
  measuredVolts: 10,
  measuredAmps: 11,
  power: 13,
  output: 18,
  protection: 16,
  regulation: 17,
  overVolts: 82,
  overAmps: 83,
  mirrors: [],
};

function span(first: number, last: number): Record<number, number> {
  return Object.fromEntries(Array.from({ length: last - first + 1 }, (_, index) => [first + index, 0]));
}

const THINKING_SECONDS = 0.004;
/** Registers in one request, as these instruments allow. */
const MAXIMUM_REGISTERS = 60;

/**
 * A supply behind Modbus RTU: frames end with 3.5 characters of silence, one with a wrong CRC or for another slave is passed
 * over in silence, a register that does not exist or a value that is not allowed gives an exception.
 */
export class ModbusEmulator implements Instrument {
  readonly #map: ModbusEmulatorMap;
  readonly #load: ElectricLoad;
  readonly #outbox = new Outbox();
  readonly #registers: Map<number, number>;
  readonly #characterSeconds: number;
  #frame: number[] = [];
  #frameEnd = Infinity;

  constructor(map: ModbusEmulatorMap, load: ElectricLoad = { ohms: 330 }) {
    this.#map = map;
    this.#load = load;
    this.#registers = new Map(Object.entries(map.initial).map(([key, value]) => [Number(key), value]));
    this.#characterSeconds = 10 / map.baudRate;
  }

  get terminals(): TerminalState {
    const { output, setVolts, setAmps, perVolt, perAmp } = this.#map;
    return {
      on: this.#at(output) !== 0,
      volts: this.#at(setVolts) / perVolt,
      amps: this.#at(setAmps) / perAmp,
    };
  }

  get nextSeconds(): number {
    return Math.min(this.#frameEnd, this.#outbox.nextSeconds);
  }

  receive(bytes: Uint8Array, nowSeconds: number): void {
    this.#settle(nowSeconds);
    this.#frame.push(...bytes);
    // USB adapters deliver in lumps, so that these instruments wait longer than 3.5 characters.
    this.#frameEnd = nowSeconds + Math.max(0.003, 3.5 * this.#characterSeconds);
  }

  take(nowSeconds: number): Uint8Array {
    this.#settle(nowSeconds);
    return this.#outbox.take(nowSeconds);
  }

  #settle(nowSeconds: number): void {
    if (nowSeconds < this.#frameEnd) {
      return;
    }
    const request = Uint8Array.from(this.#frame);
    const ended = this.#frameEnd;
    this.#frame = [];
    this.#frameEnd = Infinity;
    if (!crcFits(request) || request[0] !== 1) {
      return;
    }
    const response = this.#answer(request);
    this.#outbox.put(response, ended + THINKING_SECONDS + response.length * this.#characterSeconds);
  }

  #answer(request: Uint8Array): Uint8Array {
    const [, code] = request;
    const register = (request[2] << 8) | request[3];
    const word = (request[4] << 8) | request[5];
    const refuse = (exception: number) => frame(1, code | 0x80, exception);
    if (code === 0x03 && request.length === 8) {
      if (word < 1 || word > MAXIMUM_REGISTERS) return refuse(3);
      const values = Array.from({ length: word }, (_, index) => this.#registers.get(register + index));
      if (values.includes(undefined)) return refuse(2);
      return frame(1, 3, 2 * word, ...(values as number[]).flatMap((value) => [high(value), low(value)]));
    }
    if (code === 0x06 && request.length === 8) {
      return this.#write(register, [word]) ?? request;
    }
    if (code === 0x10 && request.length === 9 + 2 * word && request[6] === 2 * word) {
      const values = Array.from(
        { length: word },
        (_, index) => (request[7 + 2 * index] << 8) | request[8 + 2 * index],
      );
      return this.#write(register, values, code) ?? frame(...request.subarray(0, 6));
    }
    return refuse(1);
  }

  /** @returns an exception, or null when it has been done */
  #write(register: number, values: number[], code = 0x06): Uint8Array | null {
    const { setVolts, setAmps, perVolt, perAmp, maximumVolts, maximumAmps, output } = this.#map;
    for (const [index, value] of values.entries()) {
      const at = register + index;
      if (!this.#registers.has(at)) return frame(1, code | 0x80, 2);
      const tooMuch =
        (at === setVolts && value > maximumVolts * perVolt) ||
        (at === setAmps && value > maximumAmps * perAmp) ||
        (at === output && value > 1);
      if (tooMuch) return frame(1, code | 0x80, 3);
    }
    for (const [index, value] of values.entries()) {
      this.#put(register + index, value);
    }
    this.#refresh();
    return null;
  }

  #put(register: number, value: number): void {
    this.#registers.set(register, value);
    for (const [one, other] of this.#map.mirrors) {
      if (register === one) this.#registers.set(other, value);
      if (register === other) this.#registers.set(one, value);
    }
    if (register === this.#map.output && value === 1) {
      this.#registers.set(this.#map.protection, 0);
    }
  }

  /** Measured values, and protections that trip. */
  #refresh(): void {
    const map = this.#map;
    let reading = feed(this.terminals, this.#load);
    const over =
      reading.volts * map.perVolt > this.#at(map.overVolts)
        ? 1
        : reading.amps * map.perAmp > this.#at(map.overAmps)
          ? 2
          : 0;
    if (over !== 0) {
      this.#registers.set(map.output, 0);
      this.#registers.set(map.protection, over);
      reading = feed(this.terminals, this.#load);
    }
    this.#registers.set(map.measuredVolts, Math.round(reading.volts * map.perVolt));
    this.#registers.set(map.measuredAmps, Math.round(reading.amps * map.perAmp));
    this.#registers.set(map.power, Math.round(reading.volts * reading.amps * 100));
    this.#registers.set(map.regulation, reading.limited ? 1 : 0);
  }

  #at(register: number): number {
    return this.#registers.get(register) ?? 0;
  }
}
