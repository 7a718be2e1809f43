import type { Conv2D, DepthwiseConv2D, Graph, Operator, Pool2D } from '../../graph.js';
import { addTensor, replaceOperator } from '../../graph-edit.js';

type Windowed = Conv2D | DepthwiseConv2D | Pool2D;

/**
 * Turns windows over one row, which 1-D nets are made of, into windows over one column: an output row is what a plan can cut,
 * and kernels take both alike. Elements stay where they are, so that RESHAPEs around it cost nothing.
 */
export function standUpRows(graph: Graph): Graph {
  return graph.operators.reduce(
    (current, operator) => (isRow(current, operator) ? standUp(current, operator) : current),
    graph,
  );
}

function isRow(graph: Graph, operator: Operator): operator is Windowed {
  if (!('padding' in operator)) {
    return false;
  }
  const [, height, width] = graph.tensors[operator.inputs[0]].shape;
  const filterHeight =
    'filterHeight' in operator ? operator.filterHeight : graph.tensors[operator.inputs[1]].shape[1];
  const { top, bottom } = operator.padding;
  return height === 1 && width > 1 && filterHeight === 1 && top === 0 && bottom === 0;
}

function standUp(graph: Graph, operator: Windowed): Graph {
  const [input, weights, ...rest] = operator.inputs.map((id) => graph.tensors[id]);
  const output = graph.tensors[operator.outputs[0]];
  const turned = ([n, h, w, c]: readonly number[]): number[] => [n, w, h, c];
  const before = addTensor(graph, {
    ...input,
    name: `${operator.name}/column`,
    shape: turned(input.shape),
    data: null,
  });
  const after = addTensor(before.graph, { ...output, shape: turned(output.shape) });
  const { padding } = operator;
  const common = {
    outputs: [after.id],
    strideHeight: operator.strideWidth,
    strideWidth: 1,
    padding: { top: padding.left, bottom: padding.right, left: 0, right: 0 },
  };
  let current = after.graph;
  let column: Operator;
  if ('filterHeight' in operator) {
    column = {
      ...operator,
      ...common,
      inputs: [before.id],
      filterHeight: operator.filterWidth,
      filterWidth: 1,
    };
  } else {
    const turnedWeights = addTensor(current, { ...weights, shape: turned(weights.shape) });
    current = turnedWeights.graph;
    column = {
      ...operator,
      ...common,
      inputs: [before.id, turnedWeights.id, ...rest.map(({ id }) => id)],
      dilationHeight: operator.dilationWidth,
      dilationWidth: 1,
    };
  }
  const { name } = operator;
  return replaceOperator(current, operator, [
    { kind: 'RESHAPE', name, inputs: [input.id], outputs: [before.id] },
    column,
    { kind: 'RESHAPE', name, inputs: [after.id], outputs: [output.id] },
  ]);
}
