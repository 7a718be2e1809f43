/** Phase 1: a model file to the graph. */
import { basename, extname } from 'node:path';
import { InputError } from '../../common/errors.js';
import { activationsOf } from '../graph-access.js';
import { elementCount, type Graph } from '../graph.js';
import { validateGraph } from '../validate.js';
import { unsupportedModel } from './model-errors.js';
import { importOnnx, isOnnx } from './onnx/index.js';
import { importTflite, isTflite } from './tflite/index.js';

/** Values of all activations together: 256 MB as float32, while boards have 256 KB. */
const MAXIMUM_ACTIVATIONS = 2 ** 26;

/**
 * Reads a model: TensorFlow Lite (int8, float32, or both) by its file identifier, else ONNX (float32, or with
 * QuantizeLinear and DequantizeLinear). Shapes are static,
 * batch 1 and NHWC afterwards, padding is explicit, and validateGraph holds.
 *
 * @param fileName where the bytes came from: the place in errors, and without folder and extension the graph's name
 * @throws InputError `model-unrecognized`, `model-damaged`, `model-unsupported`, `model-inconsistent` or
 *   `unknown-operator`
 */
export function importModel(bytes: Uint8Array, fileName: string): Graph {
  const extension = extname(fileName);
  const name = basename(fileName, extension);
  const graph = isTflite(bytes)
    ? importTflite(bytes, fileName, name)
    : isOnnx(bytes) || extension === '.onnx'
      ? importOnnx(bytes, fileName, name)
      : unrecognized(fileName);
  validateGraph(graph, fileName);
  const elements = activationsOf(graph).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (elements > MAXIMUM_ACTIVATIONS) {
    throw unsupportedModel(
      fileName,
      `computes ${elements} values`,
      `The activations of a model may have up to ${MAXIMUM_ACTIVATIONS} values together; use a smaller input`,
    );
  }
  return graph;
}

function unrecognized(fileName: string): never {
  throw new InputError({
    code: 'model-unrecognized',
    place: fileName,
    message: 'is neither a TensorFlow Lite model nor an ONNX model',
    remedy: 'Give a .tflite or .onnx file',
  });
}
