import { IMAGE_SIZE } from './data.js';
import type { Random } from './random.js';

const MOST_SHIFT_PIXELS = 2;
const MOST_ROTATION_RADIANS = (12 * Math.PI) / 180;
const MOST_SCALING = 0.1;

/**
 * A copy of one 28 x 28 image, turned, scaled and shifted by small random amounts around its centre, with bilinear
 * interpolation. Digits stay digits under it; the network sees no image twice.
 */
export function augment(image: Float32Array, random: Random, result: Float64Array): void {
  const angle = random.between(-MOST_ROTATION_RADIANS, MOST_ROTATION_RADIANS);
  const scale = 1 + random.between(-MOST_SCALING, MOST_SCALING);
  const centre = (IMAGE_SIZE - 1) / 2;
  const centreX = centre + random.between(-MOST_SHIFT_PIXELS, MOST_SHIFT_PIXELS);
  const centreY = centre + random.between(-MOST_SHIFT_PIXELS, MOST_SHIFT_PIXELS);
  const cosine = Math.cos(angle) / scale;
  const sine = Math.sin(angle) / scale;
  for (let y = 0; y < IMAGE_SIZE; y++) {
    for (let x = 0; x < IMAGE_SIZE; x++) {
      const sourceX = cosine * (x - centreX) - sine * (y - centreY) + centre;
      const sourceY = sine * (x - centreX) + cosine * (y - centreY) + centre;
      result[y * IMAGE_SIZE + x] = interpolate(image, sourceX, sourceY);
    }
  }
}

/** Outside of the image there is paper: 0. */
function interpolate(image: Float32Array, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const bottom = y - top;
  return (
    (1 - bottom) * ((1 - right) * pixel(image, left, top) + right * pixel(image, left + 1, top)) +
    bottom * ((1 - right) * pixel(image, left, top + 1) + right * pixel(image, left + 1, top + 1))
  );
}

function pixel(image: Float32Array, x: number, y: number): number {
  const inside = x >= 0 && y >= 0 && x < IMAGE_SIZE && y < IMAGE_SIZE;
  return inside ? image[y * IMAGE_SIZE + x] : 0;
}
