import { InputError, RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import {
  PPK2,
  PPK2_MODE,
  PPK2_SAMPLES_PER_SECOND,
  defaultCalibration,
  type Ppk2Calibration,
} from '../../ppk2-protocol.js';
import type {
  CurrentRecord,
  ProtectionOutcome,
  SupplyIdentity,
  SupplyReading,
  SupplyState,
} from '../../driver.js';
import type { SetPoint } from '../set-point.js';
import type { SupplyWire, WireOptions } from '../wire.js';
import { parseMetadata, type Ppk2Metadata } from './metadata.js';
import { Ppk2Decoder } from './samples.js';

/** Of one reading: a thousand samples. */
const READING_SECONDS = 0.01;
const QUIET_SECONDS = 0.03;
const MAXIMUM_STALE_READS = 400;
const ATTEMPTS = 3;
const SLICE_SECONDS = 0.05;
/** Without a sample for so long the stream has ended. */
const STREAM_SILENCE_SECONDS = 0.5;
/** More than any text of metadata has. */
const MAXIMUM_METADATA_BYTES = 4096;

/**
 * Nordic's PPK2 as a source that measures, or (`ampere-meter`) as a meter in the supply line of somebody else. Commands are
 * not acknowledged: what can be read back (voltage, mode) is, what cannot (power on and off) is sent twice. It has no
 * current limit of its own: a reading above the limit that was set switches off.
 */
export class Ppk2Wire implements SupplyWire {
  readonly identifiesFirst = true;
  readonly #port: Port;
  readonly #mode: number;
  readonly #replySeconds: number;
  #calibration: Ppk2Calibration = defaultCalibration();
  #volts = 0;
  #maximumAmps = Infinity;
  #on = false;
  #closing = false;

  constructor(port: Port, kind: 'source-meter' | 'ampere-meter', options: WireOptions) {
    this.#port = port;
    this.#mode = kind === 'source-meter' ? PPK2_MODE.sourceMeter : PPK2_MODE.ampereMeter;
    this.#replySeconds = options.replySeconds;
  }

  get place(): string {
    return this.#port.name;
  }

  /** Another program may have left it streaming. */
  async prepare(): Promise<void> {
    await this.#send(PPK2.averageStop);
    await this.#quiet();
  }

  async identify(): Promise<SupplyIdentity> {
    const { hardware, calibrated } = await this.#metadata();
    return {
      manufacturer: 'Nordic Semiconductor',
      model: calibrated ? 'PPK2' : 'PPK2 (not calibrated)',
      serial: '',
      firmware: `hardware ${hardware}`,
    };
  }

  async set({ volts, amps }: SetPoint): Promise<void> {
    this.#maximumAmps = amps;
    this.#volts = volts;
    if (this.#mode === PPK2_MODE.ampereMeter) {
      // The voltage is somebody else's; the calibration needs to know it.
      return;
    }
    const millivolts = Math.round(volts * 1000);
    for (let attempt = 1; ; attempt++) {
      await this.#send(PPK2.regulatorSet, millivolts >> 8, millivolts & 0xff);
      const { volts: has } = await this.#metadata();
      if (has !== null && Math.abs(has - volts) < 0.0006) return;
      if (attempt >= ATTEMPTS)
        throw this.#notTaken(`${millivolts} mV`, `its metadata say ${has ?? 'nothing'} V`);
    }
  }

  async output(on: boolean): Promise<void> {
    if (on) {
      for (let attempt = 1; ; attempt++) {
        await this.#send(PPK2.modeSet, this.#mode);
        const { mode } = await this.#metadata();
        if (mode === this.#mode) break;
        if (attempt >= ATTEMPTS)
          throw this.#notTaken(`mode ${this.#mode}`, `its metadata say ${mode ?? 'nothing'}`);
      }
    }
    await this.#send(PPK2.powerSet, on ? 1 : 0);
    await this.#send(PPK2.powerSet, on ? 1 : 0);
    this.#on = on;
  }

  async measure(): Promise<SupplyReading> {
    const { amps } = await this.record(READING_SECONDS);
    const seen = amps.filter((each) => !Number.isNaN(each));
    const mean = seen.reduce((sum, each) => sum + each, 0) / Math.max(1, seen.length);
    return { volts: this.#on ? this.#volts : 0, amps: mean };
  }

  async record(seconds: number): Promise<CurrentRecord> {
    const wanted = Math.max(1, Math.round(seconds * PPK2_SAMPLES_PER_SECOND));
    const decoder = new Ppk2Decoder(this.#calibration, this.#volts);
    const amps = new Float32Array(wanted);
    const logic = new Uint8Array(wanted);
    let count = 0;
    await this.#send(PPK2.averageStart);
    try {
      let silentSince = this.#port.now();
      while (count < wanted) {
        this.#refuseWhenClosing();
        const bytes = await this.#port.read(SLICE_SECONDS);
        if (bytes.length > 0) {
          silentSince = this.#port.now();
        } else if (this.#port.now() - silentSince > STREAM_SILENCE_SECONDS) {
          throw this.#error(
            'supply-timeout',
            `its samples stopped after ${count} of ${wanted}`,
            'Check the USB cable, and that no other program has it open',
          );
        }
        const decoded = decoder.push(bytes);
        for (let index = 0; index < decoded.amps.length && count < wanted; index++, count++) {
          amps[count] = decoded.amps[index];
          logic[count] = decoded.logic[index];
        }
        await this.#guard(decoded.amps);
      }
    } finally {
      if (!this.#closing) {
        await this.#send(PPK2.averageStop);
        await this.#quiet();
      }
    }
    return { samplesPerSecond: PPK2_SAMPLES_PER_SECOND, amps, logic, lostSamples: decoder.lostSamples };
  }

  async state(): Promise<SupplyState> {
    const { volts } = await this.#metadata();
    return { on: null, volts, amps: null, regulation: null, tripped: null };
  }

  protect(): Promise<{ overVolts: ProtectionOutcome; overAmps: ProtectionOutcome }> {
    return Promise.resolve({ overVolts: 'not available', overAmps: 'not available' });
  }

  errors(): Promise<string[]> {
    return Promise.resolve([]);
  }

  loadList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  startList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  stopList(): Promise<void> {
    return Promise.reject(this.#noList());
  }

  beginClosing(): void {
    this.#closing = true;
  }

  /**
   * Zeros first: they end a command that still waits for its bytes, and mean nothing otherwise. Whether the power is off
   * cannot be asked, but whether it still listens can: what is sent after its metadata have come has arrived.
   */
  async sendOff(turn: Promise<unknown>): Promise<void> {
    const off = [PPK2.averageStop, PPK2.powerSet, 0];
    const zeros = Array.from({ length: 6 }, () => PPK2.noOperation);
    await this.#port.write(Uint8Array.from([...zeros, ...off, ...off]));
    await turn;
    await this.#quiet();
    await this.#port.write(Uint8Array.from([...zeros, ...off, PPK2.getMetadata]));
    const deadline = this.#port.now() + this.#replySeconds;
    let text = '';
    while (!text.includes('END')) {
      const left = deadline - this.#port.now();
      if (left <= 0) {
        throw this.#error('supply-timeout', 'it does not answer', 'Check the USB cable');
      }
      text += Buffer.from(await this.#port.read(Math.min(SLICE_SECONDS, left))).toString('latin1');
    }
    await this.#port.write(Uint8Array.from([...zeros, ...off, ...off]));
    this.#on = false;
  }

  isOff(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** A thousandth of a second above the limit is a short circuit, not a spike. */
  async #guard(amps: readonly number[]): Promise<void> {
    const span = PPK2_SAMPLES_PER_SECOND / 1000;
    let sum = 0;
    for (let index = 0; index < amps.length; index++) {
      sum += Number.isNaN(amps[index]) ? 0 : amps[index];
      if (index >= span) sum -= Number.isNaN(amps[index - span]) ? 0 : amps[index - span];
      if (index >= span - 1 && sum / span > this.#maximumAmps) {
        await this.output(false);
        throw this.#error(
          'supply-over-current',
          `${(sum / span).toPrecision(3)} A passed the limit of ${this.#maximumAmps} A, and the output was switched off`,
          'Look for a short circuit, or allow more current',
        );
      }
    }
  }

  async #metadata(): Promise<Ppk2Metadata> {
    let text = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await this.#quiet();
      await this.#send(PPK2.getMetadata);
      text = '';
      const deadline = this.#port.now() + this.#replySeconds;
      while (!text.includes('END') && text.length < MAXIMUM_METADATA_BYTES && this.#port.now() < deadline) {
        this.#refuseWhenClosing();
        const bytes = await this.#port.read(Math.min(SLICE_SECONDS, deadline - this.#port.now()));
        text += Buffer.from(bytes).toString('latin1');
      }
      const metadata = parseMetadata(text);
      if (metadata !== null) {
        this.#calibration = metadata.calibration;
        return metadata;
      }
    }
    throw text === ''
      ? this.#error(
          'supply-timeout',
          `no metadata within ${this.#replySeconds} s`,
          'Check the USB cable, and that the port is the PPK2',
        )
      : this.#error(
          'supply-reply',
          `its metadata are not whole: ${JSON.stringify(text.slice(0, 60))}`,
          'Check that the port is the PPK2; unplug it and plug it in again',
        );
  }

  async #send(...bytes: number[]): Promise<void> {
    this.#refuseWhenClosing();
    await this.#port.write(Uint8Array.from(bytes));
  }

  async #quiet(): Promise<void> {
    for (let reads = 0; reads < MAXIMUM_STALE_READS; reads++) {
      if ((await this.#port.read(QUIET_SECONDS)).length === 0) return;
    }
    throw this.#error(
      'supply-reply',
      'it keeps sending without being asked',
      'Unplug it and plug it in again, and check that no other program uses it',
    );
  }

  #refuseWhenClosing(): void {
    if (this.#closing) {
      throw this.#error(
        'supply-shut-down',
        'nothing more is sent, since the supply has been shut down',
        'Open it again before using it',
      );
    }
  }

  #notTaken(what: string, instead: string): RunError {
    return this.#error(
      'supply-not-taken',
      `the PPK2 did not take ${what}: ${instead}`,
      'Unplug it and plug it in again, and check that no other program uses it',
    );
  }

  #noList(): InputError {
    return new InputError({
      code: 'supply-no-list',
      place: this.place,
      message: 'the PPK2 has no list mode',
      remedy: 'Step it from the host with set',
    });
  }

  #error(code: string, message: string, remedy: string): RunError {
    return new RunError({ code, place: this.place, message, remedy });
  }
}
