import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Denoiser } from './denoiser';
import { splitOutput } from './split-output';
import { timeTensor } from './time-tensor';

/**
 * Evaluates the network at x, with one time for all samples, and returns its first C channels. Learned variances are
 * dropped.
 */
export function evaluate(denoiser: Denoiser, x: Tensor4D, time: number): Tensor4D {
  return splitOutput(denoiser(x, timeTensor(x.shape[0], time)), x).mean;
}
