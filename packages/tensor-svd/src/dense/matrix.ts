/** A dense real matrix on the host in float64, row-major: element (i, j) is `data[i * cols + j]`. */
export interface Matrix {
  /** Number of rows, a positive integer. */
  readonly rows: number;
  /** Number of columns, a positive integer. */
  readonly cols: number;
  /** The `rows * cols` elements, row after row. */
  readonly data: Float64Array;
}

/**
 * Makes a matrix from numbers.
 *
 * @param rows - Number of rows, at least 1.
 * @param cols - Number of columns, at least 1.
 * @param values - `rows * cols` numbers, row-major, copied to float64; zeros when left out.
 * @returns A new matrix that the caller owns.
 * @throws When a size is no positive integer or the number of values is not `rows * cols`.
 */
export function createMatrix(rows: number, cols: number, values?: ArrayLike<number>): Matrix {
  checkSizes('matrix', rows, cols);
  const a = { rows, cols, data: values === undefined ? new Float64Array(rows * cols) : Float64Array.from(values) };
  checkShape('matrix', a);
  return a;
}

/**
 * The `n` x `n` identity matrix.
 *
 * @throws When `n` is no positive integer.
 */
export function identityMatrix(n: number): Matrix {
  const a = createMatrix(n, n);
  for (let i = 0; i < n; i++) a.data[i * (n + 1)] = 1;
  return a;
}

/**
 * The transpose of `a` [m, n] as a new matrix [n, m].
 *
 * @throws When the number of elements of `a` does not fit its sizes.
 */
export function transpose(a: Matrix): Matrix {
  checkShape('a', a);
  return { rows: a.cols, cols: a.rows, data: transposed(a.data, a.rows, a.cols) };
}

/** Transposes `rows * cols` row-major values tile by tile, so that both sides use the cache well. */
export function transposed(data: Float64Array, rows: number, cols: number): Float64Array {
  const tile = 32;
  const out = new Float64Array(rows * cols);
  for (let i0 = 0; i0 < rows; i0 += tile) {
    const i1 = Math.min(rows, i0 + tile);
    for (let j0 = 0; j0 < cols; j0 += tile) {
      const j1 = Math.min(cols, j0 + tile);
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) out[j * rows + i] = data[i * cols + j];
    }
  }
  return out;
}

function checkSizes(name: string, rows: number, cols: number): void {
  if (!(Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0)) {
    throw new Error(`${name}: expected positive integer sizes, got ${rows} x ${cols}`);
  }
}

/** Throws unless `a` holds `rows * cols` values and both sizes are positive integers. */
export function checkShape(name: string, a: Matrix): void {
  checkSizes(name, a.rows, a.cols);
  if (a.data.length !== a.rows * a.cols) {
    throw new Error(`${name}: expected ${a.rows} x ${a.cols} = ${a.rows * a.cols} values, got ${a.data.length}`);
  }
}

/** {@link checkShape}, and throws on the first element that is NaN or infinite. */
export function checkMatrix(name: string, a: Matrix): void {
  checkShape(name, a);
  for (let i = 0; i < a.data.length; i++) {
    if (!Number.isFinite(a.data[i])) {
      const place = `[${Math.floor(i / a.cols)}, ${i % a.cols}]`;
      throw new Error(`${name}: expected finite values, got ${a.data[i]} at ${place}`);
    }
  }
}

/** The first `count` columns of `a` as a new matrix. */
export function leadingColumns(a: Matrix, count: number): Matrix {
  const data = new Float64Array(a.rows * count);
  for (let i = 0; i < a.rows; i++) data.set(a.data.subarray(i * a.cols, i * a.cols + count), i * count);
  return { rows: a.rows, cols: count, data };
}

/** `a * diag(scale)`, the columns of `a` multiplied by one factor each, as a new matrix. */
export function scaleColumns(a: Matrix, scale: ArrayLike<number>): Matrix {
  const data = new Float64Array(a.data.length);
  for (let i = 0, at = 0; i < a.rows; i++) for (let j = 0; j < a.cols; j++, at++) data[at] = a.data[at] * scale[j];
  return { rows: a.rows, cols: a.cols, data };
}
