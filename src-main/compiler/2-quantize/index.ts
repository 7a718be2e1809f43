/** Phase 2: any graph to a lowered, fully int8-quantized one. */
export { createFloatEvaluator, type FloatEvaluator } from './evaluate-float.js';
export { lower } from './lower/index.js';
export { isQuantized, quantize, type QuantizationReport, type TensorReport } from './quantize.js';
