import type { TfliteOperatorImporter } from '../node.js';
import { importConv2D, importDepthwiseConv2D } from './convolution.js';
import { importAdd, importClamp, importSoftmax } from './elementwise.js';
import { importFullyConnected } from './fully-connected.js';
import { importPool2D } from './pooling.js';
import { importMean, importPad, importReshape } from './shape.js';

/** The operators that the bench knows, by their name in the schema. */
export const TFLITE_OPERATORS: ReadonlyMap<string, TfliteOperatorImporter> = new Map<
  string,
  TfliteOperatorImporter
>([
  ['ADD', importAdd],
  ['AVERAGE_POOL_2D', (node) => importPool2D('AVERAGE_POOL_2D', node)],
  ['CONV_2D', importConv2D],
  ['DEPTHWISE_CONV_2D', importDepthwiseConv2D],
  ['EXPAND_DIMS', importReshape],
  ['FULLY_CONNECTED', importFullyConnected],
  ['MAX_POOL_2D', (node) => importPool2D('MAX_POOL_2D', node)],
  ['MEAN', importMean],
  ['PAD', importPad],
  ['PADV2', importPad],
  ['RELU', (node) => importClamp(0, Infinity, node)],
  ['RELU6', (node) => importClamp(0, 6, node)],
  ['RELU_0_TO_1', (node) => importClamp(0, 1, node)],
  ['RELU_N1_TO_1', (node) => importClamp(-1, 1, node)],
  ['RESHAPE', importReshape],
  ['SOFTMAX', importSoftmax],
  ['SQUEEZE', importReshape],
]);
