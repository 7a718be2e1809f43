/**
 * The inference as it is executed: a list of operators over tensors that are whole, or stripes of rows where the whole
 * does not fit. A stripe is a tensor of its own, and the operator on it an operator of its own; the kernels know no other.
 */
import { elementCount, type Graph } from '../graph.js';

/** Content that does not have to be computed: part of the sample in flash, or of a tensor that was spilled to NVM. */
export interface Transfer {
  /** The tensor in the arena, in execution.graph. */
  tensor: number;
  /** In the source graph: its input, or a spilled tensor. */
  of: number;
  /** Bytes of `of`, from its beginning. */
  offset: number;
  bytes: number;
  /** Of these bytes, counted from where the plan puts what is spilled; null: they are in the sample. */
  nvmOffset: number | null;
}

/** What surrounds an operator. */
export interface Call {
  /** Index of the operator in the source graph. */
  source: number;
  /** First and last source operator of the stage that it belongs to: what is executed stripe by stripe together. */
  stageBegin: number;
  stageEnd: number;
  /** Done before its first unit. */
  fills: Transfer[];
  /** Done after its last unit. */
  spills: Transfer[];
}

export interface Execution {
  /** Tensors and, where nothing is tiled, operators are those of the source graph, with the same numbers; stripes follow. */
  graph: Graph;
  /** One per operator of `graph`. */
  calls: Call[];
  /** Tensors that are bytes `offset` .. of another one. */
  views: ReadonlyMap<number, { of: number; offset: number }>;
  /** Stripes that take turns in the same memory, by tensor. */
  slots: ReadonlyMap<number, string>;
  /** NVM for all that is spilled. Every tensor has its own: what a task that is executed again fetches is as it was. */
  spilledBytes: number;
}

/** Every operator on whole tensors, in SRAM from beginning to end. */
export function wholeExecution(graph: Graph): Execution {
  const [input] = graph.inputs;
  const reader = graph.operators.findIndex(({ inputs }) => inputs.includes(input));
  return {
    graph,
    calls: graph.operators.map((_, index) => ({
      source: index,
      stageBegin: index,
      stageEnd: index,
      fills:
        index === reader
          ? [
              {
                tensor: input,
                of: input,
                offset: 0,
                bytes: elementCount(graph.tensors[input].shape),
                nvmOffset: null,
              },
            ]
          : [],
      spills: [],
    })),
    views: new Map(),
    slots: new Map(),
    spilledBytes: 0,
  };
}
