import type { OnnxOperatorImporter } from '../node.js';
import {
  importConcat,
  importDepthSpace,
  importResize,
  importSlice,
  importSplit,
  importTranspose,
} from './arrange.js';
import { importConv } from './convolution.js';
import { importGemm, importMatMul } from './dense.js';
import {
  importArithmetic,
  importBatchNormalization,
  importCast,
  importClamp,
  importIdentity,
  importPRelu,
  importSoftmax,
  importUnary,
} from './elementwise.js';
import { importGlobalPool, importPool } from './pooling.js';
import { importDequantize, importQuantize } from './quantization.js';
import {
  importFlatten,
  importPad,
  importReduceMean,
  importReshape,
  importSqueeze,
  importUnsqueeze,
} from './shape.js';

/** The operators that the bench knows, on activations. */
export const ONNX_OPERATORS: ReadonlyMap<string, OnnxOperatorImporter> = new Map<
  string,
  OnnxOperatorImporter
>([
  ['Add', importArithmetic],
  ['AveragePool', importPool],
  ['BatchNormalization', importBatchNormalization],
  ['Cast', importCast],
  ['Clip', importClamp],
  ['Concat', importConcat],
  ['Conv', importConv],
  ['DepthToSpace', importDepthSpace],
  ['DequantizeLinear', importDequantize],
  ['Div', importArithmetic],
  ['Dropout', importIdentity],
  ['Elu', (node) => importUnary('ELU', node)],
  ['Flatten', importFlatten],
  ['Gelu', (node) => importUnary('GELU', node)],
  ['Gemm', importGemm],
  ['GlobalAveragePool', importGlobalPool],
  ['GlobalMaxPool', importGlobalPool],
  ['HardSigmoid', (node) => importUnary('HARD_SIGMOID', node)],
  ['HardSwish', (node) => importUnary('HARD_SWISH', node)],
  ['Identity', importIdentity],
  ['LeakyRelu', (node) => importUnary('LEAKY_RELU', node)],
  ['MatMul', importMatMul],
  ['MaxPool', importPool],
  ['Mul', importArithmetic],
  ['PRelu', importPRelu],
  ['Pad', importPad],
  ['QuantizeLinear', importQuantize],
  ['ReduceMean', importReduceMean],
  ['Relu', importClamp],
  ['Reshape', importReshape],
  ['Resize', importResize],
  ['Sigmoid', (node) => importUnary('LOGISTIC', node)],
  ['Slice', importSlice],
  ['Softmax', importSoftmax],
  ['SpaceToDepth', importDepthSpace],
  ['Split', importSplit],
  ['Squeeze', importSqueeze],
  ['Sub', importArithmetic],
  ['Tanh', (node) => importUnary('TANH', node)],
  ['Transpose', importTranspose],
  ['Unsqueeze', importUnsqueeze],
  ['Upsample', importResize],
]);
