type F32 = Float32Array;

/** Norms, gates, activations, softmax and attention; N samples, T (S) tokens, D channels. */
export interface TransformerAddon {
  /** GELU in its tanh form. */
  gelu(x: F32, y: F32): void;
  /** dx = dy gelu'(x). */
  geluGrad(dy: F32, x: F32, dx: F32): void;
  /** y = x sigmoid(x). */
  silu(x: F32, y: F32): void;
  /** dx = dy silu'(x). */
  siluGrad(dy: F32, x: F32, dx: F32): void;
  /** Softmax of rows of `width` values, or its logarithm. */
  softmax(x: F32, width: number, log: boolean, y: F32): void;
  /** Layer norm of rows of `width` values; `state` [rows, 2] is written for the gradient. */
  layerNorm(
    x: F32,
    width: number,
    weight: F32 | undefined,
    bias: F32 | undefined,
    eps: number,
    y: F32,
    state: F32,
  ): void;
  /** dx, dweight [width], dbias [width] of `layerNorm`. */
  layerNormGrad(dy: F32, x: F32, weight: F32 | undefined, state: F32, dx: F32, dweight: F32, dbias: F32): void;
  /** y = norm(x) (1 + scale) + shift; x [N, T, D], shift, scale [N, D], `state` [N, T, 2] is written. */
  layerNormModulate(
    n: number,
    t: number,
    d: number,
    x: F32,
    shift: F32,
    scale: F32,
    eps: number,
    y: F32,
    state: F32,
  ): void;
  /** dx, dshift, dscale of `layerNormModulate`. */
  layerNormModulateGrad(
    n: number,
    t: number,
    d: number,
    dy: F32,
    x: F32,
    scale: F32,
    state: F32,
    dx: F32,
    dshift: F32,
    dscale: F32,
  ): void;
  /** out = x + gate y; x, y [N, T, D], gate [N, D]. */
  gatedResidual(n: number, t: number, d: number, x: F32, gate: F32, y: F32, out: F32): void;
  /** The gradient of `gatedResidual` in gate and y. */
  gatedResidualGrad(n: number, t: number, d: number, dy: F32, gate: F32, y: F32, dgate: F32, dbranch: F32): void;
  /** out = softmax(scale q kᵀ) v in every head; q [N, T, D], k, v [N, S, D]; `state` [N, heads, T] is written. */
  attention(
    n: number,
    t: number,
    s: number,
    d: number,
    heads: number,
    scale: number,
    q: F32,
    k: F32,
    v: F32,
    out: F32,
    state: F32,
  ): void;
  /** dq, dk, dv of `attention`. */
  attentionGrad(
    n: number,
    t: number,
    s: number,
    d: number,
    heads: number,
    scale: number,
    dy: F32,
    q: F32,
    k: F32,
    v: F32,
    out: F32,
    state: F32,
    dq: F32,
    dk: F32,
    dv: F32,
  ): void;
}
