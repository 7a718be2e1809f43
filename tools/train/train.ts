import { Adam, cosineRate } from './adam.js';
import { augment } from './augment.js';
import { PIXELS, type DigitSet } from './data.js';
import { softmaxCrossEntropy } from './layers.js';
import { digitNetwork, type Network } from './network.js';
import { Random } from './random.js';

export interface TrainingOptions {
  seed: number;
  epochs: number;
  batchSize: number;
  peakLearningRate: number;
}

/** Trains a new digit network; equal options and data give an equal network. `onEpoch` gets the mean loss in nats. */
export function train(
  data: DigitSet,
  options: TrainingOptions,
  onEpoch: (epoch: number, meanLoss: number) => void,
): Network {
  const random = new Random(options.seed);
  const network = digitNetwork(random);
  const optimiser = new Adam(network.parameters);
  const image = new Float64Array(PIXELS);
  const count = data.labels.length;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = random.permutation(count);
    let lossSum = 0;
    for (let start = 0; start < count; start += options.batchSize) {
      const batch = order.subarray(start, start + options.batchSize);
      for (const index of batch) {
        augment(data.pixels.subarray(index * PIXELS, (index + 1) * PIXELS), random, image);
        const { loss, gradient } = softmaxCrossEntropy(network.forward(image), data.labels[index]);
        lossSum += loss;
        network.backward(gradient);
      }
      const progress = (epoch + start / count) / options.epochs;
      optimiser.step(cosineRate(options.peakLearningRate, progress), batch.length);
    }
    onEpoch(epoch, lossSum / count);
  }
  return network;
}

/** Share of the samples whose largest logit is the label's. */
export function accuracy(network: Network, data: DigitSet): number {
  let correct = 0;
  data.labels.forEach((label, index) => {
    const image = Float64Array.from(data.pixels.subarray(index * PIXELS, (index + 1) * PIXELS));
    const logits = network.forward(image);
    correct += logits.indexOf(Math.max(...logits)) === label ? 1 : 0;
  });
  return correct / data.labels.length;
}
