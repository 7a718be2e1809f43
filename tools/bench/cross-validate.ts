/** How close int8 comes to float on samples that the quantization has not seen, on the kernels of the board. */
import { inferOnHost } from '../../src-main/board/host/host-board.js';
import { argmax } from '../../src-main/common/argmax.js';
import { loadDataset } from '../../src-main/common/dataset.js';
import { importModel } from '../../src-main/compiler/1-import/index.js';
import { createFloatEvaluator, lower, quantize } from '../../src-main/compiler/2-quantize/index.js';
import { Noise } from '../../src-main/compiler/2-quantize/noise.js';
import { logitsOf } from '../../src-main/compiler/2-quantize/rules.js';
import { plan } from '../../src-main/compiler/3-plan/index.js';
import { emit } from '../../src-main/compiler/4-emit/index.js';
import type { CalibrationMethod } from '../../src-main/compiler/calibration-method.js';
import { quantizeInput } from '../../src-main/compiler/index.js';
import { compactGraph } from '../../src-main/compiler/graph-edit.js';
import { scaleAndZeroPoint } from '../../src-main/compiler/graph-access.js';
import type { Graph } from '../../src-main/compiler/graph.js';

interface Agreement {
  /** Samples whose largest logit is the float model's. */
  agree: number;
  /** In dB, over all samples. */
  logitsSqnr: number;
}

export interface CrossValidation {
  samples: number;
  ours: Agreement;
  /** Of the int8 model that somebody else made of the same float model. */
  official: Agreement;
}

/**
 * @param float a model and its int8 twin with the same input
 * @param folds groups that samples are dealt to; each is judged by what the others calibrated
 * @param data samples as the twin stores them; dequantized, they are the float model's
 */
export function crossValidate(
  { float, int8, data }: Record<'float' | 'int8' | 'data', Uint8Array>,
  { calibrateBy, folds }: { calibrateBy: CalibrationMethod; folds: number },
): CrossValidation {
  const source = upToLogits(lower(importModel(float, 'float.tflite')));
  const official = upToLogits(lower(importModel(int8, 'int8.tflite')));
  const { scale, zeroPoint } = scaleAndZeroPoint(official.tensors[official.inputs[0]]);
  const samples = loadDataset(data, 'data').samples.map((sample) =>
    Float32Array.from(sample, (value) => scale * (value - zeroPoint)),
  );
  const evaluator = createFloatEvaluator(source);
  const logits = samples.map((sample) => evaluator.run([sample])[0]);
  const all = [...samples.keys()];
  const [ours, theirs] = [new Tally(), new Tally()];
  theirs.add(official, samples, logits);
  for (let fold = 0; fold < folds; fold++) {
    const known = all.filter((i) => i % folds !== fold).map((i) => samples[i]);
    const unknown = all.filter((i) => i % folds === fold);
    ours.add(
      quantize(source, known, { calibrateBy }).graph,
      unknown.map((i) => samples[i]),
      unknown.map((i) => logits[i]),
    );
  }
  return { samples: samples.length, ours: ours.agreement, official: theirs.agreement };
}

class Tally {
  private agree = 0;
  private readonly noise = new Noise();

  add(graph: Graph, samples: readonly Float32Array[], logits: readonly Float32Array[]): void {
    const planned = plan(graph, {
      strategy: 'restart',
      kernels: 'fast',
      sramBytes: 1 << 20,
      nvmBytes: 1 << 20,
    });
    const image = emit(planned, { board: 0, modelSha256: new Uint8Array(32) });
    const { scale, zeroPoint } = scaleAndZeroPoint(graph.tensors[graph.outputs[0]]);
    inferOnHost(image, quantizeInput(samples, graph)).forEach((output, i) => {
      const real = Float32Array.from(output, (value) => scale * (value - zeroPoint));
      this.noise.add(logits[i], real);
      this.agree += argmax(real) === argmax(logits[i]) ? 1 : 0;
    });
  }

  get agreement(): Agreement {
    return { agree: this.agree, logitsSqnr: this.noise.decibels };
  }
}

/** The graph without the SOFTMAX at its end, which hides differences between logits. */
function upToLogits(graph: Graph): Graph {
  return compactGraph({ ...graph, outputs: [logitsOf(graph)] });
}
