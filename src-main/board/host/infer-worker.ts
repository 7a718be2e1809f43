/** Entry of a thread of infer-parallel.ts: groups of samples in, their outputs out. */
import { serveItems } from '../../common/thread-pool.js';
import { inferOnHost } from './host-board.js';

await serveItems(
  'host evaluation',
  (image) => image as Uint8Array,
  (image, samples) => inferOnHost(image, samples as Int8Array[]),
);
