/** Samples to infer and, where known, their labels: as users store them (.npz) and as a board's flash holds them. */
import { crc32 } from './crc32.js';
import { InputError } from './errors.js';
import { readNpz, type NpyArray } from './npz.js';

export const DATASET_MAGIC = 0x53444242;
const VERSION = 1;
export const DATASET_HEADER_BYTES = 32;
/** Offset of the u32 header field that holds the length of one sample. */
export const DATASET_SAMPLE_BYTES_FIELD = 20;
/** The CRC covers everything behind its own field. */
const CHECKED_FROM = 16;

export interface Dataset {
  /** One entry per sample, in the file's order: `x[i]`, row-major. */
  samples: (Float32Array | Int8Array | Uint8Array)[];
  /** Shape of one sample, without the leading dimension of `x`. */
  sampleShape: number[];
  /** Real values, or values already quantized as a model's input takes them. */
  type: 'float32' | 'int8' | 'uint8';
  /** `y`: the class of each sample; null when the file does not say. */
  labels: number[] | null;
}

/**
 * Reads `x` and, where it is there, `y` of an .npz file.
 *
 * @param place the file, for errors
 * @throws InputError of readNpz, or `dataset-unsupported`
 */
export function loadDataset(bytes: Uint8Array, place: string): Dataset {
  const arrays = readNpz(bytes, place);
  const x = arrays.get('x');
  if (x === undefined) {
    throw unsupported(place, `has no array "x", only ${[...arrays.keys()].slice(0, 10).join(', ')}`);
  }
  const values = sampleValues(x, place);
  const [count, ...sampleShape] = x.shape;
  if (count === undefined || values.length === 0) {
    throw unsupported(place, 'has no samples in "x"');
  }
  if (values instanceof Float32Array && values.some((value) => !Number.isFinite(value))) {
    throw unsupported(place, 'has values in "x" that are not finite numbers');
  }
  const length = values.length / count;
  return {
    samples: Array.from({ length: count }, (_, i) => values.subarray(i * length, (i + 1) * length)),
    sampleShape,
    type: values instanceof Float32Array ? 'float32' : values instanceof Int8Array ? 'int8' : 'uint8',
    labels: labelsOf(arrays.get('y'), count, place),
  };
}

/**
 * Samples as the flash of a board holds them: firmware/SPEC.md, section 4.
 *
 * @param samples at least one; each is one quantized input of the model, all of the same length
 * @throws RangeError when they are not
 */
export function encodeDataset(samples: readonly Int8Array[]): Uint8Array {
  const sampleBytes = samples[0]?.length ?? 0;
  if (sampleBytes === 0 || samples.some((sample) => sample.length !== sampleBytes)) {
    throw new RangeError('a data set needs samples of one length, at least one byte each');
  }
  const bytes = new Uint8Array(DATASET_HEADER_BYTES + samples.length * sampleBytes);
  samples.forEach((sample, index) =>
    bytes.set(
      new Uint8Array(sample.buffer, sample.byteOffset, sampleBytes),
      DATASET_HEADER_BYTES + index * sampleBytes,
    ),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, DATASET_MAGIC, true);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, DATASET_HEADER_BYTES, true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(16, samples.length, true);
  view.setUint32(DATASET_SAMPLE_BYTES_FIELD, sampleBytes, true);
  view.setUint32(12, crc32(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}

function sampleValues({ type, data }: NpyArray, place: string): Float32Array | Int8Array | Uint8Array {
  if (data instanceof Float64Array) {
    return Float32Array.from(data);
  }
  if (
    data instanceof Float32Array ||
    data instanceof Int8Array ||
    (data instanceof Uint8Array && type === 'u1')
  ) {
    return data;
  }
  throw unsupported(place, `has "x" of type ${type}`);
}

function labelsOf(y: NpyArray | undefined, count: number, place: string): number[] | null {
  if (y === undefined) {
    return null;
  }
  const labels = Array.from<number | bigint, number>(y.data as ArrayLike<number | bigint>, Number);
  if (labels.length !== count) {
    throw unsupported(place, `has ${labels.length} labels in "y" for ${count} samples`);
  }
  const odd = labels.find((label) => !Number.isInteger(label) || label < 0);
  if (odd !== undefined) {
    throw unsupported(place, `has the label ${odd} in "y"`);
  }
  return labels;
}

function unsupported(place: string, message: string): InputError {
  return new InputError({
    code: 'dataset-unsupported',
    place,
    message,
    remedy:
      'Give samples as "x" (float32, int8 or uint8, first dimension = sample) and classes as "y" (integers from 0)',
  });
}
