import { zipSync } from 'fflate';

export interface NpyArray {
  shape: number[];
  data: Float32Array | BigInt64Array;
}

/** A NumPy .npz file (a zip of .npy files, format 1.0, row-major) with equal bytes for equal arrays. */
export function npz(arrays: Record<string, NpyArray>): Uint8Array {
  const entries = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npy(array)] as const);
  return zipSync(Object.fromEntries(entries), { level: 6, mtime: '1980-01-01' });
}

/** Header: magic, version, little-endian length, then a Python dict padded with spaces so that data start at 64 n. */
function npy({ shape, data }: NpyArray): Uint8Array {
  const type = data instanceof Float32Array ? '<f4' : '<i8';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const prefixBytes = 10;
  const headerBytes = Math.ceil((prefixBytes + dictionary.length + 1) / 64) * 64 - prefixBytes;
  const header = `${dictionary.padEnd(headerBytes - 1)}\n`;
  const prefix = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, headerBytes & 255, headerBytes >> 8);
  return Buffer.concat([prefix, Buffer.from(header, 'latin1'), littleEndianBytes(data)]);
}

function littleEndianBytes(data: Float32Array | BigInt64Array): Uint8Array {
  const bytes = Buffer.alloc(data.byteLength);
  if (data instanceof Float32Array) {
    data.forEach((value, index) => bytes.writeFloatLE(value, 4 * index));
  } else {
    data.forEach((value, index) => bytes.writeBigInt64LE(value, 8 * index));
  }
  return bytes;
}
