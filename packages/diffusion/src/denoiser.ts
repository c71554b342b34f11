import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';

/**
 * A network together with its conditioning. This is all that this package knows of a network.
 *
 * `x` is `[N, H, W, C]` float32, `t` is `[N]` float32 (the original timesteps of training, 0 .. T-1 for a Gaussian
 * process, `time * timeScale` for flow matching). Returns `[N, H, W, C]`, or `[N, H, W, 2C]` where the second half of
 * the channels holds the learned variance. It must not dispose its inputs; the caller owns what it returns.
 */
export type Denoiser = (x: Tensor4D, t: Tensor1D) => Tensor4D;
