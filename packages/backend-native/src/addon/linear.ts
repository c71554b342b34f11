type F32 = Float32Array;

/** Bits of the `flags` of a product. */
export const GEMM = {
  /** A is [k, m]. */
  transposeA: 1,
  /** B is [n, k]. */
  transposeB: 2,
  /** Factors are rounded to bfloat16. */
  bf16: 4,
  /** C is added to. */
  accumulate: 8,
  /** All products of a batch use the same A. */
  sameA: 16,
  /** All products of a batch use the same B. */
  sameB: 32,
} as const;

/** Epilogues: what is done with a product before it is stored. */
export const EPILOGUE = {
  /** Nothing. */
  store: 0,
  /** GELU; `of`, where given, gets its argument. */
  gelu: 1,
  /** SiLU; `of`, where given, gets its argument. */
  silu: 2,
  /** Times gelu'(of). */
  geluGrad: 3,
  /** Times silu'(of). */
  siluGrad: 4,
} as const;

/** Products of matrices. */
export interface LinearAddon {
  /** C [m, n] = epilogue(op(A) op(B) + bias). */
  gemm(
    m: number,
    n: number,
    k: number,
    flags: number,
    a: F32,
    b: F32,
    c: F32,
    bias: F32 | undefined,
    epilogue: number,
    of?: F32,
  ): void;
  /** C [m, n] = x + gate (op(A) op(B) + bias), a row of the gate for `rows` rows; `branch` [m, n], where given, gets the product. */
  gemmGatedResidual(
    m: number,
    n: number,
    k: number,
    flags: number,
    a: F32,
    b: F32,
    bias: F32 | undefined,
    x: F32,
    gate: F32,
    rows: number,
    c: F32,
    branch?: F32,
  ): void;
  /** C[i] = op(A[i]) op(B[i]) for i < count. */
  gemmBatch(count: number, m: number, n: number, k: number, flags: number, a: F32, b: F32, c: F32): void;
  /** sums [columns] = the sums over the rows of x. */
  columnSums(x: F32, sums: F32): void;
  /** dx = dy where y > 0, else 0; sums [columns] = the sums over the rows of dx. */
  reluGrad(dy: F32, y: F32, dx: F32, sums: F32): void;
  /** h [m, r] = x v, y [m, out] = (h s) uᵀ + bias. */
  lowRankLinear(
    m: number,
    inputs: number,
    out: number,
    flags: number,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    bias: F32 | undefined,
    y: F32,
    h: F32,
  ): void;
  /**
   * y [rows, out] = ((x v) s) uᵀ + bias, and for the rows [starts[c], ends[c]) the term of their own factors (`own`: u0,
   * s0, v0, u1, ...); `hidden` gets x v, then x v_c of every segment. With `epilogue` `EPILOGUE.gelu`, y is gelu of that; with a gate,
   * `stream` + gate times that, a row of the gate for `tokens` rows; `pre` [rows, out], where given, gets it as it was.
   */
  groupedLowRank(
    rows: number,
    inputs: number,
    out: number,
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    bias: F32 | undefined,
    own: readonly F32[],
    y: F32,
    hidden: F32,
    epilogue?: number,
    pre?: F32,
    stream?: F32,
    gate?: F32,
    tokens?: number,
  ): void;
  /** Words of the `work` of `groupedLowRankGrad`, for `rank` components of all rows and `ranks` of each segment. */
  groupedLowRankWork(
    rows: number,
    inputs: number,
    out: number,
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    rank: number,
    ranks: readonly number[],
  ): number;
  /**
   * The gradients of `groupedLowRank`; `dcommon` is du, ds, dv, or empty; `work` has the words of `groupedLowRankWork`, `down`
   * those of `own`.
   */
  groupedLowRankGrad(
    rows: number,
    inputs: number,
    out: number,
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    dy: F32,
    x: F32,
    u: F32,
    s: F32,
    v: F32,
    own: readonly F32[],
    hidden: F32,
    work: F32,
    dx: F32,
    dcommon: readonly F32[],
    dbias: F32 | undefined,
    down: readonly F32[],
  ): void;
  /**
   * As `groupedLowRank` for layers of one x and the same segments: `outs` widths, `common` u, s, v of every layer, `biases` all
   * or none, `own` of every layer; `ys` and `hiddens` get the results.
   */
  groupedLowRankTogether(
    rows: number,
    inputs: number,
    outs: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    x: F32,
    common: readonly F32[],
    biases: readonly F32[],
    own: readonly F32[],
    ys: readonly F32[],
    hiddens: readonly F32[],
  ): void;
  /** Words of the `work` of `groupedLowRankTogetherGrad`, for the ranks of the layers and of each segment, layer by layer. */
  groupedLowRankTogetherWork(
    rows: number,
    inputs: number,
    outs: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    common: readonly number[],
    ranks: readonly number[],
  ): number;
  /**
   * The gradients of `groupedLowRankTogether`: `dx` is the sum of the layers', `dcommon` du, ds, dv of every layer, or empty,
   * `dbiases` all or none; `down` has the lengths of `own`.
   */
  groupedLowRankTogetherGrad(
    rows: number,
    inputs: number,
    outs: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    flags: number,
    dys: readonly F32[],
    x: F32,
    common: readonly F32[],
    own: readonly F32[],
    hiddens: readonly F32[],
    work: F32,
    dx: F32,
    dcommon: readonly F32[],
    dbiases: readonly F32[],
    down: readonly F32[],
  ): void;
}
