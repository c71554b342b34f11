import type { Tensor4D } from '@tensorflow/tfjs-core';
import { type ClipOptions, clipStart } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { noiseFromStart, type PathPoint, predictNoise, predictStart } from './parameterization';
import type { GaussianDiffusion } from './process';

/** Options of a DDIM evaluation. */
export interface DdimEvaluation extends ClipOptions {
  readonly time: number;
  readonly useClippedOutput: boolean;
}

/** x_0 (clipped) and ε at a point of the path, from one evaluation of the network. */
export function evaluateDdim(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  x: Tensor4D,
  { point, time, useClippedOutput, ...clipping }: DdimEvaluation & { readonly point: PathPoint },
): { start: Tensor4D; noise: Tensor4D } {
  const output = evaluate(denoiser, x, time);
  const predicted = predictStart(process, output, x, point);
  const start = clipStart(predicted, clipping);
  const noise = useClippedOutput ? noiseFromStart(x, start, point) : predictNoise(process, output, x, predicted, point);
  return { start, noise };
}

/** The point of the path at cumulative alpha `bar`. */
export function pathPoint(bar: number, index: number): PathPoint {
  return { alpha: Math.sqrt(bar), sigma: Math.sqrt(1 - bar), index };
}
