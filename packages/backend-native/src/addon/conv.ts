/**
 * Kernels of images [N, H, W, C]. `sizes` of a window: `[batch, height, width, channels, out height, out width, filter
 * height, filter width, stride down, stride across, dilation down, dilation across, padding above, padding left, filters
 * or multiplier]`.
 */
export interface ConvAddon {
  /**
   * y = activation(x * filter + bias + residual). An empty bias or residual is none. The activation is the number of a
   * unary function, or -1 for none.
   */
  conv2d(
    sizes: Int32Array,
    x: Float32Array,
    filter: Float32Array,
    y: Float32Array,
    bias: Float32Array,
    activation: number,
    parameter: number,
    residual: Float32Array,
  ): void;
  /** The gradient of `conv2d` by its input. */
  conv2dInputGrad(sizes: Int32Array, dy: Float32Array, filter: Float32Array, dx: Float32Array): void;
  /** The gradient of `conv2d` by its filter. */
  conv2dFilterGrad(sizes: Int32Array, x: Float32Array, dy: Float32Array, dw: Float32Array): void;
  /** y = x * filter, channel by channel. */
  depthwise(sizes: Int32Array, x: Float32Array, filter: Float32Array, y: Float32Array): void;
  /** The gradient of `depthwise` by its input. */
  depthwiseInputGrad(sizes: Int32Array, dy: Float32Array, filter: Float32Array, dx: Float32Array): void;
  /** The gradient of `depthwise` by its filter. */
  depthwiseFilterGrad(sizes: Int32Array, x: Float32Array, dy: Float32Array, dw: Float32Array): void;
  /** The largest value of each window, or the mean of the values inside the image. */
  pool2d(max: boolean, sizes: Int32Array, x: Float32Array, y: Float32Array): void;
  /** The gradient of `pool2d`; for means x may be empty. */
  pool2dGrad(max: boolean, sizes: Int32Array, x: Float32Array, dy: Float32Array, dx: Float32Array): void;
  /** Images at another size; `[batch, height, width, channels, new height, new width, bilinear, corners, centres]`. */
  resize(sizes: Int32Array, x: Float32Array, y: Float32Array): void;
  /** The gradient of `resize`. */
  resizeGrad(sizes: Int32Array, dy: Float32Array, dx: Float32Array): void;
  /** y = (x - mean) scale / √(variance + ε) + offset by channels; an empty scale or offset is none. */
  batchNorm(
    x: Float32Array,
    mean: Float32Array,
    variance: Float32Array,
    scale: Float32Array,
    offset: Float32Array,
    y: Float32Array,
    epsilon: number,
  ): void;
  /**
   * Group normalisation; also writes mean and 1 / standard deviation, [N, G]. The activation: 0 none, 1 ReLU, 2 SiLU.
   */
  groupNorm(
    x: Float32Array,
    gamma: Float32Array,
    beta: Float32Array,
    y: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    batch: number,
    groups: number,
    epsilon: number,
    activation: number,
  ): void;
  /** The gradients of `groupNorm`. */
  groupNormGrad(
    x: Float32Array,
    dy: Float32Array,
    gamma: Float32Array,
    beta: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    dx: Float32Array,
    dgamma: Float32Array,
    dbeta: Float32Array,
    batch: number,
    groups: number,
    activation: number,
  ): void;
}
