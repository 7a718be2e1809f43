import type { OnnxActivation } from '../values.js';
import type { NodeImport } from '../node.js';
import { imageShape, resolveWindow } from './window.js';

/**
 * Conv of 2 dimensions: weights [M, C/group, KH, KW] become [M,KH,KW,C]; with as many groups as channels it is a
 * depthwise convolution with weights [1,KH,KW,M].
 */
export function importConv(node: NodeImport): OnnxActivation {
  const input = node.activation(0);
  const { channels, height, width } = imageShape(node, input);
  const weights = node.floats(1);
  const shape = node.constant(1).shape;
  const [outputs, groupChannels, filterHeight, filterWidth] = shape;
  const group = node.integer('group', 1);
  if (shape.length !== 4 || group < 1 || groupChannels * group !== channels || outputs % group !== 0) {
    throw node.damaged(`has weights [${shape.join(', ')}] in ${group} groups for ${channels} channels`);
  }
  const depthwise = group > 1 && group === channels;
  if (group !== 1 && !depthwise) {
    throw node.unsupported(
      `has ${group} groups of ${groupChannels} channels`,
      'Use 1 group, or as many groups as channels (depthwise)',
    );
  }
  const window = resolveWindow(node, [height, width], [filterHeight, filterWidth]);
  const taps = filterHeight * filterWidth;
  const permuted = new Float32Array(weights.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < groupChannels; i++) {
      for (let tap = 0; tap < taps; tap++) {
        const to = depthwise ? tap * outputs + o : (o * taps + tap) * groupChannels + i;
        permuted[to] = weights[(o * groupChannels + i) * taps + tap];
      }
    }
  }
  const weightsId = node.addConstant(
    'weights',
    depthwise ? [1, filterHeight, filterWidth, outputs] : [outputs, filterHeight, filterWidth, channels],
    permuted,
  );
  const inputs = [input.id, weightsId];
  if (node.hasInput(2)) {
    inputs.push(node.addConstant('bias', [outputs], node.floats(2)));
  }
  const common = {
    inputs,
    strideHeight: window.strideHeight,
    strideWidth: window.strideWidth,
    dilationHeight: window.dilationHeight,
    dilationWidth: window.dilationWidth,
    padding: window.padding,
    activation: 'NONE' as const,
  };
  return node.addOperator(
    depthwise
      ? { kind: 'DEPTHWISE_CONV_2D', depthMultiplier: outputs / channels, ...common }
      : { kind: 'CONV_2D', ...common },
  );
}
