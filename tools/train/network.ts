/** The digit network: three convolutions with ReLU and pooling, then one dense layer. */
import { CLASSES, IMAGE_SIZE } from './data.js';
import { Convolution, Dense, MaxPool, Relu, type Layer, type Parameter, type Shape } from './layers.js';
import type { Random } from './random.js';

export class Network {
  constructor(readonly layers: readonly Layer[]) {}

  get parameters(): Parameter[] {
    return this.layers.flatMap((layer) => layer.parameters);
  }

  /** Logits of one sample; the array is reused by the next call. */
  forward(input: Float64Array): Float64Array {
    return this.layers.reduce((activation, layer) => layer.forward(activation), input);
  }

  /** Adds the parameter gradients of the sample that `forward` just saw. Returns the gradient at its input. */
  backward(logitsGradient: Float64Array): Float64Array {
    return this.layers.reduceRight((gradient, layer) => layer.backward(gradient), logitsGradient);
  }
}

/** 28x28x1 -> 8 filters -> 14x14 -> 16 filters -> 7x7 -> 24 filters -> 3x3 -> 10 logits; 453,744 MACs, 6,898 parameters. */
export function digitNetwork(random: Random): Network {
  const layers: Layer[] = [];
  let shape: Shape = { channels: 1, height: IMAGE_SIZE, width: IMAGE_SIZE };
  for (const [index, filters] of [8, 16, 24].entries()) {
    const convolution = new Convolution(`conv${index + 1}`, shape, filters, random);
    const relu = new Relu(convolution.outputShape);
    const pool = new MaxPool(relu.outputShape);
    layers.push(convolution, relu, pool);
    shape = pool.outputShape;
  }
  layers.push(new Dense('dense', shape, CLASSES, random));
  return new Network(layers);
}
