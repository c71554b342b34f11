import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkFlags, checkInterval, checkNames, type Shape4D } from './check';
import { CLIP_OPTIONS, type ClipOptions } from './clip';
import { type DdimStepOptions, evaluateDdim, pathPoint, previousBars } from './ddim-step';
import type { Denoiser } from './denoiser';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { drawNoise, needGenerator } from './noise';
import { combine } from './parameterization';
import type { GaussianDiffusion } from './process';
import { SPACING_OPTIONS, type SpacingOptions, spacedTimesteps } from './spacing';

/** Settings of {@link sampleDdim}: `clip` defaults to true, `spacing` to `'leading'`. */
export interface DdimOptions extends LoopOptions, SpacingOptions, ClipOptions, DdimStepOptions {
  /** In [0, 1]. 0 (default): deterministic; 1: the noise of DDPM with the small fixed variance. */
  readonly eta?: number;
  /** Source of noise; needed where `eta` is above 0. */
  readonly generator?: Generator;
  /** End at noise 0 (default true), not at the noise of the process's first step. */
  readonly setAlphaToOne?: boolean;
  /** Derive ε from the clipped x_0, as guided-diffusion does (default false). */
  readonly useClippedOutput?: boolean;
}

/**
 * DDIM (Song et al. 2021, eq. 12): x' = √ᾱ' x_0 + √(1 - ᾱ' - s²) ε + s · noise, with s = eta times the posterior's
 * standard deviation (eq. 16).
 * @param process - a Gaussian process
 * @param denoiser - the network, C or 2C channels (learned variances are not used)
 * @param options - start, number of steps, eta, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleDdim(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: DdimOptions,
): Promise<tf.Tensor4D> {
  checkNames('sampleDdim', options, [
    ...LOOP_OPTIONS,
    ...SPACING_OPTIONS,
    ...CLIP_OPTIONS,
    'previousTimestep',
    'eta',
    'setAlphaToOne',
    'useClippedOutput',
  ]);
  checkFlags(options, ['setAlphaToOne', 'useClippedOutput']);
  const { eta = 0, clip = true, thresholding, generator, setAlphaToOne = true, useClippedOutput = false } = options;
  checkInterval('eta', eta, '[0, 1]');
  const indices = spacedTimesteps(process, options, 'closed');
  const clean = setAlphaToOne ? 1 : process.alphasCumprod[0];
  const nextBars = previousBars(process, indices, { ...options, clean });
  const time = (step: number) => process.timestepMap[indices[step]];
  const advance = ([x]: readonly tf.Tensor4D[], step: number) => {
    const [bar, next] = [process.alphasCumprod[indices[step]], nextBars[step]];
    const point = pathPoint(bar, indices[step]);
    const evaluation = { point, time: time(step), clip, thresholding, useClippedOutput };
    const { x0, noise } = evaluateDdim(process, denoiser, x, evaluation);
    const deviation = eta * Math.sqrt(Math.max(((1 - next) / (1 - bar)) * (1 - bar / next), 0));
    const direction = Math.sqrt(Math.max(1 - next - deviation ** 2, 0));
    const mean = combine(Math.sqrt(next), x0, direction, noise);
    if (deviation === 0) return [mean];
    const fresh = drawNoise(needGenerator(generator, 'eta above 0'), x.shape as Shape4D);
    return [tf.add<tf.Tensor4D>(mean, tf.mul(fresh, deviation))];
  };
  return runSteps({ steps: indices.length, time, advance }, options);
}
