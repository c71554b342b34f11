import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Denoiser } from './denoiser';
import { splitOutput } from './split-output';
import { timeTensor } from './time-tensor';

/** The network's first C channels at x, all samples at one time; learned variances are dropped. */
export function evaluate(denoiser: Denoiser, x: Tensor4D, time: number): Tensor4D {
  return splitOutput(denoiser(x, timeTensor(x.shape[0], time)), x).mean;
}
