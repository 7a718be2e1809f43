/** Phase 2: any graph to a lowered, fully int8-quantized one. */
export { createFloatEvaluator, type FloatEvaluator } from './evaluate-float.js';
export { type LayerReport } from './layer-report.js';
export { lower } from './lower/index.js';
export { printQuantization, summarizeQuantization } from './print-report.js';
export {
  isQuantized,
  quantize,
  type QuantizationReport,
  type QuantizationTrial,
  type QuantizeOptions,
  type TensorReport,
} from './quantize.js';
