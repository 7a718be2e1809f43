import type { Conv2D, DepthwiseConv2D, Graph, Operator } from '../../graph.js';
import { producerOf, replaceOperator, sameQuantization } from '../../graph-edit.js';
import { MAXIMUM_WINDOW } from '../../validate.js';

/**
 * Moves a PAD of height and width with zeros into the explicit padding of the convolutions that read it, whose padding
 * means the same zeros. Poolings are left alone: their padding means "not there". A PAD that nothing reads afterwards
 * goes when the graph is compacted.
 */
export function fusePad(graph: Graph): Graph {
  return graph.operators.reduce(
    (current, operator) =>
      operator.kind === 'CONV_2D' || operator.kind === 'DEPTHWISE_CONV_2D'
        ? replaceOperator(current, operator, [withPadding(current, operator)])
        : current,
    graph,
  );
}

/** The convolution reading what was padded, through a chain of PADs if there is one. */
function withPadding(graph: Graph, operator: Conv2D | DepthwiseConv2D): Operator {
  const pad = producerOf(graph, operator.inputs[0]);
  if (pad?.kind !== 'PAD' || !isSpatialZeroPad(graph, pad)) {
    return operator;
  }
  const { padding } = operator;
  const sums = {
    top: padding.top + pad.before[1],
    bottom: padding.bottom + pad.after[1],
    left: padding.left + pad.before[2],
    right: padding.right + pad.after[2],
  };
  return Object.values(sums).some((count: number) => count > MAXIMUM_WINDOW)
    ? operator
    : withPadding(graph, {
        ...operator,
        inputs: [pad.inputs[0], ...operator.inputs.slice(1)],
        padding: sums,
      });
}

function isSpatialZeroPad(graph: Graph, pad: Extract<Operator, { kind: 'PAD' }>): boolean {
  const outer = [pad.before[0], pad.before[3], pad.after[0], pad.after[3]];
  return (
    pad.value === 0 &&
    pad.before.length === 4 &&
    outer.every((count) => count === 0) &&
    sameQuantization(graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]])
  );
}
