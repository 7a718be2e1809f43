import { ByteReader } from '../../../common/byte-reader.js';
import { RunError } from '../../../common/errors.js';
import type { Port } from '../../../common/port.js';
import {
  ACKNOWLEDGED,
  addressBytes,
  COMMANDS,
  CORE_BYTES,
  crc16,
  frameOf,
  HEADER,
  MESSAGES,
  RESPONSE_DATA,
  RESPONSE_MESSAGE,
  TRANSFER_ERRORS,
} from './frames.js';

/** FRAM is written as fast as it arrives; the slowest answer is the CRC of a whole memory. */
const ANSWER_SECONDS = 1;
const QUIET_SECONDS = 0.05;
const ATTEMPTS = 5;
const MESSAGE_DONE = 0;
const MESSAGE_WRONG_PASSWORD = 5;

/** Core of the loader's answer, or what went wrong on the line. */
type Answer = { core: Uint8Array } | { lineFault: string };

/** The commands of an MSP430 FRAM boot loader, one method each (TI SLAU550). Methods do not overlap. */
export class Msp430Bsl {
  private readonly reader: ByteReader;

  constructor(private readonly port: Port) {
    this.reader = new ByteReader(port);
  }

  /**
   * Unlocks reading and writing. **A wrong password makes the chip erase its main memory.**
   *
   * @param password the 32 bytes at 0xffe0, which on an erased chip are all 0xff
   * @returns false when it was wrong
   */
  async unlock(password: Uint8Array): Promise<boolean> {
    const message = await this.message([COMMANDS.password, ...password], 'password');
    if (message !== MESSAGE_DONE && message !== MESSAGE_WRONG_PASSWORD) {
      throw this.refused('password', message);
    }
    return message === MESSAGE_DONE;
  }

  /** Vendor, command interpreter, API and interface version, one byte each. */
  async version(): Promise<Uint8Array> {
    return this.data([COMMANDS.transmitVersion], 4, 'version');
  }

  async read(address: number, count: number): Promise<Uint8Array> {
    return this.data(
      [COMMANDS.transmitData, ...addressBytes(address), count & 0xff, count >>> 8],
      count,
      `read of ${hex(address)}`,
    );
  }

  /** @param data at most 240 bytes */
  async write(address: number, data: Uint8Array): Promise<void> {
    const what = `write to ${hex(address)}`;
    const message = await this.message([COMMANDS.receiveData, ...addressBytes(address), ...data], what);
    if (message !== MESSAGE_DONE) {
      throw this.refused(what, message);
    }
  }

  /** CRC-16 of what is in memory. */
  async crc(address: number, count: number): Promise<number> {
    const [low, high] = await this.data(
      [COMMANDS.crcCheck, ...addressBytes(address), count & 0xff, count >>> 8],
      2,
      `checksum of ${hex(address)}`,
    );
    return low + 256 * high;
  }

  /** Leaves the loader and jumps to `address`; there is no answer beyond the frame's acknowledgement. */
  async start(address: number): Promise<void> {
    await this.reader.discard();
    await this.port.write(frameOf(Uint8Array.of(COMMANDS.loadPc, ...addressBytes(address))));
    await this.reader.take(1, ANSWER_SECONDS);
  }

  /** Tells the loader to go on at 115,200 baud; the caller changes the port's rate after it. */
  async changeTo115200(): Promise<void> {
    await this.reader.discard();
    await this.port.write(frameOf(Uint8Array.of(COMMANDS.changeBaudRate, 0x06)));
    const [acknowledgement] = await this.reader.take(1, ANSWER_SECONDS);
    if (acknowledgement !== ACKNOWLEDGED) {
      throw this.refused('change of the baud rate', acknowledgement);
    }
  }

  /** Waits for the loader to be ready for a frame: it answers any byte that begins none. */
  async probe(): Promise<boolean> {
    await this.reader.discard(QUIET_SECONDS);
    await this.port.write(Uint8Array.of(0));
    const [answer] = await this.reader.take(1, QUIET_SECONDS);
    return answer in TRANSFER_ERRORS;
  }

  private async data(command: number[], count: number, what: string): Promise<Uint8Array> {
    const core = await this.exchange(Uint8Array.from(command), what);
    if (core[0] === RESPONSE_MESSAGE) {
      throw this.refused(what, core[1]);
    }
    if (core[0] !== RESPONSE_DATA || core.length !== count + 1) {
      throw this.silent(what, `an answer of ${core.length - 1} bytes where ${count} were asked for`);
    }
    return core.subarray(1);
  }

  private async message(command: number[], what: string): Promise<number> {
    const core = await this.exchange(Uint8Array.from(command), what);
    if (core[0] !== RESPONSE_MESSAGE || core.length !== 2) {
      throw this.silent(what, 'an answer of another kind');
    }
    return core[1];
  }

  /** Every command here may be repeated: writing the same twice, or asking twice, changes nothing. */
  private async exchange(core: Uint8Array, what: string): Promise<Uint8Array> {
    let fault = '';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) {
        await this.resynchronise();
      }
      await this.reader.discard();
      await this.port.write(frameOf(core));
      const answer = await this.answer();
      if ('core' in answer) {
        return answer.core;
      }
      fault = answer.lineFault;
    }
    throw this.silent(what, fault);
  }

  private async answer(): Promise<Answer> {
    const [acknowledgement] = await this.reader.take(1, ANSWER_SECONDS);
    if (acknowledgement === undefined) {
      return { lineFault: 'no answer' };
    }
    if (acknowledgement !== ACKNOWLEDGED) {
      return { lineFault: TRANSFER_ERRORS[acknowledgement] ?? `answer 0x${acknowledgement.toString(16)}` };
    }
    const head = await this.reader.take(3, ANSWER_SECONDS);
    const length = head[1] + 256 * head[2];
    if (head.length < 3 || head[0] !== HEADER || length === 0 || length > CORE_BYTES) {
      return { lineFault: 'a broken answer' };
    }
    const rest = await this.reader.take(length + 2, ANSWER_SECONDS);
    const core = rest.subarray(0, length);
    const right = rest.length === length + 2 && crc16(core) === rest[length] + 256 * rest[length + 1];
    return right ? { core } : { lineFault: 'an answer with a wrong checksum' };
  }

  /** Completes whatever frame the loader may be in, so that it looks for a header again. */
  private async resynchronise(): Promise<void> {
    if (!(await this.probe())) {
      await this.port.write(new Uint8Array(CORE_BYTES + 8));
      await this.probe();
    }
    await this.reader.discard(QUIET_SECONDS);
  }

  private refused(what: string, message: number): RunError {
    const meaning = MESSAGES[message] ?? `code ${message}`;
    return new RunError({
      code: 'msp430-refused',
      place: this.port.name,
      message: `the boot loader refused the ${what}: ${meaning}`,
      remedy:
        meaning === 'locked'
          ? 'Enter the boot loader again and flash with the right --password'
          : 'Check that the memory protection of the program on the chip leaves its memory writable, then try again',
    });
  }

  private silent(what: string, fault: string): RunError {
    return new RunError({
      code: 'msp430-silent',
      place: this.port.name,
      message: `the ${what} failed ${ATTEMPTS} times: ${fault}`,
      remedy:
        'Bring the chip into its boot loader (TEST and RST, or --lines dtr-rts), check cable and power; flashing again goes on where it stopped',
    });
  }
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(5, '0')}`;
}
