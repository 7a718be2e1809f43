import type { Pool2D } from '../../../graph.js';
import { activationOf, type TfliteNode } from '../node.js';
import { OPTIONS_TYPE, POOL_2D_OPTIONS } from '../schema.js';
import { explicitPadding } from './window.js';

/** AVERAGE_POOL_2D and MAX_POOL_2D. */
export function importPool2D(kind: Pool2D['kind'], node: TfliteNode): Pool2D {
  const options = node.options(OPTIONS_TYPE.POOL_2D);
  const size = {
    filterHeight: options?.int32(POOL_2D_OPTIONS.filterH) ?? 0,
    filterWidth: options?.int32(POOL_2D_OPTIONS.filterW) ?? 0,
    strideHeight: options?.int32(POOL_2D_OPTIONS.strideH) ?? 0,
    strideWidth: options?.int32(POOL_2D_OPTIONS.strideW) ?? 0,
  };
  return {
    kind,
    name: node.name,
    inputs: [node.input(0)],
    outputs: [node.output()],
    ...size,
    padding: explicitPadding(node, options?.int8(POOL_2D_OPTIONS.padding) ?? 0, {
      ...size,
      dilationHeight: 1,
      dilationWidth: 1,
    }),
    activation: activationOf(node, options?.int8(POOL_2D_OPTIONS.activation) ?? 0),
  };
}
