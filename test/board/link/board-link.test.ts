import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoardLink } from '../../../src-main/board/link/board-link.js';
import { encodeFrame, FrameDecoder, type Frame } from '../../../src-main/board/link/frames.js';
import { CommandType, ReplyType } from '../../../src-main/board/link/messages.js';
import { RunError } from '../../../src-main/common/errors.js';
import type { Port } from '../../../src-main/common/port.js';

/** The far end of a dialogue: answers each command frame with bytes of the test's choice. Time passes in silence only. */
class DialoguePort implements Port {
  readonly name = 'scripted';
  readonly commands: Frame[] = [];
  private readonly decoder = new FrameDecoder();
  private readonly pending: Uint8Array[] = [];
  private seconds = 0;

  constructor(private readonly answer: (command: Frame, count: number) => Uint8Array[]) {}

  now(): number {
    return this.seconds;
  }

  write(bytes: Uint8Array): Promise<void> {
    for (const command of this.decoder.take(bytes)) {
      this.commands.push(command);
      this.pending.push(...this.answer(command, this.commands.length));
    }
    return Promise.resolve();
  }

  read(timeoutSeconds: number): Promise<Uint8Array> {
    const next = this.pending.shift();
    this.seconds += next ? 1e-3 : timeoutSeconds;
    return Promise.resolve(next ?? new Uint8Array(0));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function status(command: Frame, code: number, detail = 0): Uint8Array {
  const payload = new Uint8Array(8);
  payload[0] = command.type;
  payload[1] = code;
  new DataView(payload.buffer).setUint32(4, detail, true);
  return encodeFrame({ type: ReplyType.status, sequence: command.sequence, payload });
}

function checksumIs(command: Frame, crc: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, crc, true);
  return encodeFrame({ type: ReplyType.checksumIs, sequence: command.sequence, payload });
}

test('commands are the bytes of the specification', async () => {
  const port = new DialoguePort((command) => [status(command, 0)]);
  const link = new BoardLink(port);
  await link.run(0x01020304, 5, 6);
  await link.erase(0x140000, 0x2000);
  await link.program(0x40100, Uint8Array.of(9, 8, 7));
  await link.acknowledge(1, 2);
  assert.deepEqual(
    port.commands.map(({ type, payload }) => [type, Buffer.from(payload).toString('hex')]),
    [
      [CommandType.run, '040302010500000006000000'],
      [CommandType.erase, '0000140000200000'],
      [CommandType.program, '00010400090807'],
      [CommandType.acknowledge, '0100000002000000'],
    ],
  );
});

test('a lost reply is asked for again under a new sequence number', async () => {
  const port = new DialoguePort((command, count) => (count < 3 ? [] : [checksumIs(command, 77)]));
  assert.equal(await new BoardLink(port).checksum(0, 4096), 77);
  assert.equal(new Set(port.commands.map(({ sequence }) => sequence)).size, 3);
});

test('a reply to an earlier command, damaged bytes and noise are not taken for the answer', async () => {
  const port = new DialoguePort((command) => {
    const stale = checksumIs({ ...command, sequence: (command.sequence + 255) & 0xff }, 1);
    const damaged = checksumIs(command, 2);
    damaged[3] ^= 0x40;
    const right = checksumIs(command, 3);
    return [stale, damaged, Uint8Array.of(0xff, 0x12, 0), right.subarray(0, 4), right.subarray(4)];
  });
  const link = new BoardLink(port);
  assert.equal(await link.checksum(0, 4096), 3);
  assert.ok(link.brokenFrames > 0);
});

test('a refusal becomes a sentence with a remedy, and is not repeated', async () => {
  const port = new DialoguePort((command) => [status(command, 8, 0x1234)]);
  await assert.rejects(
    new BoardLink(port).checkImage(),
    (error: unknown) =>
      error instanceof RunError &&
      error.place === 'scripted' &&
      /made for another board \(0x00001234\)/.test(error.message) &&
      /profile of this board/.test(error.remedy),
  );
  assert.equal(port.commands.length, 1);
});

test('silence ends in one error that says what to check', async () => {
  const port = new DialoguePort(() => []);
  await assert.rejects(
    new BoardLink(port).identify(),
    (error: unknown) =>
      error instanceof RunError && error.code === 'board-silent' && /power/.test(error.remedy),
  );
  assert.ok(port.now() < 10);
});

test('events that arrive while a reply is awaited are kept, in order', async () => {
  const record = new Uint8Array(128);
  new DataView(record.buffer).setUint32(0, 0x43524242, true);
  record[36] = 1;
  const boot = encodeFrame({ type: ReplyType.boot, sequence: 0, payload: record });
  const finished = encodeFrame({ type: ReplyType.finished, sequence: 1, payload: record });
  const port = new DialoguePort((command) => [boot, status(command, 0), finished]);
  const link = new BoardLink(port);
  await link.stop();
  assert.equal((await link.nextEvent(1))?.kind, 'boot');
  assert.equal((await link.nextEvent(1))?.kind, 'finished');
  const before = port.now();
  assert.equal(await link.nextEvent(0.5), null);
  assert.ok(port.now() - before >= 0.5);
});
