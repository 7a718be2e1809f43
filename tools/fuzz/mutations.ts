/** Damaged models, each determined by a seed: bytes, words and ranges of files changed, and models that were written wrong. */
import { writeTflite, type TfliteSpec } from '../bench/tflite-writer.js';
import { mutated } from '../models/mutate.js';
import { writeOnnx, type OnnxSpec } from '../models/onnx-writer.js';
import { seededRandom } from '../models/random.js';

/** A sound model to start from; `spec` is what it was written from, if we wrote it. */
export interface Original {
  name: string;
  format: 'tflite' | 'onnx';
  bytes: Uint8Array;
  spec?: TfliteSpec | OnnxSpec;
}

export interface Mutation {
  kind: MutationKind;
  original: string;
  /** Name of the file that the bytes pretend to be. */
  fileName: string;
  bytes: Uint8Array;
}

export const MUTATION_KINDS = ['bytes', 'words', 'ranges', 'written wrong'] as const;
export type MutationKind = (typeof MUTATION_KINDS)[number];

type Pick = (below: number) => number;

/** Numbers at which parsers break. */
const EDGES = [
  ...[0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 63, 64, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536],
  ...[2 ** 20, 2 ** 24, 2 ** 24 + 1, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
];

/** Mutation number `seed`; originals and kinds take turns. */
export function mutation(originals: readonly Original[], seed: number): Mutation {
  const random = seededRandom(seed * 2_654_435_761);
  const pick: Pick = (below) => Math.floor(random() * below);
  const original = originals[pick(originals.length)];
  const kind = MUTATION_KINDS[pick(MUTATION_KINDS.length)];
  const { name, format, bytes, spec } = original;
  const wrong = kind === 'written wrong' && spec !== undefined ? writtenWrong(original, pick) : null;
  if (wrong !== null) {
    return { kind, original: name, fileName: `fuzz.${format}`, bytes: wrong };
  }
  const result = { original: name, fileName: `fuzz.${format}` };
  switch (kind) {
    case 'words':
      return { ...result, kind, bytes: withWords(bytes, pick) };
    case 'ranges':
      return { ...result, kind, bytes: withRanges(bytes, originals[pick(originals.length)].bytes, pick) };
    default:
      return { ...result, kind: 'bytes', bytes: mutated(bytes, seed) };
  }
}

/** Words of 16 or 32 bits, which hold offsets, counts and field lists, set to edges or to what other words hold. */
function withWords(original: Uint8Array, pick: Pick): Uint8Array {
  const bytes = new Uint8Array(original);
  const view = new DataView(bytes.buffer);
  for (let changes = 1 + pick(6); changes > 0; changes--) {
    // Most of what is structure lies near the begin or the end.
    const near = Math.min(bytes.length, 2048);
    const place = [pick(bytes.length), pick(near), bytes.length - 1 - pick(near)][pick(3)];
    const at = Math.min(place & ~3, bytes.length - 4);
    if (at < 0) {
      return bytes;
    }
    const old = view.getUint32(at, true);
    const other = view.getUint32(pick(bytes.length >> 2) * 4, true);
    const edge = EDGES[pick(EDGES.length)];
    const value = [edge, -edge, old + 1, old - 1, old + 4, old - 4, other, bytes.length - at, -at][pick(9)];
    if (pick(3) === 0) {
      view.setUint16(at + 2 * pick(2), value & 0xffff, true);
    } else {
      view.setUint32(at, value >>> 0, true);
    }
  }
  return bytes;
}

/** A range copied elsewhere, repeated, taken out, or taken from another model. */
function withRanges(original: Uint8Array, other: Uint8Array, pick: Pick): Uint8Array {
  const from = pick(original.length);
  const length = 1 + pick(Math.min(512, original.length - from));
  const range = original.subarray(from, from + length);
  const at = pick(original.length);
  const [head, tail] = [original.subarray(0, at), original.subarray(at)];
  switch (pick(4)) {
    case 0: {
      const bytes = new Uint8Array(original);
      bytes.set(range.subarray(0, bytes.length - at), at);
      return bytes;
    }
    case 1:
      return Buffer.concat([head, range, tail]);
    case 2:
      return Buffer.concat([original.subarray(0, from), original.subarray(from + length)]);
    default: {
      const start = pick(other.length);
      return Buffer.concat([head, other.subarray(start, start + 1 + pick(512)), tail]);
    }
  }
}

/** A model as a writer would write it that gets a few numbers or names wrong; null when it cannot be written. */
function writtenWrong({ format, spec }: Original, pick: Pick): Uint8Array | null {
  const wrong = structuredClone(spec);
  const places = leavesOf(wrong);
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const { owner, key } = places[pick(places.length)];
    const old = owner[key];
    if (typeof old === 'number') {
      const edge = EDGES[pick(EDGES.length)];
      owner[key] = [edge, -edge, old + 1, old - 1, pick(64)][pick(5)];
    } else {
      // The name of something else: loops, things that are not there, operators with the inputs of others.
      const names = places.flatMap((place) => {
        const value = place.owner[place.key];
        return typeof value === 'string' ? [value] : [];
      });
      owner[key] = names[pick(names.length)];
    }
  }
  try {
    return format === 'tflite' ? writeTflite(wrong as TfliteSpec) : writeOnnx(wrong as OnnxSpec);
  } catch {
    return null;
  }
}

interface Place {
  owner: Record<string, unknown>;
  key: string;
}

/** Numbers and strings of a specification, without the values of its constants. */
function leavesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) {
    return [];
  }
  const owner = value as Record<string, unknown>;
  return Object.keys(owner).flatMap((key) => {
    const child = owner[key];
    return typeof child === 'number' || typeof child === 'string' ? [{ owner, key }] : leavesOf(child);
  });
}
