type Leaves = readonly Float32Array[];

/** The optimiser, over all leaves at once. */
export interface OptimizerAddon {
  /** One AdamW step; scalars: learning rate, beta1, beta2, eps, weight decay, step (from 1). p1, m1, v1 are written. */
  adamw(
    scalars: readonly number[],
    p: Leaves,
    g: Leaves,
    m: Leaves,
    v: Leaves,
    p1: Leaves,
    m1: Leaves,
    v1: Leaves,
  ): void;
  /** e1 = decay e + (1 - decay) p. */
  ema(decay: number, e: Leaves, p: Leaves, e1: Leaves): void;
  /** The sum of the squares of all elements. */
  globalSquaredNorm(x: Leaves): number;
}
