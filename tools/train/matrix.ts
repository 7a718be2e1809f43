/**
 * The three matrix products that a convolution needs forward and backward. All matrices are row-major and every product
 * adds to what `result` holds. The inner loops take four terms at once: fewer loads and stores per multiplication.
 */

/** result[rows x columns] += left[rows x inner] . right[inner x columns] */
export function addProduct(
  result: Float64Array,
  left: Float64Array,
  right: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  for (let row = 0; row < rows; row++) {
    addWeightedRows(result, row * columns, left, row * inner, 1, right, inner, columns);
  }
}

/** result[inner x columns] += transposed(left[rows x inner]) . right[rows x columns] */
export function addProductOfTransposed(
  result: Float64Array,
  left: Float64Array,
  right: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  for (let row = 0; row < inner; row++) {
    addWeightedRows(result, row * columns, left, row, inner, right, rows, columns);
  }
}

/** result[rows x inner] += left[rows x columns] . transposed(right[inner x columns]) */
export function addProductWithTransposed(
  result: Float64Array,
  left: Float64Array,
  right: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  for (let row = 0; row < rows; row++) {
    const leftStart = row * columns;
    let index = 0;
    for (; index + 4 <= inner; index += 4) {
      const start = index * columns;
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let column = 0; column < columns; column++) {
        const factor = left[leftStart + column];
        sum0 += factor * right[start + column];
        sum1 += factor * right[start + columns + column];
        sum2 += factor * right[start + 2 * columns + column];
        sum3 += factor * right[start + 3 * columns + column];
      }
      const target = row * inner + index;
      result[target] += sum0;
      result[target + 1] += sum1;
      result[target + 2] += sum2;
      result[target + 3] += sum3;
    }
    for (; index < inner; index++) {
      let sum = 0;
      for (let column = 0; column < columns; column++) {
        sum += left[leftStart + column] * right[index * columns + column];
      }
      result[row * inner + index] += sum;
    }
  }
}

/** One row of result += sum over n of weights[weightStart + n * weightStep] * (row n of `rows`). */
function addWeightedRows(
  result: Float64Array,
  resultStart: number,
  weights: Float64Array,
  weightStart: number,
  weightStep: number,
  rows: Float64Array,
  count: number,
  columns: number,
): void {
  let index = 0;
  for (; index + 4 <= count; index += 4) {
    const weight0 = weights[weightStart + index * weightStep];
    const weight1 = weights[weightStart + (index + 1) * weightStep];
    const weight2 = weights[weightStart + (index + 2) * weightStep];
    const weight3 = weights[weightStart + (index + 3) * weightStep];
    const start = index * columns;
    for (let column = 0; column < columns; column++) {
      result[resultStart + column] +=
        weight0 * rows[start + column] +
        weight1 * rows[start + columns + column] +
        weight2 * rows[start + 2 * columns + column] +
        weight3 * rows[start + 3 * columns + column];
    }
  }
  for (; index < count; index++) {
    const weight = weights[weightStart + index * weightStep];
    for (let column = 0; column < columns; column++) {
      result[resultStart + column] += weight * rows[index * columns + column];
    }
  }
}
