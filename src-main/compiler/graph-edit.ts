/** Helpers for passes over the graph. A pass gets a graph, leaves it as it is and returns another. */
import { entryOf } from './graph-access.js';
import type { Graph, Operator, Tensor } from './graph.js';

/** The operators that read a tensor. */
export function consumersOf(graph: Graph, tensor: number): Operator[] {
  return graph.operators.filter((operator) => operator.inputs.includes(tensor));
}

/** The operator that writes a tensor; undefined for inputs and constants. */
export function producerOf(graph: Graph, tensor: number): Operator | undefined {
  return graph.operators.find((operator) => operator.outputs.includes(tensor));
}

/** Whether `tensor` is read by nothing but one operator, and is no output of the graph. */
export function hasSingleConsumer(graph: Graph, tensor: number): boolean {
  return !graph.outputs.includes(tensor) && consumersOf(graph, tensor).length === 1;
}

/** The graph with other operators, or none, in the place of one. */
export function replaceOperator(graph: Graph, operator: Operator, by: readonly Operator[]): Graph {
  return {
    ...graph,
    operators: graph.operators.flatMap((other) => (other === operator ? by : [other])),
  };
}

/** The graph with one more tensor, and its id. */
export function addTensor(graph: Graph, tensor: Omit<Tensor, 'id'>): { graph: Graph; id: number } {
  const id = graph.tensors.length;
  return { graph: { ...graph, tensors: [...graph.tensors, { ...tensor, id }] }, id };
}

/** The graph whose readers of `from`, outputs of the graph included, read `to` instead. */
export function redirectReaders(graph: Graph, from: number, to: number): Graph {
  const redirect = (id: number): number => (id === from ? to : id);
  return {
    ...graph,
    operators: graph.operators.map((operator) => ({ ...operator, inputs: operator.inputs.map(redirect) })),
    outputs: graph.outputs.map(redirect),
  };
}

/** Drops operators whose output nobody reads and tensors that nobody uses, and numbers the rest anew in order. */
export function compactGraph(graph: Graph): Graph {
  const live = new Set(graph.outputs);
  const operators: Operator[] = [];
  for (const operator of [...graph.operators].reverse()) {
    if (operator.outputs.some((id) => live.has(id))) {
      operator.inputs.forEach((id) => live.add(id));
      operators.push(operator);
    }
  }
  operators.reverse();
  const kept = graph.tensors.filter((tensor) => live.has(tensor.id) || graph.inputs.includes(tensor.id));
  const numbers = new Map(kept.map((tensor, id) => [tensor.id, id]));
  const renumber = (id: number): number => entryOf(numbers, id);
  return {
    ...graph,
    tensors: kept.map((tensor, id) => ({ ...tensor, id })),
    operators: operators.map((operator) => ({
      ...operator,
      inputs: operator.inputs.map(renumber),
      outputs: operator.outputs.map(renumber),
    })),
    inputs: graph.inputs.map(renumber),
    outputs: graph.outputs.map(renumber),
  };
}

/** Whether two tensors map stored values to real ones in the same way. */
export function sameQuantization(a: Tensor, b: Tensor): boolean {
  if (a.quantization === null || b.quantization === null) {
    return a.quantization === b.quantization && a.type === b.type;
  }
  return (
    a.type === b.type &&
    a.quantization.scales.length === 1 &&
    b.quantization.scales.length === 1 &&
    a.quantization.scales[0] === b.quantization.scales[0] &&
    a.quantization.zeroPoints[0] === b.quantization.zeroPoints[0]
  );
}
