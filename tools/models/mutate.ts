import { seededRandom } from './random.js';

/** A copy with one to eight bytes changed, in a way that a seed determines; one in four is cut short as well. */
export function mutated(original: Uint8Array, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const bytes = new Uint8Array(original);
  for (let changes = 1 + pick(8); changes > 0; changes--) {
    const at = pick(bytes.length);
    // Small numbers, single bits and extremes reach further into a parser than noise does.
    bytes[at] = [pick(256), pick(8), bytes[at] ^ (1 << pick(8)), 255, 128][pick(5)];
  }
  return pick(4) === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes;
}
