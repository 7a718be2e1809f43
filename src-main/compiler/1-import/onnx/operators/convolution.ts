import type { Quantization } from '../../../graph.js';
import type { OnnxConstant } from '../model.js';
import type { NodeImport } from '../node.js';
import type { OnnxActivation } from '../values.js';
import { imageOf, imageValue, resolveWindow, spatial } from './window.js';

/** More groups than this would become more operators than is reasonable. */
const MAXIMUM_GROUPS = 64;

/**
 * Conv of 1 or 2 dimensions: weights [M, C/group, KH, KW] become [M,KH,KW,C]; with as many groups as channels it is a
 * depthwise convolution with weights [1,KH,KW,M], with any other number a convolution per group.
 */
export function importConv(node: NodeImport): OnnxActivation {
  const image = imageOf(node, node.activation(0));
  const { channels } = image;
  const weights = node.constant(1);
  const [outputs, groupChannels, ...extents] = weights.shape;
  const group = node.integer('group', 1);
  const wanted = image.isSequence ? 3 : 4;
  if (
    !(weights.data instanceof Float32Array) ||
    weights.shape.length !== wanted ||
    group < 1 ||
    groupChannels * group !== channels ||
    outputs % group !== 0
  ) {
    throw node.damaged(
      `has weights [${weights.shape.join(', ')}] in ${group} groups for ${channels} channels`,
    );
  }
  const filter = spatial(node, 'a filter', extents, image, 1);
  const bias = node.hasInput(2) ? node.floats(2) : null;
  if (bias !== null && bias.length !== outputs) {
    throw node.damaged(`has a bias of ${bias.length} values for ${outputs} output channels`);
  }
  const common = { ...resolveWindow(node, image, filter), activation: 'NONE' as const };
  if (group > 1 && group === channels) {
    const inputs = [image.id, depthwiseWeights(node, weights, filter)];
    if (bias !== null) {
      inputs.push(node.addConstant('bias', [outputs], bias));
    }
    const id = node.addOperator({
      kind: 'DEPTHWISE_CONV_2D',
      depthMultiplier: outputs / channels,
      inputs,
      ...common,
    });
    return imageValue(node, id, image.isSequence);
  }
  if (group > MAXIMUM_GROUPS) {
    throw node.unsupported(
      `has ${group} groups of ${groupChannels} channels`,
      `Use up to ${MAXIMUM_GROUPS} groups, or as many groups as channels (depthwise)`,
    );
  }
  const perGroup = outputs / group;
  const parts = Array.from({ length: group }, (_, g) => {
    const input =
      group === 1
        ? image.id
        : node.addOperator({
            kind: 'SLICE',
            inputs: [image.id],
            begin: [0, 0, 0, g * groupChannels],
            size: [1, image.height, image.width, groupChannels],
            strides: [1, 1, 1, 1],
          });
    const inputs = [input, groupWeights(node, weights, filter, g * perGroup, perGroup)];
    if (bias !== null) {
      inputs.push(node.addConstant('bias', [perGroup], bias.slice(g * perGroup, (g + 1) * perGroup)));
    }
    return node.addOperator({ kind: 'CONV_2D', inputs, ...common });
  });
  const id = group === 1 ? parts[0] : node.addOperator({ kind: 'CONCATENATION', inputs: parts, axis: 3 });
  return imageValue(node, id, image.isSequence);
}

/** Weights of output channels `first` .. `first` + `count` - 1, channels last. */
function groupWeights(
  node: NodeImport,
  { shape, data, quantization }: OnnxConstant,
  [filterHeight, filterWidth]: readonly [number, number],
  first: number,
  count: number,
): number {
  const depth = shape[1];
  const taps = filterHeight * filterWidth;
  const permuted = new Float32Array(count * taps * depth);
  for (let o = 0; o < count; o++) {
    for (let i = 0; i < depth; i++) {
      for (let tap = 0; tap < taps; tap++) {
        permuted[(o * taps + tap) * depth + i] = data[((first + o) * depth + i) * taps + tap];
      }
    }
  }
  return node.addConstant(
    'weights',
    [count, filterHeight, filterWidth, depth],
    permuted,
    weightQuantization(quantization, 0, first, count),
  );
}

function depthwiseWeights(
  node: NodeImport,
  { shape: [outputs], data, quantization }: OnnxConstant,
  [filterHeight, filterWidth]: readonly [number, number],
): number {
  const taps = filterHeight * filterWidth;
  const permuted = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let tap = 0; tap < taps; tap++) {
      permuted[tap * outputs + o] = data[o * taps + tap];
    }
  }
  return node.addConstant(
    'weights',
    [1, filterHeight, filterWidth, outputs],
    permuted,
    weightQuantization(quantization, 3, 0, outputs),
  );
}

/** The quantization that weights came with, for some output channels, along the axis where the graph has these. */
export function weightQuantization(
  quantization: OnnxConstant['quantization'],
  axis: number,
  first: number,
  count: number,
): Quantization | null {
  if (quantization === undefined || (quantization.axis !== null && quantization.axis !== 0)) {
    return null;
  }
  const whole = quantization.axis === null;
  const scales = whole ? quantization.scales : quantization.scales.slice(first, first + count);
  return { scales, zeroPoints: new Int32Array(scales.length), axis: whole ? null : axis };
}
