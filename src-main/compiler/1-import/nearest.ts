/** Largest extent that an image is resized to. */
const MAXIMUM_EXTENT = 65_535;

/**
 * For each of `wanted` positions the nearest of `extent`, as TensorFlow Lite's RESIZE_NEAREST_NEIGHBOR computes it in single
 * precision; null when there are too many or none.
 */
export function nearestIndices(
  extent: number,
  wanted: number,
  { alignCorners, halfPixelCenters }: { alignCorners: boolean; halfPixelCenters: boolean },
): number[] | null {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAXIMUM_EXTENT) {
    return null;
  }
  const { fround } = Math;
  const scale = fround(alignCorners && wanted > 1 ? (extent - 1) / (wanted - 1) : extent / wanted);
  const offset = halfPixelCenters ? 0.5 : 0;
  return Array.from({ length: wanted }, (_, position) => {
    const at = fround(fround(position + offset) * scale);
    const index = alignCorners ? Math.sign(at) * Math.round(Math.abs(at)) : Math.floor(at);
    return Math.min(Math.max(index, 0), extent - 1);
  });
}
