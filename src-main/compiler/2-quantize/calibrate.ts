import { InputError } from '../../common/errors.js';
import { elementCount, type Graph } from '../graph.js';
import { createFloatEvaluator } from './evaluate-float.js';

/** Smallest and largest value that a tensor took; always includes 0. */
export interface ValueRange {
  minimum: number;
  maximum: number;
}

/**
 * Runs the float graph on every sample.
 *
 * @param samples NHWC, one array per sample; the graph has one input
 * @returns the range of every activation, by tensor id
 * @throws InputError `calibration-missing`, `calibration-shape` or `calibration-value`
 */
export function calibrate(graph: Graph, samples: readonly Float32Array[]): Map<number, ValueRange> {
  const place = `model "${graph.name}"`;
  if (samples.length === 0) {
    throw new InputError({
      code: 'calibration-missing',
      place,
      message: 'is a float model and there are no samples to calibrate its quantization with',
      remedy:
        'Give calibration data (.npz with x; --calibration on the command line, calibration: in a campaign), or an int8 model',
    });
  }
  const input = graph.tensors[graph.inputs[0]];
  const elements = elementCount(input.shape);
  const odd = samples.findIndex((sample) => sample.length !== elements);
  if (odd !== -1 || graph.inputs.length !== 1) {
    throw new InputError({
      code: 'calibration-shape',
      place,
      message:
        graph.inputs.length === 1
          ? `takes ${elements} values [${input.shape.join(', ')}], calibration sample ${odd} has ${samples[odd].length}`
          : `has ${graph.inputs.length} inputs, and calibration data has one`,
      remedy: 'Give samples of the shape of the model input, channels last',
    });
  }
  const evaluator = createFloatEvaluator(graph);
  const ranges = new Map<number, ValueRange>();
  samples.forEach((sample, index) => {
    evaluator.run([sample], (tensor, values) => {
      const range = ranges.get(tensor) ?? { minimum: 0, maximum: 0 };
      let { minimum, maximum } = range;
      let sum = 0;
      for (const value of values) {
        sum += value;
        if (value < minimum) {
          minimum = value;
        } else if (value > maximum) {
          maximum = value;
        }
      }
      // One value that is not a number makes the sum none either.
      if (!Number.isFinite(sum)) {
        throw new InputError({
          code: 'calibration-value',
          place,
          message: `computes "${graph.tensors[tensor].name}" from calibration sample ${index} as infinite or not a number`,
          remedy: 'Check the weights of the model and the calibration data',
        });
      }
      ranges.set(tensor, { minimum, maximum });
    });
  });
  return ranges;
}
