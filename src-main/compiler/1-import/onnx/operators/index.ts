import type { OnnxOperatorImporter } from '../node.js';
import { importConv } from './convolution.js';
import { importGemm, importMatMul } from './dense.js';
import {
  importArithmetic,
  importBatchNormalization,
  importClamp,
  importIdentity,
  importSoftmax,
} from './elementwise.js';
import { importGlobalPool, importPool } from './pooling.js';
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
  ['Clip', importClamp],
  ['Conv', importConv],
  ['Div', importArithmetic],
  ['Dropout', importIdentity],
  ['Flatten', importFlatten],
  ['Gemm', importGemm],
  ['GlobalAveragePool', importGlobalPool],
  ['GlobalMaxPool', importGlobalPool],
  ['Identity', importIdentity],
  ['MatMul', importMatMul],
  ['MaxPool', importPool],
  ['Mul', importArithmetic],
  ['Pad', importPad],
  ['ReduceMean', importReduceMean],
  ['Relu', importClamp],
  ['Reshape', importReshape],
  ['Softmax', importSoftmax],
  ['Squeeze', importSqueeze],
  ['Sub', importArithmetic],
  ['Unsqueeze', importUnsqueeze],
]);
