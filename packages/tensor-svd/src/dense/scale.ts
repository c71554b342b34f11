/** A copy of `data` times the power of two that brings its largest magnitude into [1, 2), and that factor's inverse. */
export function scaledCopy(data: Float64Array): { data: Float64Array; unscale: number } {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]));
  if (largest === 0) return { data: data.slice(), unscale: 1 };
  // Clamped so that the factor and its inverse are both normal numbers.
  const unscale = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
  const copy = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) copy[i] = data[i] / unscale;
  return { data: copy, unscale };
}

/** Column order `order` of a row-major [rows, cols] array, with column j of the result times `signs[j]`. */
export function permuteColumns(
  data: Float64Array,
  rows: number,
  order: ArrayLike<number>,
  signs?: ArrayLike<number>,
): Float64Array {
  const cols = order.length;
  const out = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      out[i * cols + j] = data[i * cols + order[j]] * (signs === undefined ? 1 : signs[j]);
    }
  }
  return out;
}
