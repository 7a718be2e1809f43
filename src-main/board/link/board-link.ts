import { RunError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import { encodeFrame, FrameDecoder, type Frame } from './frames.js';
import {
  CommandType,
  decodeMessage,
  encodeCommand,
  PROTOCOL_VERSION,
  type BoardEvent,
  type Command,
  type Identity,
  type Reply,
  type SelfTestResult,
} from './messages.js';
import { commandName, refusalError, STATUS_OK } from './status.js';

/** Before a command is sent again; a round trip through a USB serial adapter takes some milliseconds. */
const REPLY_SECONDS = 0.25;
/** Sector erase of a W25Q16JV: 400 ms at most, 45 ms typically (datasheet table 9.6). */
const ERASE_SECONDS_PER_SECTOR = 0.5;
const SECTOR_BYTES = 4096;
/** The board reads this much flash per second for a checksum, with room to spare. */
const CHECKSUM_BYTES_PER_SECOND = 500_000;
const ATTEMPTS = 5;
/** For commands that a running board answers only between two tasks, which may be seconds long (strategy `restart`). */
const PATIENT_ATTEMPTS = 20;

/**
 * The host's side of the serial link. Commands are repeated when their frame or its reply is lost; every command is safe
 * to repeat. Frames that the board sends of its own accord are kept, whenever they come, for `nextEvent`.
 *
 * All methods reject with a RunError: no answer, a refusal of the board in words, or the port's own error.
 */
export class BoardLink {
  private readonly decoder = new FrameDecoder();
  private readonly events: BoardEvent[] = [];
  private replies: { frame: Frame; message: Reply }[] = [];
  private sequence = 0;

  constructor(private readonly port: Port) {}

  /** Frames that arrived damaged: noise on the line, or a power failure in the middle of one. */
  get brokenFrames(): number {
    return this.decoder.brokenFrames;
  }

  /** Who is there. Also the way to find out whether a board is alive. */
  async identify(attempts = PATIENT_ATTEMPTS): Promise<Identity> {
    const reply = await this.exchange({ kind: 'identify' }, REPLY_SECONDS, attempts);
    if (reply.kind !== 'identity') {
      throw this.unexpected(reply);
    }
    if (reply.identity.protocolVersion !== PROTOCOL_VERSION) {
      throw new RunError({
        code: 'board-protocol-version',
        place: this.port.name,
        message: `the board speaks protocol version ${reply.identity.protocolVersion}, this bench ${PROTOCOL_VERSION}`,
        remedy: 'Load the firmware of this bench (firmware/prebuilt) onto the board.',
      });
    }
    return reply.identity;
  }

  /** Ends the run in progress at its next task boundary; does nothing when there is none. */
  async stop(): Promise<void> {
    await this.order({ kind: 'stop' }, REPLY_SECONDS, PATIENT_ATTEMPTS);
  }

  /** @param offset flash offset, like `bytes` a multiple of 4096 */
  async erase(offset: number, bytes: number): Promise<void> {
    await this.order(
      { kind: 'erase', offset, bytes },
      REPLY_SECONDS + (bytes / SECTOR_BYTES) * ERASE_SECONDS_PER_SECTOR,
    );
  }

  /** @param data 1 to 1024 bytes for `offset`, a multiple of 256; the flash there is erased */
  async program(offset: number, data: Uint8Array): Promise<void> {
    await this.order({ kind: 'program', offset, data }, REPLY_SECONDS);
  }

  /** @returns CRC-32 of a flash range */
  async checksum(offset: number, bytes: number): Promise<number> {
    const reply = await this.exchange(
      { kind: 'checksum', offset, bytes },
      REPLY_SECONDS + bytes / CHECKSUM_BYTES_PER_SECOND,
    );
    if (reply.kind !== 'checksumIs') {
      throw this.unexpected(reply);
    }
    return reply.crc;
  }

  /** Has the board check every byte of image and data set. */
  async checkImage(): Promise<void> {
    await this.order({ kind: 'checkImage' }, 4 * REPLY_SECONDS);
  }

  /** Starts a run. Samples are taken in order, starting again at the first after the last. */
  async run(runId: number, firstSample: number, inferences: number): Promise<void> {
    await this.order({ kind: 'run', runId, firstSample, inferences }, 4 * REPLY_SECONDS);
  }

  /** Tells the board that a result has arrived. There is no reply: the board repeats what it thinks is missing. */
  async acknowledge(runId: number, inference: number): Promise<void> {
    await this.send({ kind: 'acknowledge', runId, inference });
  }

  /**
   * The next frame that the board sends of its own accord, in the order of arrival; null when `timeoutSeconds` of the
   * port's clock pass without one. The same result may come more than once, until it is acknowledged.
   */
  async nextEvent(timeoutSeconds: number): Promise<BoardEvent | null> {
    const deadline = this.port.now() + timeoutSeconds;
    while (this.events.length === 0) {
      const left = deadline - this.port.now();
      if (left <= 0) {
        return null;
      }
      await this.listen(left);
    }
    return this.events.shift() ?? null;
  }

  /** Has the board examine itself; what it finds is judged in board/self-test.ts. */
  async selfTest(): Promise<SelfTestResult> {
    const reply = await this.exchange({ kind: 'selfTest' }, REPLY_SECONDS, PATIENT_ATTEMPTS);
    if (reply.kind !== 'selfTestIs') {
      throw this.unexpected(reply);
    }
    return reply.result;
  }

  /** Sends a block there and back, once. @returns what came back; null when nothing whole did */
  async echo(data: Uint8Array): Promise<Uint8Array | null> {
    const sequence = await this.send({ kind: 'echo', data });
    const reply = await this.waitForReply(sequence, CommandType.echo, REPLY_SECONDS);
    return reply?.kind === 'echoIs' ? reply.data : null;
  }

  private async order(command: Command, timeoutSeconds: number, attempts = ATTEMPTS): Promise<void> {
    const reply = await this.exchange(command, timeoutSeconds, attempts);
    if (reply.kind !== 'status') {
      throw this.unexpected(reply);
    }
  }

  private async exchange(command: Command, timeoutSeconds: number, attempts = ATTEMPTS): Promise<Reply> {
    const { type } = encodeCommand(command);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const sequence = await this.send(command);
      const reply = await this.waitForReply(sequence, type, timeoutSeconds);
      if (reply?.kind === 'status' && reply.code !== STATUS_OK) {
        throw refusalError(this.port.name, reply.command, reply.code, reply.detail);
      }
      if (reply) {
        return reply;
      }
    }
    throw new RunError({
      code: 'board-silent',
      place: this.port.name,
      message: `no answer to ${commandName(type)} after ${attempts} attempts of ${timeoutSeconds.toFixed(1)} s (${this.brokenFrames} broken frames heard)`,
      remedy:
        'Check that the board has power, that TX and RX are crossed, that this is its port, and that it runs the firmware of this bench.',
    });
  }

  /** Sends a command under a new sequence number; stale replies are forgotten. */
  private async send(command: Command): Promise<number> {
    this.sequence = (this.sequence + 1) & 0xff;
    const frame = encodeFrame({ ...encodeCommand(command), sequence: this.sequence });
    // A zero byte first ends whatever the board may have half received before.
    const bytes = new Uint8Array(frame.length + 1);
    bytes.set(frame, 1);
    this.replies = [];
    await this.port.write(bytes);
    return this.sequence;
  }

  private async waitForReply(sequence: number, type: number, timeoutSeconds: number): Promise<Reply | null> {
    const deadline = this.port.now() + timeoutSeconds;
    for (;;) {
      const match = this.replies.find(
        ({ frame, message }) =>
          frame.sequence === sequence && (message.kind !== 'status' || message.command === type),
      );
      if (match) {
        return match.message;
      }
      const left = deadline - this.port.now();
      if (left <= 0) {
        return null;
      }
      await this.listen(left);
    }
  }

  private async listen(timeoutSeconds: number): Promise<void> {
    for (const frame of this.decoder.take(await this.port.read(timeoutSeconds))) {
      const message = decodeMessage(frame);
      if (message === null) {
        continue;
      }
      switch (message.kind) {
        case 'boot':
        case 'result':
        case 'finished':
          this.events.push(message);
          break;
        default:
          this.replies.push({ frame, message });
      }
    }
  }

  private unexpected(reply: Reply): RunError {
    return new RunError({
      code: 'board-reply',
      place: this.port.name,
      message: `the board answered with a ${reply.kind} frame that does not belong to the command`,
      remedy: 'Load the firmware of this bench (firmware/prebuilt) onto the board.',
    });
  }
}
