/**
 * The layers of the digit network: forward, and backward by the chain rule. One sample at a time, channels first as in
 * ONNX ([channels, height, width]), double precision. A layer keeps what its backward pass needs from its last forward
 * pass, so each `backward` belongs to the `forward` just before it; parameter gradients add up over samples until cleared.
 */
import { addProduct, addProductOfTransposed, addProductWithTransposed } from './matrix.js';
import type { Random } from './random.js';

export interface Shape {
  channels: number;
  height: number;
  width: number;
}

export interface Parameter {
  name: string;
  shape: number[];
  value: Float64Array;
  gradient: Float64Array;
}

export interface Layer {
  readonly outputShape: Shape;
  readonly parameters: Parameter[];
  /** The returned array is reused by the next call. */
  forward(input: Float64Array): Float64Array;
  /** From the loss's gradient at the output to that at the input; reused by the next call. */
  backward(outputGradient: Float64Array): Float64Array;
}

const KERNEL = 3;
const TAPS = KERNEL * KERNEL;

export function shapeSize(shape: Shape): number {
  return shape.channels * shape.height * shape.width;
}

/** 3 x 3, stride 1, one pixel of zeros around, with bias. Weights [outputs, inputs, 3, 3], He's initialisation. */
export class Convolution implements Layer {
  readonly outputShape: Shape;
  readonly parameters: Parameter[];
  /** The input unrolled: one row per weight of a filter, one column per output pixel. */
  private readonly columns: Float64Array;
  private readonly columnsGradient: Float64Array;
  private readonly output: Float64Array;
  private readonly inputGradient: Float64Array;
  private readonly weights: Parameter;
  private readonly bias: Parameter;

  constructor(
    readonly name: string,
    private readonly inputShape: Shape,
    private readonly filters: number,
    random: Random,
  ) {
    this.outputShape = { ...inputShape, channels: filters };
    const fanIn = inputShape.channels * TAPS;
    const pixels = inputShape.height * inputShape.width;
    this.weights = parameter(`${name}.weight`, [filters, inputShape.channels, KERNEL, KERNEL], () =>
      heNormal(random, fanIn),
    );
    this.bias = parameter(`${name}.bias`, [filters], () => 0);
    this.parameters = [this.weights, this.bias];
    this.columns = new Float64Array(fanIn * pixels);
    this.columnsGradient = new Float64Array(fanIn * pixels);
    this.output = new Float64Array(filters * pixels);
    this.inputGradient = new Float64Array(shapeSize(inputShape));
  }

  forward(input: Float64Array): Float64Array {
    const pixels = this.inputShape.height * this.inputShape.width;
    this.eachTap((row, inputStart, columnStart, count) => {
      this.columns.set(input.subarray(inputStart, inputStart + count), row * pixels + columnStart);
    });
    for (let filter = 0; filter < this.filters; filter++) {
      this.output.fill(this.bias.value[filter], filter * pixels, (filter + 1) * pixels);
    }
    addProduct(this.output, this.weights.value, this.columns, this.filters, this.fanIn(), pixels);
    return this.output;
  }

  backward(outputGradient: Float64Array): Float64Array {
    const pixels = this.inputShape.height * this.inputShape.width;
    addProductWithTransposed(
      this.weights.gradient,
      outputGradient,
      this.columns,
      this.filters,
      this.fanIn(),
      pixels,
    );
    for (let filter = 0; filter < this.filters; filter++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        this.bias.gradient[filter] += outputGradient[filter * pixels + pixel];
      }
    }
    this.columnsGradient.fill(0);
    addProductOfTransposed(
      this.columnsGradient,
      this.weights.value,
      outputGradient,
      this.filters,
      this.fanIn(),
      pixels,
    );
    this.inputGradient.fill(0);
    this.eachTap((row, inputStart, columnStart, count) => {
      const from = row * pixels + columnStart;
      for (let offset = 0; offset < count; offset++) {
        this.inputGradient[inputStart + offset] += this.columnsGradient[from + offset];
      }
    });
    return this.inputGradient;
  }

  private fanIn(): number {
    return this.inputShape.channels * TAPS;
  }

  /** Visits every run of input pixels that one filter tap meets along one output row; taps in the border meet none. */
  private eachTap(
    visit: (row: number, inputStart: number, columnStart: number, count: number) => void,
  ): void {
    const { channels, height, width } = this.inputShape;
    for (let row = 0; row < channels * TAPS; row++) {
      const channel = Math.floor(row / TAPS);
      const shiftY = Math.floor((row % TAPS) / KERNEL) - 1;
      const shiftX = (row % KERNEL) - 1;
      const firstX = Math.max(0, -shiftX);
      const count = width - Math.abs(shiftX);
      for (let y = Math.max(0, -shiftY); y < Math.min(height, height - shiftY); y++) {
        const inputStart = (channel * height + y + shiftY) * width + firstX + shiftX;
        visit(row, inputStart, y * width + firstX, count);
      }
    }
  }
}

export class Relu implements Layer {
  readonly outputShape: Shape;
  readonly parameters: Parameter[] = [];
  private readonly output: Float64Array;
  private readonly inputGradient: Float64Array;

  constructor(inputShape: Shape) {
    this.outputShape = inputShape;
    this.output = new Float64Array(shapeSize(inputShape));
    this.inputGradient = new Float64Array(shapeSize(inputShape));
  }

  forward(input: Float64Array): Float64Array {
    for (let index = 0; index < this.output.length; index++) {
      this.output[index] = input[index] > 0 ? input[index] : 0;
    }
    return this.output;
  }

  backward(outputGradient: Float64Array): Float64Array {
    for (let index = 0; index < this.output.length; index++) {
      this.inputGradient[index] = this.output[index] > 0 ? outputGradient[index] : 0;
    }
    return this.inputGradient;
  }
}

/** 2 x 2, stride 2; an odd last row or column is left out, as ONNX does by default. */
export class MaxPool implements Layer {
  readonly outputShape: Shape;
  readonly parameters: Parameter[] = [];
  private readonly output: Float64Array;
  private readonly inputGradient: Float64Array;
  /** Where each output came from. */
  private readonly sources: Uint32Array;

  constructor(private readonly inputShape: Shape) {
    this.outputShape = {
      channels: inputShape.channels,
      height: Math.floor(inputShape.height / 2),
      width: Math.floor(inputShape.width / 2),
    };
    this.output = new Float64Array(shapeSize(this.outputShape));
    this.sources = new Uint32Array(this.output.length);
    this.inputGradient = new Float64Array(shapeSize(inputShape));
  }

  forward(input: Float64Array): Float64Array {
    const { channels, height, width } = this.outputShape;
    let index = 0;
    for (let channel = 0; channel < channels; channel++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, index++) {
          const corner = (channel * this.inputShape.height + 2 * y) * this.inputShape.width + 2 * x;
          const below = corner + this.inputShape.width;
          let source = corner;
          if (input[corner + 1] > input[source]) source = corner + 1;
          if (input[below] > input[source]) source = below;
          if (input[below + 1] > input[source]) source = below + 1;
          this.sources[index] = source;
          this.output[index] = input[source];
        }
      }
    }
    return this.output;
  }

  backward(outputGradient: Float64Array): Float64Array {
    this.inputGradient.fill(0);
    for (let index = 0; index < this.sources.length; index++) {
      this.inputGradient[this.sources[index]] += outputGradient[index];
    }
    return this.inputGradient;
  }
}

/** Every output from every input, which is taken flat in channel, row, column order. Weights [outputs, inputs]. */
export class Dense implements Layer {
  readonly outputShape: Shape;
  readonly parameters: Parameter[];
  private readonly inputs: number;
  private readonly weights: Parameter;
  private readonly bias: Parameter;
  private readonly output: Float64Array;
  private readonly inputGradient: Float64Array;
  private lastInput: Float64Array;

  constructor(
    readonly name: string,
    inputShape: Shape,
    outputs: number,
    random: Random,
  ) {
    this.inputs = shapeSize(inputShape);
    this.outputShape = { channels: outputs, height: 1, width: 1 };
    this.weights = parameter(`${name}.weight`, [outputs, this.inputs], () => heNormal(random, this.inputs));
    this.bias = parameter(`${name}.bias`, [outputs], () => 0);
    this.parameters = [this.weights, this.bias];
    this.output = new Float64Array(outputs);
    this.inputGradient = new Float64Array(this.inputs);
    this.lastInput = new Float64Array(this.inputs);
  }

  forward(input: Float64Array): Float64Array {
    this.lastInput = input;
    this.output.set(this.bias.value);
    addProduct(this.output, this.weights.value, input, this.output.length, this.inputs, 1);
    return this.output;
  }

  backward(outputGradient: Float64Array): Float64Array {
    const outputs = this.output.length;
    addProduct(this.weights.gradient, outputGradient, this.lastInput, outputs, 1, this.inputs);
    for (let output = 0; output < outputs; output++) {
      this.bias.gradient[output] += outputGradient[output];
    }
    this.inputGradient.fill(0);
    addProductOfTransposed(this.inputGradient, this.weights.value, outputGradient, outputs, this.inputs, 1);
    return this.inputGradient;
  }
}

/**
 * Cross entropy of softmax(logits) against one label, in nats, and its gradient at the logits: softmax minus the one-hot
 * label.
 */
export function softmaxCrossEntropy(
  logits: Float64Array,
  label: number,
): { loss: number; gradient: Float64Array } {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const gradient = logits.map((value) => Math.exp(value - largest));
  const sum = gradient.reduce((total, value) => total + value, 0);
  for (let index = 0; index < gradient.length; index++) {
    gradient[index] /= sum;
  }
  const loss = Math.log(sum) + largest - logits[label];
  gradient[label] -= 1;
  return { loss, gradient };
}

function parameter(name: string, shape: number[], initial: () => number): Parameter {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return {
    name,
    shape,
    value: Float64Array.from({ length: count }, initial),
    gradient: new Float64Array(count),
  };
}

/** Deviation sqrt(2 / fan-in) keeps the variance of activations through ReLU layers (He et al., 2015). */
function heNormal(random: Random, fanIn: number): number {
  return random.normal() * Math.sqrt(2 / fanIn);
}
