import { RunError } from '../../src-main/common/errors.js';
import type { ControlledPort, ControlLines } from '../../src-main/common/port.js';
import type { SerialEmulator } from '../../src-main/common/serve-emulator.js';

export interface EmulatorPortOptions {
  /** Seconds that one byte takes on the line; ten bits at 115,200 baud when left out. */
  byteSeconds?: number;
  /** What the line makes of bytes on their way; null: the port is gone from then on. */
  distort?: (bytes: Uint8Array, way: 'out' | 'in') => Uint8Array | null;
  onLines?: (lines: ControlLines, nowSeconds: number) => void;
}

/** The line to an emulator on simulated time: waiting costs nothing, and every byte takes as long as on a wire. */
export class EmulatorPort implements ControlledPort {
  readonly name = 'emulated-port';
  /** Every byte that was sent, for looking at what a dialogue cost. */
  sentBytes = 0;
  private seconds = 0;
  private readonly arriving: { atSeconds: number; bytes: Uint8Array }[] = [];
  private gone = false;
  private byteSeconds: number;

  constructor(
    private readonly emulator: SerialEmulator,
    private readonly options: EmulatorPortOptions = {},
  ) {
    this.byteSeconds = options.byteSeconds ?? 10 / 115_200;
  }

  now(): number {
    return this.seconds;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.throwIfGone();
    this.sentBytes += bytes.length;
    const sent = this.distorted(bytes, 'out');
    this.seconds += bytes.length * this.byteSeconds;
    const { reply, busySeconds } = this.emulator.receive(sent);
    const answered = this.distorted(reply, 'in');
    if (answered.length > 0) {
      const atSeconds = this.seconds + busySeconds + answered.length * this.byteSeconds;
      this.arriving.push({ atSeconds, bytes: answered });
    }
  }

  async read(timeoutSeconds: number): Promise<Uint8Array> {
    await Promise.resolve();
    this.throwIfGone();
    const deadline = this.seconds + timeoutSeconds;
    const first = this.arriving.at(0);
    if (!first || first.atSeconds > deadline) {
      this.seconds = deadline;
      return new Uint8Array(0);
    }
    this.seconds = Math.max(this.seconds, first.atSeconds);
    this.arriving.shift();
    return first.bytes;
  }

  async setLines(lines: ControlLines): Promise<void> {
    await Promise.resolve();
    this.throwIfGone();
    this.options.onLines?.(lines, this.seconds);
  }

  async setBaudRate(baudRate: number): Promise<void> {
    await Promise.resolve();
    this.throwIfGone();
    this.byteSeconds = 11 / baudRate;
  }

  async close(): Promise<void> {
    await Promise.resolve();
    this.gone = true;
  }

  private distorted(bytes: Uint8Array, way: 'out' | 'in'): Uint8Array {
    const result = this.options.distort ? this.options.distort(bytes, way) : bytes;
    if (result === null) {
      this.gone = true;
      this.throwIfGone();
    }
    return result ?? bytes;
  }

  private throwIfGone(): void {
    if (this.gone) {
      throw new RunError({
        code: 'port-gone',
        place: this.name,
        message: 'the port is gone (it was unplugged)',
        remedy: 'Plug it in again.',
      });
    }
  }
}
