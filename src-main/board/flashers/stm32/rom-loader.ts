import { ByteReader } from '../../../common/byte-reader.js';
import { RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import {
  ACK,
  addressFrame,
  BLOCK_BYTES,
  COMMANDS,
  NACK,
  SYNCHRONISE,
  withChecksum,
  xorOf,
  type CommandName,
} from './protocol.js';

/** Longest waits for an acknowledgement, seconds: AN3155 gives none; ST AN2606's slowest chips answer well within these. */
const TIMEOUTS = { knock: 0.2, answer: 0.5, write: 1, erase: 5 } as const;
/** A silence of the line after which what was sent before cannot still be arriving. */
const QUIET_SECONDS = 0.05;
const KNOCKS = 3;
/** The longest frame (256 bytes of data with length and checksum), and a command before it. */
const FILL_BYTES = BLOCK_BYTES + 4;
/** More stray bytes than this before an answer and the line is taken for broken. */
const STRAY_BYTES = 16;

/** A boot loader that did not answer, or said no; the operation may be tried again after `resynchronise`. */
export class Stm32LoaderError extends RunError {
  constructor(
    port: Port,
    readonly kind: 'silent' | 'refused',
    message: string,
    remedy: string,
  ) {
    super({ code: `stm32-${kind}`, place: port.name, message, remedy });
  }
}

/** The commands of the boot loader in an STM32's system memory, one method each (ST AN3155). Methods do not overlap. */
export class Stm32Loader {
  private readonly reader: ByteReader;

  constructor(private readonly port: Port) {
    this.reader = new ByteReader(port);
  }

  /**
   * Lets the loader find the baud rate, or finds that it has done so before: it does that once after each reset, and then
   * takes the same byte for half of a command, which it refuses when the other half has come.
   *
   * @throws Stm32LoaderError when nothing on the line answers as a loader does
   */
  async synchronise(): Promise<void> {
    await this.reader.discard();
    if (!(await this.knock())) {
      // It may wait for the rest of a frame of somebody whose cable was pulled.
      await this.fill();
      if (!(await this.knock())) {
        throw new Stm32LoaderError(
          this.port,
          'silent',
          'no boot loader answered',
          'Connect BOOT0 to 3.3 V and press reset (or give --lines dtr-rts where the adapter does it), check that RX and TX are crossed, and try again',
        );
      }
    }
    // Some chips acknowledge once more a little later (the loader 13.1 of the STM32L412).
    await this.reader.discard(QUIET_SECONDS);
  }

  /**
   * Brings the loader back to waiting for a command after an exchange that broke off, whatever it still waits for. What it
   * may have taken for data thereby is found by reading back.
   *
   * @throws Stm32LoaderError when it does not answer any more
   */
  async resynchronise(): Promise<void> {
    await this.fill();
    await this.synchronise();
  }

  /** Sends the byte of synchronisation until there is an answer: a second one completes what the first began. */
  private async knock(): Promise<boolean> {
    for (let attempt = 0; attempt < KNOCKS; attempt++) {
      await this.port.write(Uint8Array.of(SYNCHRONISE));
      if ((await this.answer(TIMEOUTS.knock)) !== null) {
        return true;
      }
    }
    return false;
  }

  /** Completes whatever frame the loader is in, with bytes that are no command; only for one that knows its baud rate. */
  private async fill(): Promise<void> {
    await this.port.write(new Uint8Array(FILL_BYTES).fill(0xff));
    await this.reader.discard(QUIET_SECONDS);
  }

  /** The loader's version (0x31 = 3.1) and the codes of the commands that it knows. */
  async get(): Promise<{ version: number; commands: readonly number[] }> {
    await this.command('get');
    const [count] = await this.bytes(1, 'get');
    const [version, ...commands] = await this.bytes(count + 1, 'get');
    await this.acknowledged(TIMEOUTS.answer, 'get');
    return { version, commands };
  }

  /** Product id, by which the chip's family is known. */
  async getId(): Promise<number> {
    await this.command('getId');
    const [count] = await this.bytes(1, 'getId');
    const id = await this.bytes(count + 1, 'getId');
    await this.acknowledged(TIMEOUTS.answer, 'getId');
    return id.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** @param count 1 to 256 bytes */
  async readMemory(address: number, count: number): Promise<Uint8Array> {
    await this.command('readMemory');
    await this.send(addressFrame(address), TIMEOUTS.answer, `readMemory of ${hexAddress(address)}`);
    await this.send(Uint8Array.of(count - 1, ~(count - 1) & 0xff), TIMEOUTS.answer, 'readMemory');
    return this.bytes(count, 'readMemory');
  }

  /** @param data 1 to 256 bytes, a multiple of 4, at an address that is one too. Protected memory is not written, silently. */
  async writeMemory(address: number, data: Uint8Array): Promise<void> {
    await this.command('writeMemory');
    await this.send(addressFrame(address), TIMEOUTS.answer, `writeMemory to ${hexAddress(address)}`);
    await this.send(
      Uint8Array.of(data.length - 1, ...data, xorOf(data) ^ (data.length - 1)),
      TIMEOUTS.write,
      `writeMemory to ${hexAddress(address)}`,
    );
  }

  /** Erases one page. @param extended whether the loader has the newer command (see `get`) */
  async erasePage(page: number, extended: boolean): Promise<void> {
    if (extended) {
      await this.command('extendedErase');
      await this.send(withChecksum([0, 0, page >>> 8, page & 0xff]), TIMEOUTS.erase, `erase of page ${page}`);
    } else {
      await this.command('erase');
      await this.send(withChecksum([0, page]), TIMEOUTS.erase, `erase of page ${page}`);
    }
  }

  /** Leaves the loader and starts the program whose vector table is at `address`. */
  async go(address: number): Promise<void> {
    await this.command('go');
    await this.send(addressFrame(address), TIMEOUTS.answer, `go to ${hexAddress(address)}`);
  }

  private async command(name: CommandName): Promise<void> {
    const code = COMMANDS[name];
    await this.reader.discard();
    await this.send(Uint8Array.of(code, ~code & 0xff), TIMEOUTS.answer, name);
  }

  private async send(frame: Uint8Array, timeoutSeconds: number, what: string): Promise<void> {
    await this.port.write(frame);
    await this.acknowledged(timeoutSeconds, what);
  }

  private async acknowledged(timeoutSeconds: number, what: string): Promise<void> {
    const answer = await this.answer(timeoutSeconds);
    if (answer === NACK) {
      throw new Stm32LoaderError(
        this.port,
        'refused',
        `the boot loader refused ${what}`,
        'If it does so again, the chip is read- or write-protected, or smaller than the program; remove the protection with a debug probe (that erases the chip)',
      );
    }
    if (answer === null) {
      throw this.silent(what, timeoutSeconds);
    }
  }

  /** The next ACK or NACK; other bytes before it are noise on the line. Null when there is none in time. */
  private async answer(timeoutSeconds: number): Promise<number | null> {
    for (let stray = 0; stray < STRAY_BYTES; stray++) {
      const [byte] = await this.reader.take(1, timeoutSeconds);
      if (byte === undefined) {
        return null;
      }
      if (byte === ACK || byte === NACK) {
        return byte;
      }
    }
    return null;
  }

  private async bytes(count: number, what: string): Promise<Uint8Array> {
    const bytes = await this.reader.take(count, TIMEOUTS.answer);
    if (bytes.length < count) {
      throw this.silent(`${what}: ${bytes.length} of ${count} bytes`, TIMEOUTS.answer);
    }
    return bytes;
  }

  private silent(what: string, timeoutSeconds: number): Stm32LoaderError {
    return new Stm32LoaderError(
      this.port,
      'silent',
      `no answer to ${what} within ${timeoutSeconds} s`,
      'Check cable and power of the board; flashing again goes on where it stopped',
    );
  }
}

export function hexAddress(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}
