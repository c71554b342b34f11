/** Numbers of the reductions of `reduce`. */
export const REDUCTIONS = ['Sum', 'Max', 'Min', 'Prod'] as const;

/** Reductions of `x [outer, size, inner]` to `y [outer, inner]`. */
export interface ReduceAddon {
  /** Sum, maximum, minimum or product. */
  reduce(op: number, x: Float32Array, y: Float32Array, outer: number, size: number, inner: number): void;
  /** The mean. */
  mean(x: Float32Array, y: Float32Array, outer: number, size: number, inner: number): void;
  /** Whether all, or any, of the booleans hold. */
  hold(all: boolean, x: Uint8Array, y: Uint8Array, outer: number, size: number, inner: number): void;
  /** The first index of the largest, or smallest, number. */
  argExtreme(largest: boolean, x: Float32Array, y: Int32Array, outer: number, size: number, inner: number): void;
}
