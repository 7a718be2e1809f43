import { SerialPort as NativePort } from 'serialport';
import { RunError } from '../common/errors.js';
import type { ControlledPort, ControlLines } from '../common/port.js';
import { portHolders } from './port-holder.js';

export interface SerialPortInfo {
  /** What to give to `openSerialPort`: `/dev/ttyACM0`, `COM3`. */
  path: string;
  manufacturer: string | null;
  serialNumber: string | null;
  /** USB vendor and product id as four hexadecimal digits; null for a port that is not on USB. */
  vendorId: string | null;
  productId: string | null;
}

/** Every serial port of this machine; USB ones with their identity. */
export async function listSerialPorts(): Promise<SerialPortInfo[]> {
  const ports = await NativePort.list();
  return ports.map((port) => ({
    path: port.path,
    manufacturer: port.manufacturer ?? null,
    serialNumber: port.serialNumber ?? null,
    vendorId: port.vendorId ?? null,
    productId: port.productId ?? null,
  }));
}

export interface SerialLine {
  baudRate: number;
  /** 8 data bits always; none when left out. */
  parity?: 'none' | 'even';
  /** 1 when left out. */
  stopBits?: 1 | 2;
}

/**
 * Opens a serial port: a number is a baud rate with no parity and 1 stop bit.
 *
 * @throws RunError when it does not exist, is in use, or may not be opened
 */
export async function openSerialPort(path: string, line: number | SerialLine): Promise<ControlledPort> {
  const { baudRate, parity = 'none', stopBits = 1 } = typeof line === 'number' ? { baudRate: line } : line;
  const native = new NativePort({ path, baudRate, parity, stopBits, autoOpen: false });
  const error = await new Promise<Error | null>((resolve) => native.open(resolve));
  if (error) {
    throw await openError(path, error);
  }
  return new NodeSerialPort(native);
}

async function openError(path: string, error: Error): Promise<RunError> {
  let remedy = 'Plug the board in and choose one of the ports that `brownout doctor` lists.';
  if (/permission|access denied/i.test(error.message)) {
    remedy = 'Add your user to the group that owns the port (on Debian: dialout) and log in again.';
  } else if (/busy|lock|resource temporarily/i.test(error.message)) {
    const holders = (await portHolders(path)).map(({ pid, name }) =>
      pid === process.pid ? 'this program itself' : `${name} (process ${pid})`,
    );
    remedy =
      holders.length === 0
        ? 'Close the other program that has it open.'
        : `It is open in ${holders.join(' and ')}: close that.`;
  }
  return new RunError({
    code: 'port-open',
    place: path,
    message: `the port cannot be opened (${error.message})`,
    remedy,
    cause: error,
  });
}

/** A line that takes nothing for so long is stopped by the other end, or its adapter hangs. */
const WRITE_SECONDS = 10;

/** A real serial line as a Port on wall time. */
class NodeSerialPort implements ControlledPort {
  readonly name: string;
  private received: Uint8Array[] = [];
  private failure: RunError | null = null;
  /** Wakes the reader that waits, if there is one. */
  private wake: (() => void) | null = null;

  constructor(private readonly native: NativePort) {
    this.name = native.path;
    native.on('data', (bytes: Buffer) => {
      this.received.push(Uint8Array.from(bytes));
      this.wake?.();
    });
    native.on('error', (error: Error) => this.fail(error.message, error));
    native.on('close', () => this.fail('it was closed or unplugged'));
  }

  now(): number {
    return performance.now() / 1000;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.throwIfGone();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(this.gone(`it took nothing for ${WRITE_SECONDS} s`)),
        WRITE_SECONDS * 1000,
      );
      this.native.write(bytes, (error) => {
        clearTimeout(timer);
        if (error) {
          reject(this.gone(error.message, error));
        } else {
          resolve();
        }
      });
    });
  }

  async read(timeoutSeconds: number): Promise<Uint8Array> {
    if (this.received.length === 0) {
      this.throwIfGone();
      await this.arrival(timeoutSeconds);
    }
    const bytes = Buffer.concat(this.received);
    this.received = [];
    if (bytes.length === 0) {
      this.throwIfGone();
    }
    return Uint8Array.from(bytes);
  }

  async close(): Promise<void> {
    if (this.native.isOpen) {
      await new Promise<void>((resolve) => {
        this.native.close(() => resolve());
      });
    }
  }

  async setLines(lines: ControlLines): Promise<void> {
    this.throwIfGone();
    await new Promise<void>((resolve, reject) => {
      this.native.set(lines, (error) => {
        if (error) {
          reject(
            new RunError({
              code: 'port-lines',
              place: this.name,
              message: `its DTR and RTS lines cannot be set (${error.message})`,
              remedy:
                'Enter the boot loader by hand and say that no lines are to be used, or use another adapter.',
              cause: error,
            }),
          );
        } else {
          resolve();
        }
      });
    });
  }

  async setBaudRate(baudRate: number): Promise<void> {
    this.throwIfGone();
    await new Promise<void>((resolve, reject) => {
      this.native.update({ baudRate }, (error) => {
        if (error) {
          reject(this.gone(error.message, error));
        } else {
          resolve();
        }
      });
    });
  }

  private arrival(timeoutSeconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, timeoutSeconds) * 1000);
      this.wake = done;
    });
  }

  private fail(reason: string, cause?: Error): void {
    this.failure ??= this.gone(reason, cause);
    this.wake?.();
  }

  private throwIfGone(): void {
    if (this.failure) {
      throw this.failure;
    }
  }

  private gone(reason: string, cause?: Error): RunError {
    return new RunError({
      code: 'port-gone',
      place: this.name,
      message: `the port is gone (${reason})`,
      remedy: 'Check cable and power of the board, then try again.',
      cause,
    });
  }
}
