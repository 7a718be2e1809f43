import { InputError } from '../../common/errors.js';
import { elementCount, type Graph } from '../graph.js';
import { createFloatEvaluator } from './evaluate-float.js';
import { TensorStatistics } from './statistics.js';

/**
 * @param samples NHWC, one array per sample; the graph has one input
 * @throws InputError `calibration-missing` or `calibration-shape`
 */
export function checkCalibrationSamples(graph: Graph, samples: readonly Float32Array[]): void {
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
}

/**
 * Runs the float graph on every sample.
 *
 * @param samples that checkCalibrationSamples accepts
 * @returns the statistics of every activation, by tensor id
 * @throws InputError `calibration-value`
 */
export function calibrate(graph: Graph, samples: readonly Float32Array[]): Map<number, TensorStatistics> {
  const evaluator = createFloatEvaluator(graph);
  const statistics = new Map<number, TensorStatistics>();
  samples.forEach((sample, index) => {
    evaluator.run([sample], (id, values) => {
      const tensor = graph.tensors[id];
      const known = statistics.get(id) ?? new TensorStatistics(tensor.shape.at(-1) ?? 1);
      statistics.set(id, known);
      if (!known.add(values)) {
        throw new InputError({
          code: 'calibration-value',
          place: `model "${graph.name}"`,
          message: `computes "${tensor.name}" from calibration sample ${index} as infinite or not a number`,
          remedy: 'Check the weights of the model and the calibration data',
        });
      }
    });
  });
  return statistics;
}

/** At most `limit` entries, evenly spread over all, in order. */
export function spread<Item>(items: readonly Item[], limit: number): Item[] {
  const count = Math.min(items.length, limit);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}
