import { dot, productNT } from './product';

/** k(x, y) = (gamma ⟨x, y⟩ + coef0)^degree. */
export interface PolynomialKernel {
  /** A positive integer. */
  readonly degree: number;
  /** Factor of the inner product. */
  readonly gamma: number;
  /** Constant. */
  readonly coef0: number;
}

/**
 * Makes a function that computes rows of the kernel matrix of the rows of `x` [size, dims]. The unbiased MMD² does not
 * change where k(x_i, x_j) is replaced by k(x_i, x_j) - f(x_i) - f(x_j) + c. For degree 3, the usual one, f is chosen
 * so that nothing cancels for features far from the origin. With x = mean + d, b = gamma ‖mean‖² + coef0, p = gamma
 * ⟨mean, d⟩ and q = gamma ⟨d_i, d_j⟩ it is
 *
 *     (b + p_i + p_j + q)³ - (b + p_i)³ - (b + p_j)³ + b³ = 3 p_i p_j (s + b) + q ((s + q)² + (s + q) s + s²)
 *
 * with s = b + p_i + p_j.
 *
 * Other degrees give k itself.
 *
 * @returns a function from rows start ... end - 1 to [end - start, size], of which columns j >= i of row i are filled.
 */
export function kernelRows(
  x: Float64Array,
  size: number,
  dims: number,
  { degree, gamma, coef0 }: PolynomialKernel,
): (start: number, end: number) => Float64Array {
  const mean = new Float64Array(dims);
  for (let i = 0; i < x.length; i++) mean[i % dims] += x[i] / size;
  const centred = x.map((value, i) => value - mean[i % dims]);
  const base = gamma * dot(mean, 0, mean, 0, dims) + coef0;
  const slopes = Float64Array.from({ length: size }, (_, i) => gamma * dot(mean, 0, centred, i * dims, dims));
  return (start, end) => {
    const rows = end - start;
    const cols = size - start;
    const products = new Float64Array(rows * cols); // with the vectors from `start` on
    const a = centred.subarray(start * dims, end * dims);
    productNT({ a, rows, b: centred.subarray(start * dims), cols, depth: dims }, products);
    const out = new Float64Array(rows * size);
    for (let i = start; i < end; i++) {
      for (let j = i; j < size; j++) {
        const q = gamma * products[(i - start) * cols + j - start];
        const s = base + slopes[i] + slopes[j];
        out[(i - start) * size + j] =
          degree === 3
            ? 3 * slopes[i] * slopes[j] * (s + base) + q * ((s + q) ** 2 + (s + q) * s + s * s)
            : (s + q) ** degree;
      }
    }
    return out;
  };
}
