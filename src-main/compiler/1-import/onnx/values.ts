/**
 * How ONNX's channels-first values lie in the graph's channels-last tensors.
 *
 * An activation of 4 dimensions, [N,C,H,W] in ONNX, is stored as [N,H,W,C]. All others are stored as they are, except
 * that flattening [1,C,H,W] moves no data: the elements stay in the order of [H,W,C], and `order` says so until an
 * operator has taken it into account, a fully connected one by permuting its weights.
 */
import type { OnnxConstant } from './model.js';

/** The element at position p * channels + c of the tensor is ONNX's element c * positions + p. */
export interface StoredOrder {
  channels: number;
  positions: number;
}

export interface OnnxActivation {
  kind: 'activation';
  /** The graph's tensor. */
  id: number;
  /** As ONNX sees it: channels first. */
  shape: number[];
  /** null when the elements lie in ONNX's order; always null for 4 dimensions, where the shape says it all. */
  order: StoredOrder | null;
}

export type OnnxValue = OnnxActivation | { kind: 'constant'; constant: OnnxConstant };

/** [N,C,H,W] to [N,H,W,C]; other numbers of dimensions stay. */
export function storedShape(shape: readonly number[]): number[] {
  const [n, c, h, w] = shape;
  return shape.length === 4 ? [n, h, w, c] : [...shape];
}

/** [N,H,W,C] to [N,C,H,W]; other numbers of dimensions stay. */
export function onnxShape(stored: readonly number[]): number[] {
  const [n, h, w, c] = stored;
  return stored.length === 4 ? [n, c, h, w] : [...stored];
}

/** Where a dimension of ONNX's [N,C,H,W] is in [N,H,W,C]. */
export function storedAxis(axis: number, rank: number): number {
  return rank === 4 ? [0, 3, 1, 2][axis] : axis;
}

/** The order in which the elements of an activation of any number of dimensions lie. */
export function elementOrder(value: OnnxActivation): StoredOrder | null {
  if (value.shape.length !== 4) {
    return value.order;
  }
  const [, channels, height, width] = value.shape;
  return storedOrder(channels, height * width);
}

/** null where both orders are the same. */
export function storedOrder(channels: number, positions: number): StoredOrder | null {
  return channels === 1 || positions === 1 ? null : { channels, positions };
}

export function sameOrder(a: StoredOrder | null, b: StoredOrder | null): boolean {
  return a?.channels === b?.channels && a?.positions === b?.positions;
}

/** ONNX's index of the element at a position of the tensor. */
export function onnxIndex(order: StoredOrder | null, stored: number): number {
  if (order === null) {
    return stored;
  }
  const { channels, positions } = order;
  return (stored % channels) * positions + Math.floor(stored / channels);
}
