import type { TfliteOperatorImporter } from '../node.js';
import { importConv2D, importDepthwiseConv2D } from './convolution.js';
import {
  importConcatenation,
  importResizeNearest,
  importSlice,
  importSplit,
  importStridedSlice,
  importTranspose,
} from './arrange.js';
import { importBinary, importClamp, importPrelu, importSoftmax, importUnary } from './elementwise.js';
import { importFullyConnected } from './fully-connected.js';
import { importPool2D } from './pooling.js';
import { importMean, importPad, importReshape } from './shape.js';

/** The operators that the bench knows, by their name in the schema. */
export const TFLITE_OPERATORS: ReadonlyMap<string, TfliteOperatorImporter> = new Map<
  string,
  TfliteOperatorImporter
>([
  ['ADD', (node) => importBinary('ADD', node)],
  ['AVERAGE_POOL_2D', (node) => importPool2D('AVERAGE_POOL_2D', node)],
  ['CONCATENATION', importConcatenation],
  ['CONV_2D', importConv2D],
  ['DEPTHWISE_CONV_2D', importDepthwiseConv2D],
  ['DEQUANTIZE', (node) => importUnary('QUANTIZE', node)],
  ['ELU', (node) => importUnary('ELU', node)],
  ['EXPAND_DIMS', importReshape],
  ['FULLY_CONNECTED', importFullyConnected],
  ['GELU', (node) => importUnary('GELU', node)],
  ['HARD_SWISH', (node) => importUnary('HARD_SWISH', node)],
  ['LEAKY_RELU', (node) => importUnary('LEAKY_RELU', node)],
  ['LOGISTIC', (node) => importUnary('LOGISTIC', node)],
  ['MAX_POOL_2D', (node) => importPool2D('MAX_POOL_2D', node)],
  ['MEAN', importMean],
  ['MUL', (node) => importBinary('MUL', node)],
  ['PAD', importPad],
  ['PADV2', importPad],
  ['PRELU', importPrelu],
  ['QUANTIZE', (node) => importUnary('QUANTIZE', node)],
  ['RELU', (node) => importClamp(0, Infinity, node)],
  ['RELU6', (node) => importClamp(0, 6, node)],
  ['RELU_0_TO_1', (node) => importClamp(0, 1, node)],
  ['RELU_N1_TO_1', (node) => importClamp(-1, 1, node)],
  ['RESHAPE', importReshape],
  ['RESIZE_NEAREST_NEIGHBOR', importResizeNearest],
  ['SLICE', importSlice],
  ['SOFTMAX', importSoftmax],
  ['SPLIT', importSplit],
  ['SPLIT_V', importSplit],
  ['SQUEEZE', importReshape],
  ['STRIDED_SLICE', importStridedSlice],
  ['SUB', (node) => importBinary('SUB', node)],
  ['TANH', (node) => importUnary('TANH', node)],
  ['TRANSPOSE', importTranspose],
]);
