import type { Padding } from '../../../graph.js';
import { samePadding } from '../../../shapes.js';
import type { TfliteNode } from '../node.js';

export interface WindowSize {
  filterHeight: number;
  filterWidth: number;
  strideHeight: number;
  strideWidth: number;
  dilationHeight: number;
  dilationWidth: number;
}

/** enum Padding (0 SAME, 1 VALID) as explicit padding for the input of `node`. */
export function explicitPadding(node: TfliteNode, code: number, size: WindowSize): Padding {
  if (Object.values(size).some((value: number) => value < 1)) {
    throw node.damaged(`has a window, stride or dilation below 1`);
  }
  if (code === 1) {
    return { top: 0, bottom: 0, left: 0, right: 0 };
  }
  if (code !== 0) {
    throw node.damaged(`has the padding number ${code}`);
  }
  const [, height, width] = node.shape(0);
  const vertical = samePadding(height ?? 1, size.filterHeight, size.strideHeight, size.dilationHeight);
  const horizontal = samePadding(width ?? 1, size.filterWidth, size.strideWidth, size.dilationWidth);
  return { top: vertical.before, bottom: vertical.after, left: horizontal.before, right: horizontal.after };
}
