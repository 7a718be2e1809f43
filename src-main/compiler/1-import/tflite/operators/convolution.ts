import type { Conv2D, DepthwiseConv2D } from '../../../graph.js';
import { activationOf, type TfliteNode } from '../node.js';
import { CONV_2D_OPTIONS, DEPTHWISE_OPTIONS, OPTIONS_TYPE } from '../schema.js';
import { explicitPadding } from './window.js';

/** CONV_2D: weights are [O,KH,KW,I] as in the graph. */
export function importConv2D(node: TfliteNode): Conv2D {
  const options = node.options(OPTIONS_TYPE.CONV_2D);
  const [, filterHeight = 0, filterWidth = 0] = node.shape(1);
  const size = {
    strideHeight: options?.int32(CONV_2D_OPTIONS.strideH) ?? 0,
    strideWidth: options?.int32(CONV_2D_OPTIONS.strideW) ?? 0,
    dilationHeight: options?.int32(CONV_2D_OPTIONS.dilationH, 1) ?? 1,
    dilationWidth: options?.int32(CONV_2D_OPTIONS.dilationW, 1) ?? 1,
  };
  return {
    kind: 'CONV_2D',
    name: node.name,
    inputs: weightedInputs(node),
    outputs: [node.output()],
    ...size,
    padding: explicitPadding(node, options?.int8(CONV_2D_OPTIONS.padding) ?? 0, {
      ...size,
      filterHeight,
      filterWidth,
    }),
    activation: activationOf(node, options?.int8(CONV_2D_OPTIONS.activation) ?? 0),
  };
}

/** DEPTHWISE_CONV_2D: the depth multiplier follows from the shapes; the option of that name is obsolete. */
export function importDepthwiseConv2D(node: TfliteNode): DepthwiseConv2D {
  const options = node.options(OPTIONS_TYPE.DEPTHWISE_CONV_2D);
  const [, filterHeight = 0, filterWidth = 0, outputChannels = 0] = node.shape(1);
  const channels = node.shape(0)[3] ?? 1;
  const size = {
    strideHeight: options?.int32(DEPTHWISE_OPTIONS.strideH) ?? 0,
    strideWidth: options?.int32(DEPTHWISE_OPTIONS.strideW) ?? 0,
    dilationHeight: options?.int32(DEPTHWISE_OPTIONS.dilationH, 1) ?? 1,
    dilationWidth: options?.int32(DEPTHWISE_OPTIONS.dilationW, 1) ?? 1,
  };
  return {
    kind: 'DEPTHWISE_CONV_2D',
    name: node.name,
    inputs: weightedInputs(node),
    outputs: [node.output()],
    depthMultiplier: Math.floor(outputChannels / channels),
    ...size,
    padding: explicitPadding(node, options?.int8(DEPTHWISE_OPTIONS.padding) ?? 0, {
      ...size,
      filterHeight,
      filterWidth,
    }),
    activation: activationOf(node, options?.int8(DEPTHWISE_OPTIONS.activation) ?? 0),
  };
}

/** Activation, weights and, where there is one, bias. */
export function weightedInputs(node: TfliteNode): number[] {
  const bias = node.optionalInput(2);
  return [node.input(0), node.input(1), ...(bias === null ? [] : [bias])];
}
