import type { CalibrationMethod } from '../calibration-method.js';
import { compactGraph } from '../graph-edit.js';
import { activationsOf, entryOf, scaleAndZeroPoint } from '../graph-access.js';
import type { Graph } from '../graph.js';
import { applyQuantizations, assignQuantizations } from './assign.js';
import { calibrate, checkCalibrationSamples, spread } from './calibrate.js';
import { equalizablePairs, equalize, type Equalization } from './equalize.js';
import { reportLayers, type LayerReport } from './layer-report.js';
import { freeGlobalPools } from './free-global-pools.js';
import { freePads } from './free-pads.js';
import { lower } from './lower/index.js';
import { Noise } from './noise.js';
import type { Granularity } from './quantize-values.js';
import { judgedSamples, Reference } from './reference.js';
import { isPredetermined, logitsOf } from './rules.js';
import { TensorStatistics, type ValueRange } from './statistics.js';

export interface QuantizeOptions {
  /** Default: `best`. */
  calibrateBy?: CalibrationMethod;
  /** Of the weights. Default: per-channel. */
  granularity?: Granularity;
  /** Default: what is best, judged on the calibration samples. */
  equalization?: Equalization;
  biasCorrection?: boolean;
  /** Whether the report says for each layer what it costs; takes about as long as the quantization. */
  layers?: boolean;
}

export interface TensorReport {
  name: string;
  /** Real values seen during calibration, or that int8 can hold for a model that came quantized. */
  minimum: number;
  maximum: number;
  scale: number;
  zeroPoint: number;
}

/** One way to quantize, and how good it was. */
export interface QuantizationTrial {
  /** `minmax`, `mse`, or a percentile such as `99.99 %`. */
  ranges: string;
  equalization: Equalization;
  biasCorrection: boolean;
  /** Signal-to-quantization-noise ratio in dB at the logits, over the calibration samples that were judged. */
  logitsSqnr: number;
}

export interface QuantizationReport {
  /** The model came as int8: nothing was calibrated. */
  alreadyQuantized: boolean;
  /** Samples that ranges come from, of those that were given. */
  calibrationSamples: number;
  /** Samples that trials were judged with. */
  judgedSamples: number;
  /** What was done; null for a model that came quantized. */
  chosen: QuantizationTrial | null;
  /** Everything that was tried, in order. */
  trials: QuantizationTrial[];
  /** Pairs of operators between which channels were equalized. */
  equalizedPairs: number;
  granularity: Granularity;
  /** Every activation, in order of execution. */
  activations: TensorReport[];
  /** In order of execution; null unless asked for, or when there is no float model to compare with. */
  layers: LayerReport[] | null;
}

const EMPTY_REPORT: Omit<QuantizationReport, 'granularity' | 'activations'> = {
  alreadyQuantized: false,
  calibrationSamples: 0,
  judgedSamples: 0,
  chosen: null,
  trials: [],
  equalizedPairs: 0,
  layers: null,
};

/** More samples hardly change ranges and cost time. */
const MOST_CALIBRATION_SAMPLES = 256;
/** With fewer than this, judging with half of them would be unfair to the other half. */
const FEW_SAMPLES = 64;
/** A trial must be better by this many dB to be preferred to a simpler one. */
const WORTHWHILE = 0.05;

type RangeOf = (statistics: TensorStatistics) => ValueRange;

interface RangeRule {
  name: string;
  /** Of activations within the network. */
  inner: RangeOf;
  /** Of the logits: what is cut off there no later layer can make good, and two classes at the end of the range are one. */
  logits: RangeOf;
}

const seen: RangeOf = (statistics) => statistics.range;
const widened: RangeOf = (statistics) => statistics.headroomRange(0.01);
/** Logits cost little resolution and much accuracy. */
const widenedMore: RangeOf = (statistics) => statistics.headroomRange(0.001);
const percentile = (percent: number): RangeRule => ({
  name: `${percent} %`,
  inner: (statistics) => statistics.percentileRange(percent / 100),
  logits: widenedMore,
});
const MINMAX: RangeRule = { name: 'minmax', inner: seen, logits: seen };
const MSE: RangeRule = {
  name: 'mse',
  inner: (statistics) => statistics.meanSquaredErrorRange(),
  logits: widenedMore,
};
const RANGE_RULES: Readonly<Record<CalibrationMethod, readonly RangeRule[]>> = {
  minmax: [MINMAX],
  percentile: [percentile(99.99), percentile(99.999), percentile(99.9)],
  mse: [MSE],
  best: [
    MINMAX,
    { name: 'minmax, logits with headroom', inner: seen, logits: widenedMore },
    { name: 'minmax with headroom', inner: widened, logits: widenedMore },
    MSE,
    percentile(99.99),
    percentile(99.9),
  ],
};

/** Whether all activations are int8. */
export function isQuantized(graph: Graph): boolean {
  return activationsOf(graph).every((tensor) => tensor.type === 'int8');
}

/**
 * Lowers the graph and, if it is float32, quantizes it fully to int8 as TensorFlow Lite's int8 specification has it:
 * weights symmetric per output channel (FULLY_CONNECTED included), activations asymmetric per tensor, bias int32 in units of
 * input scale times weight scale; `rules.ts` has the operators whose output is not free.
 *
 * What the options leave open is tried: ranges first, then equalization, then bias correction, keeping what gives the best
 * signal-to-quantization-noise ratio at the logits, cross-validated over the calibration samples. Input and logits keep their
 * whole range. The same graph, samples and options give the same result.
 *
 * @param calibrationSamples NHWC inputs of a float graph; not looked at for an int8 graph
 * @throws InputError of checkCalibrationSamples and calibrate
 */
export function quantize(
  graph: Graph,
  calibrationSamples: readonly Float32Array[],
  options: QuantizeOptions = {},
): { graph: Graph; report: QuantizationReport } {
  const lowered = lower(graph);
  const granularity = options.granularity ?? 'per-channel';
  if (isQuantized(lowered)) {
    return {
      graph: lowered,
      report: {
        ...EMPTY_REPORT,
        alreadyQuantized: true,
        granularity,
        activations: activationReports(lowered, new Map()),
      },
    };
  }
  if (isPredetermined(lowered)) {
    const int8 = applyQuantizations(lowered, assignQuantizations(lowered, new Map()), granularity);
    return {
      graph: compactGraph(int8),
      report: { ...EMPTY_REPORT, granularity, activations: activationReports(int8, new Map()) },
    };
  }
  checkCalibrationSamples(lowered, calibrationSamples);
  const workshop = new Workshop(freePads(freeGlobalPools(lowered)), calibrationSamples, granularity);
  const { recipe, chosen, trials } = search(workshop, options);
  const { variant, outcome } = workshop.make(recipe);
  const { int8, ranges } = outcome;
  return {
    graph: compactGraph(int8),
    report: {
      alreadyQuantized: false,
      calibrationSamples: workshop.calibrating.length,
      judgedSamples: workshop.judged.length,
      chosen,
      trials,
      equalizedPairs: equalizablePairs(workshop.graph, chosen.equalization).length,
      granularity,
      activations: activationReports(int8, variant.statistics),
      layers:
        options.layers === true ? reportLayers(int8, variant.reference, variant.statistics, ranges) : null,
    },
  };
}

/** A float graph, equalized in one way, with what calibration saw of it. */
interface Variant {
  graph: Graph;
  statistics: ReadonlyMap<number, TensorStatistics>;
  reference: Reference;
}

/** A variant made without some samples, to be judged with them. */
interface Fold extends Variant {
  /** Indices within the reference. */
  known: readonly number[];
  unknown: readonly number[];
}

interface Recipe {
  ranges: RangeRule;
  equalization: Equalization;
  biasCorrection: boolean;
}

interface Outcome {
  int8: Graph;
  /** What was asked for, before operators that share a quantization were joined. */
  ranges: ReadonlyMap<number, ValueRange>;
}

/** Judges recipes by cross-validation and makes int8 graphs of them. */
class Workshop {
  private readonly folds = new Map<Equalization, readonly Fold[]>();
  readonly calibrating: readonly Float32Array[];
  readonly judged: readonly Float32Array[];
  private readonly foldOf: ReadonlyMap<Float32Array, number>;
  private readonly foldCount: number;
  /** Statistics of the graph as it is, of each fold's samples alone. */
  private readonly parts: readonly ReadonlyMap<number, TensorStatistics>[];

  constructor(
    readonly graph: Graph,
    samples: readonly Float32Array[],
    private readonly granularity: Granularity,
  ) {
    this.calibrating = spread(samples, MOST_CALIBRATION_SAMPLES);
    this.judged = spread(this.calibrating, judgedSamples(graph));
    this.foldCount = Math.min(this.judged.length, this.calibrating.length < FEW_SAMPLES ? 4 : 2);
    this.foldOf = new Map(
      [...this.calibrating, ...this.judged].map((sample, i) => [
        sample,
        (i < this.calibrating.length ? i : i - this.calibrating.length) % this.foldCount,
      ]),
    );
    this.parts = Array.from({ length: this.foldCount }, (_, fold) =>
      calibrate(
        graph,
        this.calibrating.filter((sample) => this.foldOf.get(sample) === fold),
      ),
    );
  }

  /** How good a recipe is on samples that it was not made with; with one sample only, on that. */
  judge(recipe: Recipe): QuantizationTrial {
    const noise = new Noise();
    for (const fold of this.foldsOf(recipe.equalization)) {
      const { int8 } = this.cook(fold, recipe, fold.known);
      fold.reference.addNoise(int8, logitsOf(int8), fold.unknown, noise);
    }
    const { equalization, biasCorrection } = recipe;
    return { ranges: recipe.ranges.name, equalization, biasCorrection, logitsSqnr: noise.decibels };
  }

  /** The result of a recipe with all samples. */
  make(recipe: Recipe): { variant: Variant; outcome: Outcome } {
    const whole = mergeStatistics(this.parts);
    const plain = recipe.equalization === 'none';
    const graph = plain ? this.graph : equalize(this.graph, whole, recipe.equalization);
    const variant = {
      graph,
      statistics: plain ? whole : calibrate(graph, this.calibrating),
      reference: new Reference(graph, this.judged),
    };
    return { variant, outcome: this.cook(variant, recipe, [...this.judged.keys()]) };
  }

  private cook(
    { graph, statistics, reference }: Variant,
    recipe: Recipe,
    samples: readonly number[],
  ): Outcome {
    const { inner, logits } = recipe.ranges;
    const last = logitsOf(graph);
    const rangeOf = (id: number): RangeOf =>
      graph.inputs.includes(id) ? seen : id === last ? logits : inner;
    const ranges = new Map([...statistics].map(([id, known]) => [id, rangeOf(id)(known)]));
    const quantizations = assignQuantizations(graph, ranges);
    const plain = applyQuantizations(graph, quantizations, this.granularity);
    const int8 = recipe.biasCorrection
      ? applyQuantizations(reference.correctBiases(plain, samples), quantizations, this.granularity)
      : plain;
    return { int8, ranges };
  }

  private foldsOf(equalization: Equalization): readonly Fold[] {
    const known = this.folds.get(equalization);
    if (known !== undefined) {
      return known;
    }
    const plain = equalization === 'none' ? new Reference(this.graph, this.judged) : null;
    const folds = Array.from({ length: this.foldCount }, (_, fold): Fold => {
      const isKnown = (sample: Float32Array): boolean =>
        this.foldCount === 1 || this.foldOf.get(sample) !== fold;
      const others = this.parts.filter((__, part) => this.foldCount === 1 || part !== fold);
      const graph = plain === null ? equalize(this.graph, mergeStatistics(others), equalization) : this.graph;
      const indices = [...this.judged.keys()];
      return {
        graph,
        statistics:
          plain === null ? calibrate(graph, this.calibrating.filter(isKnown)) : mergeStatistics(others),
        reference: plain ?? new Reference(graph, this.judged),
        known: indices.filter((i) => isKnown(this.judged[i])),
        unknown: indices.filter((i) => this.foldCount === 1 || !isKnown(this.judged[i])),
      };
    });
    this.folds.set(equalization, folds);
    return folds;
  }
}

/** Tries what the options leave open, one question after the other, the simplest answer first. */
function search(
  workshop: Workshop,
  options: QuantizeOptions,
): { recipe: Recipe; chosen: QuantizationTrial; trials: QuantizationTrial[] } {
  const rules = RANGE_RULES[options.calibrateBy ?? 'best'];
  let recipe: Recipe = {
    ranges: rules[0],
    equalization: options.equalization ?? 'none',
    biasCorrection: options.biasCorrection ?? false,
  };
  let chosen = workshop.judge(recipe);
  const trials = [chosen];
  const consider = (change: Partial<Recipe>): void => {
    const candidate = { ...recipe, ...change };
    const trial = workshop.judge(candidate);
    trials.push(trial);
    if (trial.logitsSqnr > chosen.logitsSqnr + WORTHWHILE) {
      [recipe, chosen] = [candidate, trial];
    }
  };
  for (const ranges of rules.slice(1)) {
    consider({ ranges });
  }
  if (options.biasCorrection === undefined) {
    consider({ biasCorrection: true });
  }
  if (options.equalization === undefined) {
    const depthwise = equalizablePairs(workshop.graph, 'depthwise').length;
    if (depthwise > 0) {
      consider({ equalization: 'depthwise' });
    }
    if (equalizablePairs(workshop.graph, 'all').length > depthwise) {
      consider({ equalization: 'all' });
    }
  }
  return { recipe, chosen, trials };
}

function mergeStatistics(
  parts: readonly ReadonlyMap<number, TensorStatistics>[],
): ReadonlyMap<number, TensorStatistics> {
  return new Map(
    [...parts[0].keys()].map((id) => [id, TensorStatistics.merge(parts.map((part) => entryOf(part, id)))]),
  );
}

function activationReports(graph: Graph, statistics: ReadonlyMap<number, TensorStatistics>): TensorReport[] {
  return activationsOf(graph).map((tensor) => {
    const { scale, zeroPoint } = scaleAndZeroPoint(tensor);
    const { minimum, maximum } = statistics.get(tensor.id)?.range ?? {
      minimum: scale * (-128 - zeroPoint),
      maximum: scale * (127 - zeroPoint),
    };
    return { name: tensor.name, minimum, maximum, scale, zeroPoint };
  });
}
