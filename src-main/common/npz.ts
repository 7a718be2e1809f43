/**
 * NumPy's .npz: a ZIP archive of .npy arrays. Formats: numpy.org, "NPY format", versions 1.0 to 3.0. Reads what data
 * sets need (row-major, little-endian) and says what it cannot read.
 */
import { unzipSync, zipSync } from 'fflate';
import { InputError } from './errors.js';

export type NpyData =
  Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

/** `b1` is boolean, one byte of 0 or 1. */
export type NpyType = 'b1' | 'i1' | 'u1' | 'i2' | 'i4' | 'i8' | 'f4' | 'f8';

export interface NpyArray {
  type: NpyType;
  /** [] is a scalar. */
  shape: number[];
  /** Row-major. */
  data: NpyData;
}

/** Arrays and bytes of one archive; more is not a data set that a bench would run. */
const MAXIMUM_ARRAYS = 1000;
const MAXIMUM_BYTES = 2 ** 30;
/** Deflate cannot compress better than this (zlib's technical notes: 1032 to 1). */
const MAXIMUM_DEFLATE_RATIO = 1032;

const MAGIC = '\x93NUMPY';

const ARRAY_TYPES: Readonly<Record<NpyType, { bytes: number; make: (buffer: ArrayBuffer) => NpyData }>> = {
  b1: { bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  i1: { bytes: 1, make: (buffer) => new Int8Array(buffer) },
  u1: { bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  i2: { bytes: 2, make: (buffer) => new Int16Array(buffer) },
  i4: { bytes: 4, make: (buffer) => new Int32Array(buffer) },
  i8: { bytes: 8, make: (buffer) => new BigInt64Array(buffer) },
  f4: { bytes: 4, make: (buffer) => new Float32Array(buffer) },
  f8: { bytes: 8, make: (buffer) => new Float64Array(buffer) },
};

/**
 * Reads all arrays of an archive, by name without `.npy`. Memory stays within a fixed limit, and no array gets more
 * than its bytes in the archive can hold.
 *
 * @param place the file, for errors
 * @throws InputError `npz-damaged` or `npz-unsupported`
 */
export function readNpz(bytes: Uint8Array, place: string): Map<string, NpyArray> {
  const arrays = new Map<string, NpyArray>();
  for (const [name, content] of Object.entries(unzip(bytes, place))) {
    const key = name.replace(/\.npy$/, '');
    arrays.set(key, readNpy(content, `${place}, array "${key}"`));
  }
  if (arrays.size === 0) {
    throw damaged(place, 'is a ZIP archive without any .npy array');
  }
  return arrays;
}

/**
 * Writes an archive: format 1.0, compressed, the same bytes for the same arrays. Each array's data must have as many
 * elements as its shape says.
 */
export function writeNpz(arrays: ReadonlyMap<string, NpyArray>): Uint8Array {
  const files = Object.fromEntries([...arrays].map(([name, array]) => [`${name}.npy`, writeNpy(array)]));
  // The earliest time that ZIP can hold: archives shall not differ by when they were written.
  return zipSync(files, { mtime: new Date(1980, 0, 1) });
}

/** Reads one .npy file. @throws InputError `npz-damaged` or `npz-unsupported` */
export function readNpy(bytes: Uint8Array, place: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6];
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 6)) !== MAGIC || major === undefined) {
    throw damaged(place, 'does not start as a NumPy array does');
  }
  if (major < 1 || major > 3) {
    throw unsupported(place, `has the NumPy format version ${major}`, 'Save it with numpy.savez');
  }
  const start = major === 1 ? 10 : 12;
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + headerBytes > bytes.length) {
    throw damaged(place, `has a header of ${headerBytes} bytes in a file of ${bytes.length}`);
  }
  const header = new TextDecoder().decode(bytes.subarray(start, start + headerBytes));
  const type = parseType(header, place);
  const shape = parseShape(header, place);
  const { bytes: elementBytes, make } = ARRAY_TYPES[type];
  const wanted = shape.reduce((product, extent) => product * extent, 1) * elementBytes;
  const content = bytes.subarray(start + headerBytes);
  if (content.length !== wanted) {
    throw damaged(
      place,
      `has ${content.length} bytes of data where its shape (${shape.join(', ')}) needs ${wanted}`,
    );
  }
  return { type, shape, data: make(new Uint8Array(content).buffer) };
}

function writeNpy({ type, shape, data }: NpyArray): Uint8Array {
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== elements) {
    throw new RangeError(`an array of shape (${shape.join(', ')}) cannot have ${data.length} elements`);
  }
  const order = ARRAY_TYPES[type].bytes === 1 ? '|' : '<';
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${extents}), }`;
  // Data starts at a multiple of 64, and the header ends with a line feed.
  const headerBytes = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = new TextEncoder().encode(`${text.padEnd(headerBytes - 1)}\n`);
  const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const file = new Uint8Array(10 + header.length + content.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  file.set(header, 10);
  file.set(content, 10 + header.length);
  return file;
}

function unzip(bytes: Uint8Array, place: string): Record<string, Uint8Array> {
  let entries = 0;
  let total = 0;
  try {
    return unzipSync(bytes, {
      filter: ({ name, size, originalSize, compression }) => {
        entries += 1;
        total += originalSize;
        if (entries > MAXIMUM_ARRAYS || total > MAXIMUM_BYTES) {
          throw unsupported(
            place,
            entries > MAXIMUM_ARRAYS
              ? `holds more than ${MAXIMUM_ARRAYS} arrays`
              : 'unpacks to more than 1 GiB',
            'Use a smaller data set',
          );
        }
        const possible = compression === 0 ? size : size * MAXIMUM_DEFLATE_RATIO;
        if (size > bytes.length || originalSize > possible) {
          throw damaged(place, `promises ${originalSize} bytes out of ${size} for "${name.slice(0, 100)}"`);
        }
        return name.endsWith('.npy');
      },
    });
  } catch (error) {
    throw error instanceof InputError ? error : damaged(place, 'is not a readable ZIP archive', error);
  }
}

function parseType(header: string, place: string): NpyType {
  const description = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  if (description === undefined) {
    throw unsupported(place, 'has records instead of numbers', 'Save plain arrays of numbers');
  }
  const type = description.replace(/^[<|=]/, '');
  if (!isNpyType(type)) {
    throw unsupported(
      place,
      `has elements of type "${description.slice(0, 20)}"`,
      `Save it little-endian as one of ${Object.keys(ARRAY_TYPES).join(', ')}`,
    );
  }
  return type;
}

function isNpyType(type: string): type is NpyType {
  return Object.hasOwn(ARRAY_TYPES, type);
}

function parseShape(header: string, place: string): number[] {
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const extents = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (
    order === undefined ||
    extents === undefined ||
    !/^\s*(\d{1,15}\s*,\s*)*(\d{1,15}\s*)?$/.test(extents)
  ) {
    throw damaged(place, 'has a header that NumPy would not write');
  }
  const shape = extents
    .split(',')
    .map((extent) => extent.trim())
    .filter((extent) => extent !== '')
    .map(Number);
  if (order === 'True' && shape.filter((extent) => extent !== 1).length > 1) {
    throw unsupported(place, 'is stored column-major', 'Save numpy.ascontiguousarray(array)');
  }
  return shape;
}

function damaged(place: string, message: string, cause?: unknown): InputError {
  return new InputError({
    code: 'npz-damaged',
    place,
    message,
    remedy: 'The file is cut or damaged; save it again with numpy.savez',
    cause,
  });
}

function unsupported(place: string, message: string, remedy: string): InputError {
  return new InputError({ code: 'npz-unsupported', place, message, remedy });
}
