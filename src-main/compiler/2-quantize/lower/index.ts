import type { Graph } from '../../graph.js';
import { compactGraph } from '../../graph-edit.js';
import { dropReshapes } from './drop-reshapes.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { fuseClamp } from './fuse-clamp.js';
import { fusePad } from './fuse-pad.js';
import { mergeQuantize } from './merge-quantize.js';
import { standUpRows } from './stand-up-rows.js';

/**
 * The graph with fewer operators and the same results: batch norm folded into weights (float graphs only, equal up to
 * rounding), clamps, paddings and
 * quantizations fused into the operator beside them and reshapes dropped where that is exact to the
 * bit. Works on float and int8 graphs; lower(lower(g)) equals lower(g).
 */
export function lower(graph: Graph): Graph {
  return fuse(standUpRows(fuse(foldBatchNorm(dropReshapes(graph)))));
}

/** Fusing one operator may open the way for another; no pass here adds operators. */
function fuse(graph: Graph): Graph {
  let current = graph;
  let operators: number;
  do {
    operators = current.operators.length;
    current = compactGraph(fusePad(mergeQuantize(fuseClamp(dropReshapes(current)))));
  } while (current.operators.length !== operators);
  return current;
}
