import { addTensor, replaceOperator } from '../graph-edit.js';
import type { Graph } from '../graph.js';
import { outputRule } from './rules.js';

/**
 * The float graph with a QUANTIZE before every PAD whose value, other than 0, would have to live with steps that the
 * specification fixes: those of a LOGISTIC cannot hold -1.
 */
export function freePads(graph: Graph): Graph {
  const fixed = new Set<number>();
  return graph.operators.reduce((current, operator) => {
    const [input] = operator.inputs;
    const rule = outputRule(operator);
    if (operator.kind === 'PAD' && operator.value !== 0 && fixed.has(input)) {
      const tensor = current.tensors[input];
      const added = addTensor(current, {
        ...tensor,
        name: `${operator.name}/requantized`,
        quantization: null,
      });
      const { name } = operator;
      return replaceOperator(added.graph, operator, [
        { kind: 'QUANTIZE', name, inputs: [input], outputs: [added.id], alpha: 0, beta: 0 },
        { ...operator, inputs: [added.id] },
      ]);
    }
    if (typeof rule === 'object' || (rule === 'as-inputs' && fixed.has(input))) {
      operator.outputs.forEach((id) => fixed.add(id));
    }
    return current;
  }, graph);
}
