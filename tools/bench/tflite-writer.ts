/** Writes TensorFlow Lite files for tests, by the field numbers of schema.fbs; parents lie before their children. */

type Field =
  | { int8: number }
  | { int32: number }
  | { float32: number }
  | { string: string }
  | { bytes: Uint8Array }
  | { int32s: number[] }
  | { float32s: number[] }
  | { int64s: number[] }
  | { table: TableSpec }
  | { tables: TableSpec[] };

/** Fields by number. */
export type TableSpec = Record<number, Field | undefined>;

export interface TfliteTensorSpec {
  name: string;
  shape: number[];
  type: 'float32' | 'int8' | 'int32' | 'uint8';
  /** Scales and zero points; several run along `axis`. */
  quantization?: { scales: number[]; zeroPoints: number[]; axis?: number };
  data?: Float32Array | Int8Array | Int32Array;
}

export interface TfliteOperatorSpec {
  /** Number in enum BuiltinOperator. */
  code: number;
  customCode?: string;
  inputs: number[];
  outputs: number[];
  /** Number in union BuiltinOptions, and the table. */
  options?: { type: number; table: TableSpec };
}

export interface TfliteSpec {
  tensors: TfliteTensorSpec[];
  operators: TfliteOperatorSpec[];
  inputs: number[];
  outputs: number[];
}

const TYPES = { float32: 0, int32: 2, uint8: 3, int8: 9 } as const;

/** The bytes of a .tflite file; each operator has an operator code of its own. */
export function writeTflite({ tensors, operators, inputs, outputs }: TfliteSpec): Uint8Array {
  return writeFlatBuffer(
    {
      0: { int32: 3 },
      1: {
        tables: operators.map(({ code, customCode }): TableSpec => ({
          0: { int8: Math.min(code, 127) },
          1: customCode === undefined ? undefined : { string: customCode },
          3: { int32: code },
        })),
      },
      2: {
        tables: [
          {
            0: { tables: tensors.map(tensorTable) },
            1: { int32s: inputs },
            2: { int32s: outputs },
            3: {
              tables: operators.map((operator, i): TableSpec => ({
                0: { int32: i },
                1: { int32s: operator.inputs },
                2: { int32s: operator.outputs },
                3: operator.options && { int8: operator.options.type },
                4: operator.options && { table: operator.options.table },
              })),
            },
          },
        ],
      },
      4: {
        tables: [
          {},
          ...tensors.map(({ data }): TableSpec =>
            data === undefined
              ? {}
              : { 0: { bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) } },
          ),
        ],
      },
    },
    'TFL3',
  );
}

function tensorTable({ name, shape, type, quantization }: TfliteTensorSpec, index: number): TableSpec {
  return {
    0: { int32s: shape },
    1: { int8: TYPES[type] },
    2: { int32: index + 1 },
    3: { string: name },
    4: quantization && {
      table: {
        2: { float32s: quantization.scales },
        3: { int64s: quantization.zeroPoints },
        6: { int32: quantization.axis ?? 0 },
      },
    },
  };
}

/** Any FlatBuffer with a root table and a file identifier. */
export function writeFlatBuffer(root: TableSpec, identifier: string): Uint8Array {
  const bytes: number[] = [0, 0, 0, 0, ...Buffer.from(identifier)];
  const put = (at: number, value: number, size: number): void => {
    for (let i = 0; i < size; i++) {
      bytes[at + i] = Math.floor(value / 2 ** (8 * i)) & 0xff;
    }
  };
  const append = (value: number, size: number): void => put(bytes.length, value, size);
  const appendRaw = (array: Uint8Array): void => array.forEach((byte) => bytes.push(byte));
  const align = (): void => {
    while (bytes.length % 8 !== 0) {
      bytes.push(0);
    }
  };
  const vector = (values: ArrayBufferView, count: number): void => {
    append(count, 4);
    appendRaw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  };
  /** Writes what an offset at `from` points to, behind everything so far. */
  const child = (from: number, field: Field): void => {
    align();
    put(from, bytes.length - from, 4);
    if ('string' in field) {
      vector(Buffer.from(field.string), Buffer.byteLength(field.string));
      bytes.push(0);
    } else if ('bytes' in field) {
      vector(field.bytes, field.bytes.length);
    } else if ('int32s' in field) {
      vector(Int32Array.from(field.int32s), field.int32s.length);
    } else if ('float32s' in field) {
      vector(Float32Array.from(field.float32s), field.float32s.length);
    } else if ('int64s' in field) {
      vector(BigInt64Array.from(field.int64s.map(BigInt)), field.int64s.length);
    } else if ('tables' in field) {
      const start = bytes.length + 4;
      vector(new Uint32Array(field.tables.length), field.tables.length);
      field.tables.forEach((spec, i) => table(start + 4 * i, spec));
    } else if ('table' in field) {
      table(from, field.table);
    }
  };
  /** Field list, then the table with 4 bytes per field, then what it points to. */
  const table = (from: number, spec: TableSpec): void => {
    align();
    const fields = Object.entries(spec).flatMap(([number, field]) =>
      field === undefined ? [] : [{ number: Number(number), field }],
    );
    const numbers = fields.map(({ number }) => number);
    const highest = Math.max(-1, ...numbers);
    const list = bytes.length;
    append(4 + 2 * (highest + 1), 2);
    append(4 + 4 * numbers.length, 2);
    for (let field = 0; field <= highest; field++) {
      const position = numbers.indexOf(field);
      append(position === -1 ? 0 : 4 + 4 * position, 2);
    }
    align();
    const start = bytes.length;
    put(from, start - from, 4);
    append(start - list, 4);
    numbers.forEach(() => append(0, 4));
    fields.forEach(({ field }, position) => {
      const at = start + 4 + 4 * position;
      if ('int8' in field) {
        put(at, field.int8, 1);
      } else if ('int32' in field) {
        put(at, field.int32, 4);
      } else if ('float32' in field) {
        new Uint8Array(Float32Array.of(field.float32).buffer).forEach((byte, i) => (bytes[at + i] = byte));
      } else {
        child(at, field);
      }
    });
  };
  table(0, root);
  return Uint8Array.from(bytes);
}
