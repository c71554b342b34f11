/** Elementwise kernels. */
export interface ElementwiseAddon {
  /** y = a + b over arrays of one length. */
  add(a: Float32Array, b: Float32Array, y: Float32Array): void;
}
