type Leaves = readonly Float32Array[];

/** The optimiser, over all leaves at once. */
export interface OptimizerAddon {
  /**
   * One AdamW step; scalars: learning rate, beta1, beta2, eps, weight decay, step (from 1), largest norm. Where there is a
   * norm [1], gradients are multiplied by min(1, largest / (norm + 1e-6)). With moving averages e also e1 = decay e +
   * (1 - decay) p1; without, e and e1 are empty. p1, m1, v1, e1 are written; each of their arrays may be that of its input.
   */
  adamw(
    scalars: readonly number[],
    norm: Float32Array | undefined,
    decay: number,
    p: Leaves,
    g: Leaves,
    m: Leaves,
    v: Leaves,
    e: Leaves,
    p1: Leaves,
    m1: Leaves,
    v1: Leaves,
    e1: Leaves,
  ): void;
  /** `adamw` where every output is the array of its input. */
  adamwInPlace(
    scalars: readonly number[],
    norm: Float32Array | undefined,
    decay: number,
    p: Leaves,
    g: Leaves,
    m: Leaves,
    v: Leaves,
    e: Leaves,
  ): void;
  /** e1 = decay e + (1 - decay) p. */
  ema(decay: number, e: Leaves, p: Leaves, e1: Leaves): void;
  /** sum [1] = the sum of the squares of all elements. */
  globalSquaredNorm(x: Leaves, sum: Float32Array): void;
}
