import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';

/**
 * A network with its conditioning closed over: all that this package knows of it.
 *
 * `x` is `[N, H, W, C]` float32, `t` is `[N]` float32 (the original timesteps of training, 0 .. T-1 for a Gaussian
 * process, `time * timeScale` for flow matching). Returns `[N, H, W, C]`, or `[N, H, W, 2C]` where the second half of
 * the channels holds the learned variance. Must not dispose its inputs; what it returns belongs to the caller.
 */
export type Denoiser = (x: Tensor4D, t: Tensor1D) => Tensor4D;
