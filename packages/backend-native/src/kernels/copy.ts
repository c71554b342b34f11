import type { NativeBackend } from '../backend';

/** One dimension of a copy: size, step in the source, step in the destination, in elements. */
export type Dim = readonly [size: number, from: number, to: number];

const MAX_DIMS = 16;
const LIMIT = 2 ** 31;
const packed = new Int32Array(3 * MAX_DIMS);

/** Steps between neighbours of a row-major tensor. */
export function strides(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    steps[d] = step;
    step *= shape[d];
  }
  return steps;
}

/**
 * `y[yBase + Σ i·to] = x[xBase + Σ i·from]` over all indices. Ranges are checked in Rust.
 *
 * @throws RangeError for arrays of 2^31 elements or more
 */
export function copyStrided(
  backend: NativeBackend,
  x: Float32Array,
  y: Float32Array,
  dims: readonly Dim[],
  xBase = 0,
  yBase = 0,
): void {
  if (x.length >= LIMIT || y.length >= LIMIT) {
    throw new RangeError(
      `a tensor to be copied: expected fewer than 2^31 elements, got ${Math.max(x.length, y.length)}`,
    );
  }
  for (let d = 0; d < dims.length; d++) {
    const dim = dims[d];
    packed[3 * d] = dim[0];
    packed[3 * d + 1] = dim[1];
    packed[3 * d + 2] = dim[2];
  }
  backend.addon.copyStrided(x, y, packed, dims.length, xBase, yBase);
}
