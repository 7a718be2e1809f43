import type { NodeImport } from '../node.js';
import type { OnnxActivation } from '../values.js';
import { imageOf, imageValue, resolveWindow, spatial } from './window.js';

const NO_PADDING = { top: 0, bottom: 0, left: 0, right: 0 };

/** MaxPool and AveragePool of 1 or 2 dimensions. */
export function importPool(node: NodeImport): OnnxActivation {
  const image = imageOf(node, node.activation(0));
  const filter = spatial(node, 'kernel_shape', node.integers('kernel_shape') ?? [], image, 1);
  const [filterHeight, filterWidth] = filter;
  const window = resolveWindow(node, image, filter);
  if (window.dilationHeight !== 1 || window.dilationWidth !== 1) {
    throw node.unsupported('has a dilated window', 'Use dilations of 1 for pooling');
  }
  const { padding, strideHeight, strideWidth } = window;
  const padded = Object.values(padding).some((count: number) => count > 0);
  const average = node.operator === 'AveragePool';
  const common = { filterHeight, filterWidth, strideHeight, strideWidth, activation: 'NONE' as const };
  if (average && padded && node.integer('count_include_pad', 0) !== 0) {
    if (node.integer('ceil_mode', 0) !== 0) {
      throw node.unsupported('counts padding and rounds up', 'Use ceil_mode 0 or count_include_pad 0');
    }
    // The graph's average leaves padding out; zeros that count are put there by an operator of their own.
    const zeros = node.addOperator({
      kind: 'PAD',
      inputs: [image.id],
      before: [0, padding.top, padding.left, 0],
      after: [0, padding.bottom, padding.right, 0],
      value: 0,
    });
    const id = node.addOperator({
      kind: 'AVERAGE_POOL_2D',
      inputs: [zeros],
      ...common,
      padding: NO_PADDING,
    });
    return imageValue(node, id, image.isSequence);
  }
  const id = node.addOperator({
    kind: average ? 'AVERAGE_POOL_2D' : 'MAX_POOL_2D',
    inputs: [image.id],
    ...common,
    padding,
  });
  return imageValue(node, id, image.isSequence);
}

/** GlobalAveragePool and GlobalMaxPool: one window over the whole image. */
export function importGlobalPool(node: NodeImport): OnnxActivation {
  const { id: input, height, width, isSequence } = imageOf(node, node.activation(0));
  const id = node.addOperator({
    kind: node.operator === 'GlobalAveragePool' ? 'AVERAGE_POOL_2D' : 'MAX_POOL_2D',
    inputs: [input],
    filterHeight: height,
    filterWidth: width,
    strideHeight: 1,
    strideWidth: 1,
    padding: NO_PADDING,
    activation: 'NONE',
  });
  return imageValue(node, id, isSequence);
}
