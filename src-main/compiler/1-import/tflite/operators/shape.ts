import type { Mean, Pad, Reshape } from '../../../graph.js';
import type { TfliteNode } from '../node.js';
import { OPTIONS_TYPE, REDUCER_OPTIONS } from '../schema.js';

/** RESHAPE, SQUEEZE and EXPAND_DIMS: the shape of the output says everything. */
export function importReshape(node: TfliteNode): Reshape {
  return { kind: 'RESHAPE', name: node.name, inputs: [node.input(0)], outputs: [node.output()] };
}

/** PAD and PADV2; paddings are a constant [dimensions, 2]. */
export function importPad(node: TfliteNode): Pad {
  const paddings = node.integers(1);
  if (paddings.length !== 2 * node.shape(0).length) {
    throw node.damaged(`has ${paddings.length} paddings for an input of ${node.shape(0).length} dimensions`);
  }
  return {
    kind: 'PAD',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    before: paddings.filter((_, i) => i % 2 === 0),
    after: paddings.filter((_, i) => i % 2 === 1),
    value: node.operator === 'PADV2' ? node.real(2) : 0,
  };
}

/** MEAN; axes are a constant, negative ones count from the end. */
export function importMean(node: TfliteNode): Mean {
  const rank = node.shape(0).length;
  const axes = node.integers(1).map((axis) => (axis < 0 ? axis + rank : axis));
  return {
    kind: 'MEAN',
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    axes: [...new Set(axes)].sort((a, b) => a - b),
    keepDims: node.options(OPTIONS_TYPE.REDUCER)?.boolean(REDUCER_OPTIONS.keepDims) ?? false,
  };
}
