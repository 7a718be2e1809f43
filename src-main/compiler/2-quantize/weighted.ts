import type { Conv2D, DepthwiseConv2D, FullyConnected, Operator } from '../graph.js';

/** Operators with weights and, perhaps, a bias: inputs are activation, weights, bias. */
export type WeightedOperator = Conv2D | DepthwiseConv2D | FullyConnected;

export function isWeighted(operator: Operator): operator is WeightedOperator {
  return (
    operator.kind === 'CONV_2D' ||
    operator.kind === 'DEPTHWISE_CONV_2D' ||
    operator.kind === 'FULLY_CONNECTED'
  );
}

/** Dimension of the weights that output channels run along. */
export function outputChannelAxis(operator: WeightedOperator): 0 | 3 {
  return operator.kind === 'DEPTHWISE_CONV_2D' ? 3 : 0;
}
