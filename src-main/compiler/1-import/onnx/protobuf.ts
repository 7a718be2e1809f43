/**
 * Protocol Buffers, read with `pbf` but not trusted to it: pbf reads past the end of a message without a word. Here every
 * message is its own slice, every field is checked to have the wire type asked for and to end within the slice.
 */
import { PbfReader } from 'pbf';
import { InputError } from '../../../common/errors.js';
import { damagedModel } from '../model-errors.js';

const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
const WIRE_BYTES = 2;
const WIRE_32_BIT = 5;

/** Without `stream` it keeps nothing between calls; making one takes longer than most names do. */
const TEXT = new TextDecoder();

/** The value of one field, to be read once, as one of its types. */
export class FieldReader {
  readonly #reader: PbfReader;

  constructor(reader: PbfReader) {
    this.#reader = reader;
  }

  /** int32, int64, bool or enum; beyond 2^53 the nearest number. */
  integer(): number {
    this.#expect(WIRE_VARINT);
    return this.#reader.readVarint(true);
  }

  float(): number {
    this.#expect(WIRE_32_BIT);
    return this.#reader.readFloat();
  }

  /** A view of bytes, also of a nested message. */
  bytes(): Uint8Array {
    this.#expect(WIRE_BYTES);
    const length = this.#reader.readVarint();
    const { pos, buf } = this.#reader;
    if (pos + length > buf.length) {
      throw new RangeError(`a field of ${length} bytes in a message with ${buf.length - pos} left`);
    }
    this.#reader.pos = pos + length;
    return buf.subarray(pos, pos + length);
  }

  string(): string {
    return TEXT.decode(this.bytes());
  }

  /** Appends a repeated integer, packed or not. */
  integers(to: number[]): void {
    if (this.#reader.type === WIRE_VARINT) {
      to.push(this.integer());
      return;
    }
    const packed = new PbfReader(this.bytes());
    while (packed.pos < packed.length) {
      to.push(packed.readVarint(true));
      if (packed.pos > packed.length) {
        throw new RangeError('a packed integer is cut');
      }
    }
  }

  /** Appends a repeated float, packed or not. */
  floats(to: number[]): void {
    this.#fixed(to, WIRE_32_BIT, 4, (view, at) => view.getFloat32(at, true));
  }

  /** Appends a repeated double, packed or not. */
  doubles(to: number[]): void {
    this.#fixed(to, WIRE_64_BIT, 8, (view, at) => view.getFloat64(at, true));
  }

  #fixed(to: number[], wireType: number, size: number, read: (view: DataView, at: number) => number): void {
    if (this.#reader.type === wireType) {
      to.push(size === 4 ? this.#reader.readFloat() : this.#reader.readDouble());
      return;
    }
    const packed = this.bytes();
    if (packed.length % size !== 0) {
      throw new RangeError(`${packed.length} bytes of numbers of ${size} bytes`);
    }
    const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    for (let at = 0; at < packed.length; at += size) {
      to.push(read(view, at));
    }
  }

  #expect(wireType: number): void {
    if (this.#reader.type !== wireType) {
      throw new RangeError(`a field of wire type ${this.#reader.type} instead of ${wireType}`);
    }
  }
}

/**
 * Calls `visit` for every field of a message; fields that it does not read are skipped.
 *
 * @throws InputError `model-damaged` at `place` when the bytes are no message
 */
export function readMessage(
  bytes: Uint8Array,
  place: string,
  visit: (field: number, value: FieldReader) => void,
): void {
  const reader = new PbfReader(bytes);
  const value = new FieldReader(reader);
  try {
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      visit(field, value);
      if (reader.pos > bytes.length) {
        throw new RangeError(`field ${field} ends behind its message`);
      }
    }
    if (reader.pos !== bytes.length) {
      throw new RangeError(`a message ends ${Math.abs(reader.pos - bytes.length)} bytes off`);
    }
  } catch (error) {
    if (error instanceof InputError) {
      throw error;
    }
    throw damagedModel(
      place,
      `is not readable as ONNX (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
}
