import type { Padding } from '../../../graph.js';
import { samePadding } from '../../../shapes.js';
import type { NodeImport } from '../node.js';
import type { OnnxActivation } from '../values.js';

export interface OnnxWindow {
  strideHeight: number;
  strideWidth: number;
  dilationHeight: number;
  dilationWidth: number;
  padding: Padding;
}

/** Extents of an image. @throws InputError for values that do not have 4 dimensions */
export function imageShape(
  node: NodeImport,
  { shape }: OnnxActivation,
): { channels: number; height: number; width: number } {
  if (shape.length !== 4) {
    throw node.unsupported(
      `has an input of ${shape.length} dimensions [${shape.join(', ')}]`,
      'Only images [1, channels, height, width] are supported; give sequences a height of 1',
    );
  }
  const [, channels, height, width] = shape;
  return { channels, height, width };
}

/** strides, dilations, pads, auto_pad and ceil_mode of a node as strides, dilations and explicit padding. */
export function resolveWindow(
  node: NodeImport,
  extents: [number, number],
  filter: [number, number],
): OnnxWindow {
  const strides = pair(node, 'strides');
  const dilations = pair(node, 'dilations');
  const [vertical, horizontal] = [0, 1].map((d) =>
    resolvePadding(node, d, extents[d], filter[d], strides[d], dilations[d]),
  );
  return {
    strideHeight: strides[0],
    strideWidth: strides[1],
    dilationHeight: dilations[0],
    dilationWidth: dilations[1],
    padding: {
      top: vertical.before,
      bottom: vertical.after,
      left: horizontal.before,
      right: horizontal.after,
    },
  };
}

function pair(node: NodeImport, name: string): number[] {
  const values = node.integers(name) ?? [1, 1];
  if (values.length !== 2 || values.some((value) => value < 1)) {
    throw node.damaged(`has ${name} [${values.join(', ')}]`);
  }
  return values;
}

function resolvePadding(
  node: NodeImport,
  dimension: number,
  extent: number,
  filter: number,
  stride: number,
  dilation: number,
): { before: number; after: number } {
  const mode = node.string('auto_pad', 'NOTSET');
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const { before, after } = samePadding(extent, filter, stride, dilation);
    return mode === 'SAME_UPPER' ? { before, after } : { before: after, after: before };
  }
  if (mode !== 'NOTSET' && mode !== 'VALID') {
    throw node.damaged(`has auto_pad ${mode}`);
  }
  const pads = (mode === 'NOTSET' ? node.integers('pads') : null) ?? [0, 0, 0, 0];
  if (pads.length !== 4) {
    throw node.damaged(`has pads [${pads.join(', ')}]`);
  }
  const before = pads[dimension];
  const after = pads[dimension + 2];
  if (node.integer('ceil_mode', 0) === 0) {
    return { before, after };
  }
  // Positions are rounded up, except that a window must not start behind the input; the rest is padding.
  const reach = dilation * (filter - 1) + 1;
  const positions = Math.ceil((extent + before + after - reach) / stride) + 1;
  const last = (positions - 1) * stride;
  const needed = (last < extent + before ? last : last - stride) + reach - extent - before;
  return { before, after: Math.max(after, needed) };
}
