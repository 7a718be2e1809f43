/** Phase 2: any graph to a lowered, fully int8-quantized one. */
export { lower } from './lower/index.js';
