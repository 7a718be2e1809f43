import { floatData, quantizationOf } from '../graph-access.js';
import { elementCount, type Graph } from '../graph.js';
import { createFloatEvaluator, type FloatEvaluator } from './evaluate-float.js';
import { activate } from './float-kernels.js';
import type { Noise } from './noise.js';
import { dequantizedGraph, roundToGrid } from './simulate.js';
import { isWeighted } from './weighted.js';

/** Float32 values that the activations of all samples may take. */
const ACTIVATION_BUDGET = 4 << 20;
/** Multiply-accumulates that one judgement of a candidate may take: about a tenth of a second. */
const MAC_BUDGET = 2e8;
const FEWEST_SAMPLES = 4;
const MOST_SAMPLES = 32;

/** How many samples int8 candidates of a graph are judged on, so that it takes neither long nor much memory. */
export function judgedSamples(graph: Graph): number {
  const elements = graph.operators.reduce(
    (sum, { outputs }) => sum + elementCount(graph.tensors[outputs[0]].shape),
    0,
  );
  const macs = graph.operators.reduce(
    (sum, operator) =>
      sum + (isWeighted(operator) ? operatorMacs(graph, operator.inputs[1], operator.outputs[0]) : 0),
    1,
  );
  const affordable = Math.floor(Math.min(ACTIVATION_BUDGET / elements, MAC_BUDGET / macs));
  return Math.min(MOST_SAMPLES, Math.max(FEWEST_SAMPLES, affordable));
}

function channelsOf(graph: Graph, tensor: number): number {
  return graph.tensors[tensor].shape.at(-1) ?? 1;
}

function operatorMacs(graph: Graph, weights: number, output: number): number {
  const positions = elementCount(graph.tensors[output].shape) / channelsOf(graph, output);
  return elementCount(graph.tensors[weights].shape) * positions;
}

/** What the float graph computes from some samples: every activation, to compare int8 graphs with. */
export class Reference {
  readonly graph: Graph;
  readonly sampleCount: number;
  private readonly evaluators: readonly FloatEvaluator[];
  /** By operator and sample: mean per output channel, over positions, of what weighted operators compute before their clamp. */
  private readonly means: readonly (readonly Float64Array[])[];

  /** @param graph float, lowered, one input */
  constructor(graph: Graph, samples: readonly Float32Array[]) {
    this.graph = graph;
    this.sampleCount = samples.length;
    const unclamped = withoutClamps(graph);
    this.evaluators = samples.map((sample) => {
      const evaluator = createFloatEvaluator(unclamped);
      evaluator.values(graph.inputs[0]).set(sample);
      return evaluator;
    });
    this.means = graph.operators.map((operator, index) => {
      const output = operator.outputs[0];
      const channels = channelsOf(graph, output);
      return this.evaluators.map((evaluator) => {
        evaluator.runOperator(index);
        const values = evaluator.values(output);
        if (!isWeighted(operator)) {
          return new Float64Array();
        }
        const means = channelMeans(values, channels);
        activate(values, operator.activation);
        return means;
      });
    });
  }

  /** The float values of an activation. */
  values(sample: number, tensor: number): Float32Array {
    return this.evaluators[sample].values(tensor);
  }

  /**
   * Compares a tensor in int8 with its float values.
   *
   * @param quantized int8, with the activations of this graph under the same ids
   * @param samples indices of those to compare with
   * @param noise that of each sample is added to it
   */
  addNoise(quantized: Graph, tensor: number, samples: readonly number[], noise: Noise): void {
    const evaluator = createFloatEvaluator(dequantizedGraph(quantized));
    const grids = quantized.tensors.map((other) => other.quantization);
    for (const sample of samples) {
      evaluator.run([this.values(sample, this.graph.inputs[0])], (id, values) => {
        const grid = grids[id];
        if (grid !== null) {
          roundToGrid(values, grid);
        }
        if (id === tensor) {
          noise.add(this.values(sample, id), values);
        }
      });
    }
  }

  /**
   * Empirical bias correction (Nagel et al. 2019, section 4.2): operator by operator, in order, what rounding adds to the mean
   * of each output channel is taken from its bias. Means are compared in front of the fused clamp.
   *
   * @param quantized int8 form of this graph: same operators in the same order
   * @param samples indices of those to learn the means from
   * @returns this graph with other biases; an operator that had none gets one
   */
  correctBiases(quantized: Graph, samples: readonly number[]): Graph {
    const simulated = withoutClamps(dequantizedGraph(quantized));
    const input = this.graph.inputs[0];
    const evaluators = samples.map((sample) => {
      const evaluator = createFloatEvaluator(simulated);
      evaluator.values(input).set(this.values(sample, input));
      roundToGrid(evaluator.values(input), quantizationOf(quantized.tensors[input]));
      return evaluator;
    });
    const tensors = [...this.graph.tensors];
    const operators = this.graph.operators.map((operator, index) => {
      evaluators.forEach((evaluator) => {
        evaluator.runOperator(index);
      });
      let corrected = operator;
      if (isWeighted(operator)) {
        const output = operator.outputs[0];
        const corrections = new Float64Array(channelsOf(this.graph, output));
        evaluators.forEach((evaluator, i) => {
          const float = this.means[index][samples[i]];
          channelMeans(evaluator.values(output), corrections.length).forEach((mean, c) => {
            corrections[c] += (float[c] - mean) / samples.length;
          });
        });
        evaluators.forEach((evaluator) => {
          const values = evaluator.values(output);
          for (let i = 0; i < values.length; i++) {
            values[i] += corrections[i % corrections.length];
          }
          activate(values, operator.activation);
        });
        const [read, weights, biasId] = operator.inputs;
        const bias = biasId === undefined ? null : floatData(tensors[biasId]);
        tensors.push({
          id: tensors.length,
          name: biasId === undefined ? `${operator.name}/bias` : tensors[biasId].name,
          shape: [corrections.length],
          type: 'float32',
          quantization: null,
          data: Float32Array.from(corrections, (correction, c) => (bias?.[c] ?? 0) + correction),
        });
        corrected = { ...operator, inputs: [read, weights, tensors.length - 1] };
      }
      for (const id of operator.outputs) {
        evaluators.forEach((evaluator) => {
          roundToGrid(evaluator.values(id), quantizationOf(quantized.tensors[id]));
        });
      }
      return corrected;
    });
    return { ...this.graph, tensors, operators };
  }
}

function withoutClamps(graph: Graph): Graph {
  return {
    ...graph,
    operators: graph.operators.map((operator) =>
      isWeighted(operator) ? { ...operator, activation: 'NONE' } : operator,
    ),
  };
}

function channelMeans(values: Float32Array, channels: number): Float64Array {
  const sums = new Float64Array(channels);
  for (let start = 0; start < values.length; start += channels) {
    for (let c = 0; c < channels; c++) {
      sums[c] += values[start + c];
    }
  }
  return sums.map((sum) => (sum * channels) / values.length);
}
