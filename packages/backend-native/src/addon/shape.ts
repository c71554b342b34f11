/** Kernels that move data. */
export interface ShapeAddon {
  /**
   * `y[yBase + Σ i·yStep] = x[xBase + Σ i·xStep]` over `rank` dimensions; `dims` holds size, xStep and yStep of each;
   * the rest of it is ignored. Other elements of y do not change.
   */
  copyStrided(x: Float32Array, y: Float32Array, dims: Int32Array, rank: number, xBase: number, yBase: number): void;
  /**
   * `y [batch, outer, count, slice]` from `x [batch, outer, size, slice]` at `indices [batch, count]`; throws where an
   * index is outside.
   */
  gather(
    x: Float32Array,
    indices: Int32Array,
    y: Float32Array,
    batch: number,
    outer: number,
    size: number,
    slice: number,
  ): void;
  /** Sums of the rows of `x [count, width]` by segment; segments outside the rows of y are left out. */
  segmentSum(x: Float32Array, segments: Int32Array, y: Float32Array, width: number): void;
  /** Rows of `depth` numbers: `on` at the index, where it is inside, and `off` elsewhere. */
  oneHot(indices: Int32Array, y: Float32Array, depth: number, on: number, off: number): void;
}
