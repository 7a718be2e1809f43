import { decodeUncheckedRecord, RECORD_BYTES, type BoardRecord } from '../record.js';
import type { Frame } from './frames.js';

/** The messages inside the frames, as typed values (firmware/SPEC.md section 6). */

export const CommandType = {
  identify: 0x01,
  stop: 0x02,
  erase: 0x03,
  program: 0x04,
  checksum: 0x05,
  checkImage: 0x06,
  run: 0x07,
  acknowledge: 0x08,
  selfTest: 0x09,
  echo: 0x0a,
} as const;

export const ReplyType = {
  identity: 0x81,
  status: 0x82,
  checksumIs: 0x83,
  boot: 0x84,
  result: 0x85,
  finished: 0x86,
  selfTestIs: 0x87,
  echoIs: 0x88,
} as const;

export const PROTOCOL_VERSION = 1;
/** Most data bytes of one PROGRAM command. */
export const PROGRAM_MAXIMUM_BYTES = 1024;

export type Command =
  | { kind: 'identify' }
  | { kind: 'stop' }
  | { kind: 'erase'; offset: number; bytes: number }
  | { kind: 'program'; offset: number; data: Uint8Array }
  | { kind: 'checksum'; offset: number; bytes: number }
  | { kind: 'checkImage' }
  | { kind: 'run'; runId: number; firstSample: number; inferences: number }
  | { kind: 'acknowledge'; runId: number; inference: number }
  | { kind: 'selfTest' }
  | { kind: 'echo'; data: Uint8Array };

export interface Identity {
  protocolVersion: number;
  firmwareMajor: number;
  firmwareMinor: number;
  board: number;
  flashBytes: number;
  nvmBytes: number;
  arenaBytes: number;
  imageOffset: number;
  imageCapacity: number;
  datasetOffset: number;
  datasetCapacity: number;
  /** CRC field of the image's header; 0 when there is no valid image. */
  imageCrc: number;
  /** CRC field of the data set's header; 0 when there is none. */
  datasetCrc: number;
  record: BoardRecord;
}

/** What the board measured of itself, firmware/SPEC.md section 6.1. */
export interface SelfTestResult {
  /** False when a run is in progress: NVM was identified, not written. */
  nvmWritten: boolean;
  nvmIdentity: Uint8Array;
  flashIdentity: Uint8Array;
  nvmWrongBytes: number;
  /** Offset, or null when there is none. */
  nvmFirstWrong: number | null;
  /** Bits that were wrong in any byte. */
  nvmWrongBits: number;
  /** Distance at which the same cells appear again: the capacity of a chip that is too small; 0 = none. */
  nvmAliasBytes: number;
  capacitorVolts: { mean: number; lowest: number; highest: number };
  framesReceived: number;
  framesBroken: number;
}

export type Reply =
  | { kind: 'identity'; identity: Identity }
  | { kind: 'status'; command: number; code: number; detail: number }
  | { kind: 'checksumIs'; crc: number }
  | { kind: 'selfTestIs'; result: SelfTestResult }
  | { kind: 'echoIs'; data: Uint8Array };

/** Frames that the board sends of its own accord. */
export type BoardEvent =
  | { kind: 'boot'; record: BoardRecord }
  | { kind: 'result'; inference: number; record: BoardRecord; output: Uint8Array }
  | { kind: 'finished'; record: BoardRecord };

const IDENTITY_HEAD_BYTES = 44;

export function encodeCommand(command: Command): { type: number; payload: Uint8Array } {
  switch (command.kind) {
    case 'erase':
    case 'checksum':
      return { type: CommandType[command.kind], payload: words(command.offset, command.bytes) };
    case 'program': {
      const payload = new Uint8Array(4 + command.data.length);
      payload.set(words(command.offset));
      payload.set(command.data, 4);
      return { type: CommandType.program, payload };
    }
    case 'run':
      return {
        type: CommandType.run,
        payload: words(command.runId, command.firstSample, command.inferences),
      };
    case 'acknowledge':
      return { type: CommandType.acknowledge, payload: words(command.runId, command.inference) };
    case 'echo':
      return { type: CommandType.echo, payload: command.data };
    default:
      return { type: CommandType[command.kind], payload: new Uint8Array(0) };
  }
}

/** @returns the message, or null when the frame is none that a board of this protocol sends */
export function decodeMessage(frame: Frame): Reply | BoardEvent | null {
  const { payload } = frame;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  switch (frame.type) {
    case ReplyType.identity: {
      const identity =
        payload.length === IDENTITY_HEAD_BYTES + RECORD_BYTES ? decodeIdentity(view, payload) : null;
      return identity && { kind: 'identity', identity };
    }
    case ReplyType.status:
      return payload.length === 8
        ? { kind: 'status', command: payload[0], code: payload[1], detail: view.getUint32(4, true) }
        : null;
    case ReplyType.checksumIs:
      return payload.length === 4 ? { kind: 'checksumIs', crc: view.getUint32(0, true) } : null;
    case ReplyType.selfTestIs: {
      const result = decodeSelfTest(view, payload);
      return result && { kind: 'selfTestIs', result };
    }
    case ReplyType.echoIs:
      return { kind: 'echoIs', data: payload };
    case ReplyType.boot:
    case ReplyType.finished: {
      const record = payload.length === RECORD_BYTES ? decodeUncheckedRecord(payload) : null;
      return record && { kind: frame.type === ReplyType.boot ? 'boot' : 'finished', record };
    }
    case ReplyType.result: {
      const outputAt = 4 + RECORD_BYTES;
      const record = payload.length >= outputAt ? decodeUncheckedRecord(payload.subarray(4, outputAt)) : null;
      return (
        record && {
          kind: 'result',
          inference: view.getUint32(0, true),
          record,
          output: payload.slice(outputAt),
        }
      );
    }
    default:
      return null;
  }
}

function decodeIdentity(view: DataView, payload: Uint8Array): Identity | null {
  const record = decodeUncheckedRecord(payload.subarray(IDENTITY_HEAD_BYTES));
  return (
    record && {
      protocolVersion: view.getUint16(0, true),
      firmwareMajor: view.getUint8(2),
      firmwareMinor: view.getUint8(3),
      board: view.getUint32(4, true),
      flashBytes: view.getUint32(8, true),
      nvmBytes: view.getUint32(12, true),
      arenaBytes: view.getUint32(16, true),
      imageOffset: view.getUint32(20, true),
      imageCapacity: view.getUint32(24, true),
      datasetOffset: view.getUint32(28, true),
      datasetCapacity: view.getUint32(32, true),
      imageCrc: view.getUint32(36, true),
      datasetCrc: view.getUint32(40, true),
      record,
    }
  );
}

const SELF_TEST_BYTES = 48;
const SELF_TEST_VERSION = 1;

function decodeSelfTest(view: DataView, payload: Uint8Array): SelfTestResult | null {
  if (payload.length !== SELF_TEST_BYTES || payload[0] !== SELF_TEST_VERSION) {
    return null;
  }
  const word = (offset: number) => view.getUint32(offset, true);
  const volts = (offset: number) => word(offset) / 1000;
  return {
    nvmWritten: (payload[1] & 1) !== 0,
    nvmIdentity: payload.slice(4, 8),
    flashIdentity: payload.slice(8, 11),
    nvmWrongBytes: word(12),
    nvmFirstWrong: word(16) === 0xffffffff ? null : word(16),
    nvmWrongBits: word(20),
    nvmAliasBytes: word(24),
    capacitorVolts: { mean: volts(28), lowest: volts(32), highest: volts(36) },
    framesReceived: word(40),
    framesBroken: word(44),
  };
}

/** Little-endian 32-bit words. */
function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint32(4 * index, value, true));
  return bytes;
}
