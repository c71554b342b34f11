import type { Tensor4D } from '@tensorflow/tfjs-core';
import { checkWord } from './check';
import { type ClipOptions, clipX0 } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { noiseFromOutput, noiseFromX0, type PathPoint, x0FromOutput } from './parameterization';
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
): { x0: Tensor4D; noise: Tensor4D } {
  const output = evaluate(denoiser, x, time);
  const predicted = x0FromOutput(process, output, x, point);
  const x0 = clipX0(predicted, clipping);
  const noise = useClippedOutput ? noiseFromX0(x, x0, point) : noiseFromOutput(process, output, x, predicted, point);
  return { x0, noise };
}

/** Where DDIM's steps go. */
export interface DdimStepOptions {
  /**
   * Which timestep a step goes to. `'spaced'` (default) is the next one that the spacing visits, so that the network is
   * always evaluated at the noise level of its sample. `'stride'` is t - floor(T / steps), as in diffusers. The two
   * differ where `steps` does not divide T, and for the spacing `'linspace'`.
   */
  readonly previousTimestep?: 'spaced' | 'stride';
}

/**
 * Returns the cumulative alpha of the timestep that follows each of `indices` (descending). After the last one it is
 * `clean`: 1 for noise 0, or the value at the process's first step.
 */
export function previousBars(
  process: GaussianDiffusion,
  indices: Float64Array,
  { previousTimestep = 'spaced', clean }: DdimStepOptions & { readonly clean: number },
): Float64Array {
  checkWord('previousTimestep', previousTimestep, ['spaced', 'stride']);
  const stride = Math.floor(process.timesteps / indices.length);
  return indices.map((index, i) => {
    const previous = previousTimestep === 'stride' ? index - stride : (indices[i + 1] ?? -1);
    return previous < 0 ? clean : process.alphasCumprod[previous];
  });
}

/** Returns the point of the path at cumulative alpha `bar`. */
export function pathPoint(bar: number, index: number): PathPoint {
  return { alpha: Math.sqrt(bar), sigma: Math.sqrt(1 - bar), index };
}
