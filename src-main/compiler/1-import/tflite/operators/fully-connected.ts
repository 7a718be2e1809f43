import type { FullyConnected } from '../../../graph.js';
import { activationOf, type TfliteNode } from '../node.js';
import { FULLY_CONNECTED_OPTIONS, OPTIONS_TYPE } from '../schema.js';
import { weightedInputs } from './convolution.js';

/** FULLY_CONNECTED; whether leading dimensions are kept shows in the shape of its output. */
export function importFullyConnected(node: TfliteNode): FullyConnected {
  const options = node.options(OPTIONS_TYPE.FULLY_CONNECTED);
  const format = options?.int8(FULLY_CONNECTED_OPTIONS.weightsFormat) ?? 0;
  if (format !== 0) {
    throw node.unsupported(
      `has shuffled weights (format ${format})`,
      'Convert the model with the default weights format',
    );
  }
  return {
    kind: 'FULLY_CONNECTED',
    name: node.name,
    inputs: weightedInputs(node),
    outputs: [node.output()],
    activation: activationOf(node, options?.int8(FULLY_CONNECTED_OPTIONS.activation) ?? 0),
  };
}
