import { PPK2_COUNTER, PPK2_RANGES, ppk2Amps, type Ppk2Calibration } from '../../ppk2-protocol.js';

const BYTES = 4;
/** Words in a row whose counters must follow each other before a new alignment is believed. */
const WORDS_TO_ALIGN = 5;
/** After a change of range the converter needs some samples to settle; they are replaced by a running average. */
const SETTLING_SAMPLES = 3;
const AVERAGE_WEIGHT = 0.18;
const AVERAGE_WEIGHT_HIGHEST = 0.06;
const HIGHEST_RANGE = PPK2_RANGES - 1;

export interface DecodedSamples {
  amps: number[];
  logic: number[];
}

/**
 * Turns the stream of 4-byte words into calibrated currents: bits 0-13 converter, 14-16 range, 18-23 counter, 24-31 digital
 * inputs. Missing samples are found by the counter and filled with NaN; a byte that was lost shifts all words after it,
 * which shows in counters that do not follow each other, and the stream is aligned anew.
 */
export class Ppk2Decoder {
  readonly #calibration: Ppk2Calibration;
  readonly #volts: number;
  #rest: Buffer = Buffer.alloc(0);
  #expected: number | null = null;
  #average: number | null = null;
  #averageHighest: number | null = null;
  #range: number | null = null;
  #settling = 0;
  #inRange = 0;
  #logic = 0;
  lostSamples = 0;
  /** Times that the stream had to be aligned anew. */
  realigned = 0;

  constructor(calibration: Ppk2Calibration, volts: number) {
    this.#calibration = calibration;
    this.#volts = volts;
  }

  push(bytes: Uint8Array): DecodedSamples {
    const stream = Buffer.concat([this.#rest, bytes]);
    const amps: number[] = [];
    const logic: number[] = [];
    let at = 0;
    while (at + BYTES <= stream.length) {
      const word = stream.readUInt32LE(at);
      const counter = counterOf(word);
      if (this.#expected !== null && counter !== this.#expected) {
        // A gap in the samples, or a gap within a word? What follows tells; without it wait.
        if (at + BYTES * WORDS_TO_ALIGN + BYTES > stream.length) break;
        const shift = alignment(stream, at);
        if (shift === null) {
          at++;
          continue;
        }
        if (shift > 0) {
          this.realigned++;
          at += shift;
          continue;
        }
        const missing = (counter - this.#expected + PPK2_COUNTER) % PPK2_COUNTER;
        this.lostSamples += missing;
        for (let each = 0; each < missing; each++) {
          amps.push(NaN);
          logic.push(this.#logic);
        }
      }
      this.#expected = (counter + 1) % PPK2_COUNTER;
      this.#logic = word >>> 24;
      // Three bits could say 5 to 7, which no kit has.
      const range = Math.min((word >>> 14) & 0x7, HIGHEST_RANGE);
      amps.push(this.#settle(ppk2Amps(this.#calibration, range, (word & 0x3fff) * 4, this.#volts), range));
      logic.push(this.#logic);
      at += BYTES;
    }
    this.#rest = Buffer.from(stream.subarray(at));
    return { amps, logic };
  }

  /** Spike filter as Nordic's application has it. */
  #settle(amps: number, range: number): number {
    const before = this.#average;
    const beforeHighest = this.#averageHighest;
    this.#average = before === null ? amps : AVERAGE_WEIGHT * amps + (1 - AVERAGE_WEIGHT) * before;
    this.#averageHighest =
      beforeHighest === null
        ? amps
        : AVERAGE_WEIGHT_HIGHEST * amps + (1 - AVERAGE_WEIGHT_HIGHEST) * beforeHighest;
    const changed = this.#range !== null && this.#range !== range;
    this.#range = range;
    if (changed) {
      this.#settling = SETTLING_SAMPLES;
      this.#inRange = 0;
    } else {
      this.#inRange++;
    }
    if (this.#settling === 0) {
      return amps;
    }
    this.#settling--;
    if (range < HIGHEST_RANGE) {
      return this.#average;
    }
    if (this.#inRange < 2 && before !== null) {
      this.#average = before;
      this.#averageHighest = beforeHighest;
    }
    return this.#averageHighest ?? amps;
  }
}

function counterOf(word: number): number {
  return (word >>> 18) & 0x3f;
}

/** By how many bytes to go on so that counters follow each other; null when by none of 0 to 3. */
function alignment(stream: Buffer, at: number): number | null {
  for (let shift = 0; shift < BYTES; shift++) {
    let follows = true;
    for (let word = 1; follows && word < WORDS_TO_ALIGN; word++) {
      const here = at + shift + word * BYTES;
      if (here + BYTES > stream.length) break;
      const expected = (counterOf(stream.readUInt32LE(here - BYTES)) + 1) % PPK2_COUNTER;
      follows = counterOf(stream.readUInt32LE(here)) === expected;
    }
    if (follows) return shift;
  }
  return null;
}
