import { entryOf, floatData, quantizationOf, scaleAndZeroPoint } from '../graph-access.js';
import { elementCount, type Graph, type Operator, type OperatorKind } from '../graph.js';
import { createFloatEvaluator } from './evaluate-float.js';
import { Noise } from './noise.js';
import type { Reference } from './reference.js';
import { logitsOf } from './rules.js';
import { dequantizedGraph, roundToGrid } from './simulate.js';
import type { TensorStatistics, ValueRange } from './statistics.js';
import { isWeighted } from './weighted.js';

/** What int8 did to one operator. Ratios of signal to quantization noise are in dB: 6 dB are one bit, more is better. */
export interface LayerReport {
  name: string;
  kind: OperatorKind | 'INPUT';
  shape: number[];
  /** Real values of the output that calibration saw, and those that the quantization was made for. */
  seen: ValueRange;
  kept: ValueRange;
  /** Share of the values seen that lie beyond what int8 holds now. */
  clipped: number;
  scale: number;
  zeroPoint: number;
  weights: {
    channels: number;
    smallestScale: number;
    largestScale: number;
    /** Of the weights themselves. */
    sqnr: number;
  } | null;
  /** Of the output, when the operator is int8 and reads exact float values. */
  aloneSqnr: number;
  /** Of the output, when everything before is int8, too. */
  cumulativeSqnr: number;
  /** Of the logits, when this operator alone is int8 and everything else float: the lowest one costs the most. */
  logitsSqnr: number;
}

/** Samples for `logitsSqnr`, which runs the network once per operator. */
const MOST_LOGITS_SAMPLES = 8;

/**
 * @param int8 made from `reference.graph`, activations under the same ids
 * @param ranges what was asked for, by tensor
 */
export function reportLayers(
  int8: Graph,
  reference: Reference,
  statistics: ReadonlyMap<number, TensorStatistics>,
  ranges: ReadonlyMap<number, ValueRange>,
): LayerReport[] {
  const measures = measure(int8, reference);
  const atLogits = logitsNoises(int8, reference);
  const reportOf = (id: number, kind: LayerReport['kind'], operator: Operator | null): LayerReport => {
    const tensor = int8.tensors[id];
    const { scale, zeroPoint } = scaleAndZeroPoint(tensor);
    const held = { minimum: scale * (-128.5 - zeroPoint), maximum: scale * (127.5 - zeroPoint) };
    return {
      name: operator?.name ?? tensor.name,
      kind,
      shape: tensor.shape,
      seen: entryOf(statistics, id).range,
      kept: entryOf(ranges, id),
      clipped: entryOf(statistics, id).shareBeyond(held),
      scale,
      zeroPoint,
      weights: operator === null ? null : weightsReport(int8, reference.graph, operator),
      aloneSqnr: entryOf(measures, id).alone.decibels,
      cumulativeSqnr: entryOf(measures, id).cumulative.decibels,
      logitsSqnr: entryOf(atLogits, id).decibels,
    };
  };
  return [
    ...int8.inputs.map((id) => reportOf(id, 'INPUT', null)),
    ...int8.operators.map((operator) => reportOf(operator.outputs[0], operator.kind, operator)),
  ];
}

function measure(int8: Graph, reference: Reference): Map<number, { alone: Noise; cumulative: Noise }> {
  const evaluator = createFloatEvaluator(dequantizedGraph(int8));
  const noises = new Map<number, { alone: Noise; cumulative: Noise }>();
  const input = int8.inputs[0];
  for (let sample = 0; sample < reference.sampleCount; sample++) {
    for (const mode of ['alone', 'cumulative'] as const) {
      evaluator.run([reference.values(sample, input)], (id, values) => {
        const noise = noises.get(id) ?? { alone: new Noise(), cumulative: new Noise() };
        noises.set(id, noise);
        roundToGrid(values, quantizationOf(int8.tensors[id]));
        noise[mode].add(reference.values(sample, id), values);
        if (mode === 'alone') {
          values.set(reference.values(sample, id));
        }
      });
    }
  }
  return noises;
}

/** Noise of the logits with one tensor, and the constants of its operator, in int8; by tensor. */
function logitsNoises(int8: Graph, reference: Reference): Map<number, Noise> {
  const float = createFloatEvaluator(reference.graph);
  const simulated = createFloatEvaluator(dequantizedGraph(int8));
  const logits = logitsOf(int8);
  const noises = new Map<number, Noise>();
  const { operators } = int8;
  const activations = [...int8.inputs, ...operators.flatMap(({ outputs }) => outputs)];
  const samples = Math.min(MOST_LOGITS_SAMPLES, reference.sampleCount);
  for (let sample = 0; sample < samples; sample++) {
    for (let index = -1; index < operators.length; index++) {
      for (const id of activations) {
        float.values(id).set(reference.values(sample, id));
        simulated.values(id).set(reference.values(sample, id));
      }
      if (index >= 0) {
        simulated.runOperator(index);
      }
      const outputs = index < 0 ? int8.inputs : operators[index].outputs;
      for (const id of outputs) {
        roundToGrid(simulated.values(id), quantizationOf(int8.tensors[id]));
        float.values(id).set(simulated.values(id));
      }
      for (let later = index + 1; later < operators.length; later++) {
        float.runOperator(later);
      }
      const noise = noises.get(outputs[0]) ?? new Noise();
      noises.set(outputs[0], noise);
      noise.add(reference.values(sample, logits), float.values(logits));
    }
  }
  return noises;
}

function weightsReport(int8: Graph, float: Graph, operator: Operator): LayerReport['weights'] {
  const twin = float.operators.find(({ outputs }) => outputs[0] === operator.outputs[0]);
  if (twin === undefined || !isWeighted(operator)) {
    return null;
  }
  const weights = int8.tensors[operator.inputs[1]];
  const { scales } = quantizationOf(weights);
  const noise = new Noise();
  noise.add(
    floatData(float.tensors[twin.inputs[1]]),
    floatData(dequantizedGraph(int8).tensors[operator.inputs[1]]),
  );
  return {
    channels: elementCount([scales.length]),
    smallestScale: Math.min(...scales),
    largestScale: Math.max(...scales),
    sqnr: noise.decibels,
  };
}
