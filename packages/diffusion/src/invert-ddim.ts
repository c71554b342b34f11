import type { Tensor4D } from '@tensorflow/tfjs-core';
import { checkFlags, checkNames } from './check';
import { CLIP_OPTIONS, type ClipOptions } from './clip';
import { type DdimStepOptions, evaluateDdim, pathPoint, previousBars } from './ddim-step';
import type { Denoiser } from './denoiser';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { combine } from './parameterization';
import type { GaussianDiffusion } from './process';
import { SPACING_OPTIONS, type SpacingOptions, spacedTimesteps } from './spacing';

/** Settings of {@link invertDdim}: `noise` is the clean x_0, `clip` defaults to true, `spacing` to `'leading'`. */
export interface InvertDdimOptions extends LoopOptions, SpacingOptions, ClipOptions, DdimStepOptions {
  /**
   * Start from noise 0 (default), not from the noise of the first step. It must be false, which is then the default,
   * where ε is derived from x_0: for a network that predicts x_0 or the mean, and with `useClippedOutput`. At noise 0 ε
   * does not follow from x_0.
   */
  readonly setAlphaToOne?: boolean;
  /** Derive ε from the clipped x_0 (default false). */
  readonly useClippedOutput?: boolean;
}

/**
 * Runs DDIM backwards (Song et al. 2021, section 4.3): from images to the noise from which {@link sampleDdim} makes
 * them again. In each step the network gets the timestep at which the step ends.
 * @param process - a Gaussian process
 * @param denoiser - the network, C or 2C channels
 * @param options - `noise`: the images x_0 `[N, H, W, C]`; number of steps, clipping, call-back, signal
 * @returns x_T `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function invertDdim(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: InvertDdimOptions,
): Promise<Tensor4D> {
  checkNames('invertDdim', options, [
    ...LOOP_OPTIONS,
    ...SPACING_OPTIONS,
    ...CLIP_OPTIONS,
    'previousTimestep',
    'setAlphaToOne',
    'useClippedOutput',
  ]);
  checkFlags(options, ['setAlphaToOne', 'useClippedOutput']);
  const divides = process.prediction === 'epsilon' || process.prediction === 'velocity'; // ε is known where sigma is 0
  const { clip = true, thresholding, useClippedOutput = false } = options;
  const { setAlphaToOne = divides && !useClippedOutput } = options;
  if (setAlphaToOne && (!divides || useClippedOutput)) {
    const reason = divides ? 'with useClippedOutput' : `for prediction '${process.prediction}'`;
    throw new Error(`setAlphaToOne: expected false ${reason}: at noise 0 the noise does not follow from x_0`);
  }
  const descending = spacedTimesteps(process, options, 'closed');
  const clean = setAlphaToOne ? 1 : process.alphasCumprod[0];
  const fromBars = previousBars(process, descending, { ...options, clean }).reverse();
  const indices = descending.slice().reverse();
  const time = (step: number) => process.timestepMap[indices[step]];
  const advance = ([x]: readonly Tensor4D[], step: number) => {
    const to = process.alphasCumprod[indices[step]];
    const point = pathPoint(fromBars[step], indices[step]);
    const evaluation = { point, time: time(step), clip, thresholding, useClippedOutput };
    const { x0, noise } = evaluateDdim(process, denoiser, x, evaluation);
    return [combine(Math.sqrt(to), x0, Math.sqrt(1 - to), noise)];
  };
  return runSteps({ steps: indices.length, time, advance }, options);
}
