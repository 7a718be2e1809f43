/** `npm run bench -- quantize`: what int8 costs the shared float models, and digits on its held-out samples. */
import { readFileSync } from 'node:fs';
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { accuracy } from '../../src-main/common/accuracy.js';
import { argmax } from '../../src-main/common/argmax.js';
import { loadDataset } from '../../src-main/common/dataset.js';
import { resourcePath } from '../../src-main/common/resources.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { createFloatEvaluator, lower } from '../../src-main/compiler/2-quantize/index.js';
import { CALIBRATION_METHODS, type CalibrationMethod } from '../../src-main/compiler/calibration-method.js';
import { compile, quantizeInput } from '../../src-main/compiler/index.js';
import { crossValidate, type CrossValidation } from './cross-validate.js';
import { sharedFile } from './shared.js';

const FOLDS = 5;

interface QuantizeResults {
  twins: ({ model: string; calibrateBy: CalibrationMethod; seconds: number } & CrossValidation)[];
  digits: Record<'float' | CalibrationMethod, number | null>;
}

export function benchQuantize(print: (line: string) => void): QuantizeResults {
  const twins: QuantizeResults['twins'] = [];
  print(
    "float twins, calibrated with 20 samples and judged by the 5 others, 5 times; on the board's kernels",
  );
  print(
    'model        calibrate by   same class   logits SQNR   official int8: same class   logits SQNR   s/quantization',
  );
  for (const [model, samples] of [
    ['kws_ds_cnn', 'kws_25'],
    ['ic_resnet8', 'ic_25'],
  ]) {
    const files = [
      sharedFile('models', `${model}_float.tflite`),
      sharedFile('models', `${model}_int8.tflite`),
      sharedFile('eval', `${samples}.npz`),
    ].flatMap((path) => (path === null ? [] : [readFileSync(path)]));
    if (files.length < 3) {
      print(`${model}: the folder shared is not here`);
      continue;
    }
    const [float, int8, data] = files;
    for (const calibrateBy of CALIBRATION_METHODS) {
      const start = performance.now();
      const result = crossValidate({ float, int8, data }, { calibrateBy, folds: FOLDS });
      const seconds = (performance.now() - start) / 1000 / FOLDS;
      twins.push({ model, calibrateBy, seconds, ...result });
      const { ours, official } = result;
      print(
        `${model.padEnd(12)} ${calibrateBy.padEnd(14)} ${`${ours.agree} of ${result.samples}`.padStart(10)} ` +
          `${`${ours.logitsSqnr.toFixed(2)} dB`.padStart(13)} ${`${official.agree} of ${result.samples}`.padStart(27)} ` +
          `${`${official.logitsSqnr.toFixed(2)} dB`.padStart(13)} ${seconds.toFixed(2).padStart(16)}`,
      );
    }
  }
  return { twins, digits: benchDigits(print) };
}

function benchDigits(print: (line: string) => void): QuantizeResults['digits'] {
  const example = (name: string) => readFileSync(resourcePath('dist', 'examples', name));
  const model = example('digits.onnx');
  const calibration = loadDataset(example('digits-calibration.npz'), 'calibration').samples;
  const { samples, labels } = loadDataset(example('digits-eval.npz'), 'eval');
  const floats = (all: typeof samples) => all.map((sample) => Float32Array.from(sample));
  const evaluator = createFloatEvaluator(lower(importModel(model, 'digits.onnx')));
  const share = (classes: number[]) => accuracy(classes, labels ?? []);
  const percent = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
  const float = share(floats(samples).map((sample) => argmax(evaluator.run([sample])[0])));
  const results: QuantizeResults['digits'] = { float, best: null, minmax: null, percentile: null, mse: null };
  for (const calibrateBy of CALIBRATION_METHODS) {
    const { image, graph } = compile(model, 'digits.onnx', {
      strategy: 'restart',
      kernels: 'fast',
      boardNumber: 0,
      sramBytes: 200_000,
      nvmBytes: 512 << 10,
      calibration: floats(calibration),
      calibrateBy,
    });
    results[calibrateBy] = share(inferOnHost(image, quantizeInput(samples, graph)).map(argmax));
  }
  print('');
  print(`digits, ${samples.length} held-out samples: float ${percent(float)}`);
  CALIBRATION_METHODS.forEach((method) => {
    print(`  int8, ${method.padEnd(10)} ${percent(results[method])}`);
  });
  return results;
}
