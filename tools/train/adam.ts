import type { Parameter } from './layers.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam (Kingma and Ba, 2015, algorithm 1) with the constants of the paper. */
export class Adam {
  private readonly moments: { mean: Float64Array; square: Float64Array }[];
  private steps = 0;

  constructor(private readonly parameters: readonly Parameter[]) {
    this.moments = parameters.map(({ value }) => ({
      mean: new Float64Array(value.length),
      square: new Float64Array(value.length),
    }));
  }

  /** One update from the gradients summed over `samples`; clears them. */
  step(learningRate: number, samples: number): void {
    this.steps++;
    const meanCorrection = 1 - BETA1 ** this.steps;
    const squareCorrection = 1 - BETA2 ** this.steps;
    for (const [which, { value, gradient }] of this.parameters.entries()) {
      const { mean, square } = this.moments[which];
      for (let index = 0; index < value.length; index++) {
        const slope = gradient[index] / samples;
        mean[index] = BETA1 * mean[index] + (1 - BETA1) * slope;
        square[index] = BETA2 * square[index] + (1 - BETA2) * slope * slope;
        const step = mean[index] / meanCorrection / (Math.sqrt(square[index] / squareCorrection) + EPSILON);
        value[index] -= learningRate * step;
      }
      gradient.fill(0);
    }
  }
}

/** Learning rate falling from `peak` to 0 along half a cosine. `progress` is 0 .. 1. */
export function cosineRate(peak: number, progress: number): number {
  return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
}
