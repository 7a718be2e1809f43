/** The compiler: a model file to the image that a board executes. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { InputError } from '../common/errors.js';
import { present } from '../common/present.js';
import { importModel } from './1-import/index.js';
import { quantize, type QuantizationReport } from './2-quantize/index.js';
import type { CalibrationMethod } from './calibration-method.js';
import { plan, type CostModel, type PlanningPower } from './3-plan/index.js';
import { emit } from './4-emit/index.js';
import { roundHalfAwayFromZero } from './fixed-point.js';
import { elementCount, type Graph, type Tensor } from './graph.js';
import { inspectGraph, type Inspection } from './inspect.js';
import type { KernelSet, Plan, Strategy } from './plan.js';

export { printQuantization, summarizeQuantization } from './2-quantize/index.js';
export {
  explainPlan,
  printPlan,
  type ExplainedTask,
  timelineOf,
  type TimedTask,
  type Timeline,
  type CostModel,
  type OperatorCost,
  type PlanningPower,
} from './3-plan/index.js';
export { describeImage, emitDataset, type ImageDescription } from './4-emit/index.js';

export interface CompileOptions {
  strategy: Strategy;
  kernels: KernelSet;
  /** Board number of the image header; 0 = any board. */
  boardNumber: number;
  /** SRAM for activations. */
  sramBytes: number;
  /** What the board could give at most, for remedies; left out: any amount. */
  boardSramBytes?: number;
  /** Of the board, to tell the cheapest way into little SRAM; left out: those of `power`, or typical ones. */
  costs?: CostModel;
  /** Whole NVM of the board. */
  nvmBytes: number;
  /** Inputs in NHWC order, for float models; a model that is int8 already needs none. */
  calibration?: readonly Float32Array[];
  /** How ranges are chosen from the calibration samples; default: what is best. */
  calibrateBy?: CalibrationMethod;
  /** Whether the quantization report says for each layer what it costs. */
  reportLayers?: boolean;
  /** Units per tile of strategy `tile`, instead of its own choice. */
  tileUnits?: number;
  /** What strategies `planned` and `adaptive` plan for; null or left out: power that never fails. */
  power?: PlanningPower | null;
}

export interface ScaleAndZeroPoint {
  scale: number;
  zeroPoint: number;
}

export interface Compilation {
  /** Lowered, int8. */
  graph: Graph;
  plan: Plan;
  image: Uint8Array;
  /** real = scale * (stored - zeroPoint). */
  quantization: { input: ScaleAndZeroPoint; output: ScaleAndZeroPoint; report: QuantizationReport };
  /** Of the model as imported. */
  inspection: Inspection;
  modelSha256: string;
}

/**
 * Compiles a model for a board.
 *
 * @param fileName where the bytes came from; the place in errors
 * @throws InputError of any phase, e.g. `unknown-operator`, `arena-too-large`
 */
export function compile(modelBytes: Uint8Array, fileName: string, options: CompileOptions): Compilation {
  return compileQuantized(quantizeModel(modelBytes, fileName, options), options);
}

/** A model read and quantized: what plans for different boards and powers have in common. */
export interface QuantizedModel extends Pick<Compilation, 'graph' | 'inspection' | 'modelSha256'> {
  report: QuantizationReport;
}

/** The first half of `compile`. */
export function quantizeModel(
  modelBytes: Uint8Array,
  fileName: string,
  options: Pick<CompileOptions, 'calibration' | 'calibrateBy' | 'reportLayers'>,
): QuantizedModel {
  const imported = importModel(modelBytes, fileName);
  const inspection = inspectGraph(imported);
  const { graph, report } = quantize(imported, options.calibration ?? [], {
    ...(options.calibrateBy === undefined ? {} : { calibrateBy: options.calibrateBy }),
    layers: options.reportLayers === true,
  });
  const modelSha256 = createHash('sha256').update(modelBytes).digest('hex');
  return { graph, report, inspection, modelSha256 };
}

/** The second half of `compile`. */
export function compileQuantized(
  { graph, report, inspection, modelSha256 }: QuantizedModel,
  options: CompileOptions,
): Compilation {
  const planned = plan(graph, options);
  return {
    graph,
    plan: planned,
    image: emit(planned, { board: options.boardNumber, modelSha256: Buffer.from(modelSha256, 'hex') }),
    quantization: {
      input: scaleAndZeroPoint(inputOf(graph)),
      output: scaleAndZeroPoint(graph.tensors[graph.outputs[0]]),
      report,
    },
    inspection,
    modelSha256,
  };
}

/**
 * Samples of a data set as the model stores its input: float32 is quantized (rounded half away from zero, clamped),
 * int8 is taken as it is, uint8 is shifted by 128 as uint8 models become int8 ones.
 *
 * @param graph int8
 * @throws InputError `dataset-shape` naming the first sample that does not fit
 */
export function quantizeInput(
  samples: readonly (Float32Array | Int8Array | Uint8Array)[],
  graph: Graph,
): Int8Array[] {
  const input = inputOf(graph);
  const elements = elementCount(input.shape);
  const { scale, zeroPoint } = scaleAndZeroPoint(input);
  return samples.map((sample, index) => {
    if (sample.length !== elements) {
      throw new InputError({
        code: 'dataset-shape',
        place: `data set, sample ${index}`,
        message: `has ${sample.length} elements; the input [${input.shape.join(', ')}] of "${basename(graph.name)}" has ${elements}`,
        remedy: 'Use the data set that belongs to this model',
      });
    }
    if (sample instanceof Int8Array) {
      return sample;
    }
    if (sample instanceof Uint8Array) {
      return Int8Array.from(sample, (value) => value - 128);
    }
    return Int8Array.from(sample, (value) =>
      Math.min(127, Math.max(-128, roundHalfAwayFromZero(value / scale) + zeroPoint)),
    );
  });
}

function inputOf(graph: Graph): Tensor {
  return graph.tensors[graph.inputs[0]];
}

function scaleAndZeroPoint({ name, quantization }: Tensor): ScaleAndZeroPoint {
  const { scales, zeroPoints } = present(quantization, `quantization of tensor "${name}"`);
  return { scale: scales[0], zeroPoint: zeroPoints[0] };
}
