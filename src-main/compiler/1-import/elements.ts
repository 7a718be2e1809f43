import type { ElementArray, ElementType } from '../graph.js';

/** Largest number of elements of one tensor; far above what any board of this bench can hold. */
export const MAXIMUM_ELEMENTS = 2 ** 24;

const BYTES_PER_ELEMENT: Readonly<Record<ElementType, number>> = {
  int8: 1,
  uint8: 1,
  bool: 1,
  int16: 2,
  int32: 4,
  float32: 4,
  int64: 8,
};

/** Bytes that one element of the type takes in a model file. */
export function bytesPerElement(type: ElementType): number {
  return BYTES_PER_ELEMENT[type];
}

/**
 * Copies little-endian bytes of a file into an aligned array of the type. The length of `bytes` must be a multiple of
 * bytesPerElement. Hosts of the bench are little-endian, as every platform of Node that Electron has is.
 */
export function elementsFromBytes(bytes: Uint8Array, type: ElementType): ElementArray {
  const { buffer } = new Uint8Array(bytes);
  switch (type) {
    case 'int8':
      return new Int8Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
  }
}

/** IEEE 754 half precision, little-endian, as float32. */
export function halfFloatsFromBytes(bytes: Uint8Array): Float32Array {
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => {
    const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) {
      return fraction === 0 ? sign * Infinity : NaN;
    }
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
