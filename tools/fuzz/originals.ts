import { readFileSync } from 'node:fs';
import { resourcePath } from '../../src-main/common/resources.js';
import { sharedFile } from '../bench/shared.js';
import { writeTflite } from '../bench/tflite-writer.js';
import { FAMILIES, quantizedNet } from '../models/model-families.js';
import { writeOnnx, type OnnxSpec } from '../models/onnx-writer.js';
import { randomOnnx, randomSequenceOnnx } from '../models/random-onnx.js';
import { TFLITE_SAMPLES } from '../models/tflite-samples.js';
import type { Original } from './mutations.js';

const SHARED_MODELS = ['hello_world_int8', 'micro_speech_int8', 'kws_ds_cnn_int8', 'ic_resnet8_int8'];

/** The bundled model, models with every operator, random ones, and the real ones beside the checkout if they are there. */
export function fuzzOriginals(): Original[] {
  const onnx = (name: string, spec: OnnxSpec): Original => ({
    name,
    format: 'onnx',
    bytes: writeOnnx(spec),
    spec,
  });
  return [
    // Large files take most of the time and have little structure for it: once each, small ones several times.
    ...SHARED_MODELS.flatMap((name): Original[] => {
      const bytes = readShared(`${name}.tflite`);
      return bytes === null ? [] : [{ name, format: 'tflite', bytes }];
    }),
    {
      name: 'digits',
      format: 'onnx',
      bytes: readFileSync(resourcePath('src-main', 'examples', 'digits.onnx')),
    },
    ...TFLITE_SAMPLES.flatMap((make, i): Original[] => {
      const spec = make();
      const original: Original = { name: `sample ${i}`, format: 'tflite', bytes: writeTflite(spec), spec };
      return new Array<Original>(8).fill(original);
    }),
    ...Object.entries(FAMILIES).flatMap(([name, make]) => twice(onnx(name, make()))),
    ...twice(onnx('quantized net', quantizedNet())),
    ...Array.from({ length: 6 }, (_, i) => twice(onnx(`random ${i}`, randomOnnx(1000 + i)))).flat(),
    ...Array.from({ length: 2 }, (_, i) => twice(onnx(`sequence ${i}`, randomSequenceOnnx(1000 + i)))).flat(),
  ];
}

function twice(original: Original): Original[] {
  return [original, original];
}

function readShared(name: string): Uint8Array | null {
  const path = sharedFile('models', name);
  return path === null ? null : readFileSync(path);
}
