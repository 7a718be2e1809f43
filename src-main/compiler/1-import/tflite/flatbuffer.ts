/**
 * A reader of FlatBuffers that trusts nothing. The npm package `flatbuffers` verifies neither offsets nor lengths (a
 * hostile file makes it read elsewhere or allocate without bound), hence this one: every access is checked against the
 * file, and all vectors together may not hold more than a fixed multiple of the file, since FlatBuffers may refer to
 * the same bytes any number of times. Layout: flatbuffers.dev, "FlatBuffer Internals".
 */
import { damagedModel } from '../model-errors.js';

/** Bytes that may be read out of vectors and strings, per byte of the file. */
const BUDGET_PER_BYTE = 8;

/** Without `stream` it keeps nothing between calls; making one takes longer than most names do. */
const TEXT = new TextDecoder();

/** The bytes of a file as FlatBuffers. All errors are InputErrors that name `place`. */
export class FlatBuffer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: string;
  #budgetBytes: number;

  constructor(bytes: Uint8Array, place: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#place = place;
    this.#budgetBytes = 1024 + bytes.length * BUDGET_PER_BYTE;
  }

  /** The root table. */
  root(): Table {
    return new Table(this, this.follow(0));
  }

  int8(at: number): number {
    this.#check(at, 1);
    return this.#view.getInt8(at);
  }

  uint8(at: number): number {
    this.#check(at, 1);
    return this.#view.getUint8(at);
  }

  uint16(at: number): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, true);
  }

  int32(at: number): number {
    this.#check(at, 4);
    return this.#view.getInt32(at, true);
  }

  uint32(at: number): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, true);
  }

  float32(at: number): number {
    this.#check(at, 4);
    return this.#view.getFloat32(at, true);
  }

  int64(at: number): bigint {
    this.#check(at, 8);
    return this.#view.getBigInt64(at, true);
  }

  /** The position that the unsigned 32-bit offset at `at` points to. */
  follow(at: number): number {
    return at + this.uint32(at);
  }

  /** The elements of a vector: checked to lie within the file, and counted against the budget. */
  vector(at: number, elementBytes: number): { start: number; count: number } {
    const count = this.uint32(at);
    const start = at + 4;
    this.#check(start, count * elementBytes);
    this.#budgetBytes -= count * elementBytes;
    if (this.#budgetBytes < 0) {
      throw damagedModel(
        this.#place,
        `its vectors refer to more than ${BUDGET_PER_BYTE} times the bytes of the file`,
      );
    }
    return { start, count };
  }

  /** A view (not a copy) of bytes that vector() has checked. */
  slice(start: number, length: number): Uint8Array {
    this.#check(start, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** An error at a position of this file. */
  damaged(message: string): Error {
    return damagedModel(this.#place, message);
  }

  #check(at: number, length: number): void {
    if (at + length > this.#bytes.length) {
      throw damagedModel(
        this.#place,
        `refers to bytes ${at} to ${at + length} of a file of ${this.#bytes.length} bytes`,
      );
    }
  }
}

/** One table. Fields are numbered as in the schema, from 0; an absent field gives the schema's default. */
export class Table {
  readonly #buffer: FlatBuffer;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;
  readonly #tableBytes: number;

  constructor(buffer: FlatBuffer, position: number) {
    this.#buffer = buffer;
    this.#position = position;
    this.#vtable = position - buffer.int32(position);
    if (this.#vtable < 0) {
      throw buffer.damaged(`the table at ${position} has its field list at ${this.#vtable}`);
    }
    this.#vtableBytes = buffer.uint16(this.#vtable);
    this.#tableBytes = buffer.uint16(this.#vtable + 2);
    if (this.#vtableBytes < 4 || this.#vtableBytes % 2 !== 0 || this.#tableBytes < 4) {
      throw buffer.damaged(`the table at ${position} has a field list of ${this.#vtableBytes} bytes`);
    }
  }

  int8(field: number, absent = 0): number {
    const at = this.#at(field, 1);
    return at === null ? absent : this.#buffer.int8(at);
  }

  uint8(field: number, absent = 0): number {
    const at = this.#at(field, 1);
    return at === null ? absent : this.#buffer.uint8(at);
  }

  boolean(field: number, absent = false): boolean {
    const at = this.#at(field, 1);
    return at === null ? absent : this.#buffer.uint8(at) !== 0;
  }

  int32(field: number, absent = 0): number {
    const at = this.#at(field, 4);
    return at === null ? absent : this.#buffer.int32(at);
  }

  uint32(field: number, absent = 0): number {
    const at = this.#at(field, 4);
    return at === null ? absent : this.#buffer.uint32(at);
  }

  float32(field: number, absent = 0): number {
    const at = this.#at(field, 4);
    return at === null ? absent : this.#buffer.float32(at);
  }

  table(field: number): Table | null {
    const at = this.#at(field, 4);
    return at === null ? null : new Table(this.#buffer, this.#buffer.follow(at));
  }

  string(field: number): string | null {
    const bytes = this.bytes(field);
    return bytes === null ? null : TEXT.decode(bytes);
  }

  /** A view of a vector of bytes, not a copy. */
  bytes(field: number): Uint8Array | null {
    const vector = this.#vector(field, 1);
    return vector === null ? null : this.#buffer.slice(vector.start, vector.count);
  }

  int32s(field: number): number[] | null {
    const vector = this.#vector(field, 4);
    return vector === null
      ? null
      : Array.from({ length: vector.count }, (_, i) => this.#buffer.int32(vector.start + 4 * i));
  }

  float32s(field: number): number[] | null {
    const vector = this.#vector(field, 4);
    return vector === null
      ? null
      : Array.from({ length: vector.count }, (_, i) => this.#buffer.float32(vector.start + 4 * i));
  }

  int64s(field: number): bigint[] | null {
    const vector = this.#vector(field, 8);
    return vector === null
      ? null
      : Array.from({ length: vector.count }, (_, i) => this.#buffer.int64(vector.start + 8 * i));
  }

  /** @param most tables that make sense here; each takes memory many times its 4 bytes in the file */
  tables(field: number, most: number): Table[] {
    const vector = this.#vector(field, 4);
    if (vector !== null && vector.count > most) {
      throw this.#buffer.damaged(
        `field ${field} of the table at ${this.#position} has ${vector.count} entries`,
      );
    }
    return vector === null
      ? []
      : Array.from(
          { length: vector.count },
          (_, i) => new Table(this.#buffer, this.#buffer.follow(vector.start + 4 * i)),
        );
  }

  #vector(field: number, elementBytes: number): { start: number; count: number } | null {
    const at = this.#at(field, 4);
    return at === null ? null : this.#buffer.vector(this.#buffer.follow(at), elementBytes);
  }

  /** Position of a field's value, or null when the table does not hold it. */
  #at(field: number, bytes: number): number | null {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#vtableBytes) {
      return null;
    }
    const offset = this.#buffer.uint16(this.#vtable + entry);
    if (offset === 0) {
      return null;
    }
    if (offset < 4 || offset + bytes > this.#tableBytes) {
      throw this.#buffer.damaged(
        `field ${field} of the table at ${this.#position} lies outside of the table`,
      );
    }
    return this.#position + offset;
  }
}
