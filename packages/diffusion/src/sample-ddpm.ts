import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames, type Shape4D } from './check';
import { CLIP_OPTIONS, type ClipOptions } from './clip';
import type { Denoiser } from './denoiser';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { drawNoise, needGenerator } from './noise';
import { type GaussianDiffusion, respaceDiffusion } from './process';
import { reverseMomentsFromOutput, x0OfBatch } from './reverse-moments';
import { SPACING_OPTIONS, type SpacingOptions, spacedTimesteps } from './spacing';
import { splitOutput } from './split-output';
import { timeTensor } from './time-tensor';

/** Settings of {@link sampleDdpm}: `clip` defaults to true, `spacing` to `'leading'`. */
export interface DdpmOptions extends LoopOptions, SpacingOptions, ClipOptions {
  /** Source of the noise of every step but the last; needed when there is more than one step. */
  readonly generator?: Generator;
}

/**
 * Ancestral sampling (Ho et al. 2020, algorithm 2): x_{t-1} = mean + std · noise, with the process's variance (learned
 * ones included). Fewer `steps` respace the process.
 * @param process - a Gaussian process
 * @param denoiser - the network, C or 2C channels
 * @param options - start, number of steps, generator, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleDdpm(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: DdpmOptions,
): Promise<tf.Tensor4D> {
  checkNames('sampleDdpm', options, [...LOOP_OPTIONS, ...SPACING_OPTIONS, ...CLIP_OPTIONS]);
  const { clip = true, thresholding, generator } = options;
  const indices = spacedTimesteps(process, options, 'closed');
  const steps = indices.length;
  const whole = steps === process.timesteps;
  const respaced = whole ? process : respaceDiffusion(process, indices.slice().reverse());
  const time = (step: number) => process.timestepMap[indices[step]];
  // A predicted mean belongs to the step before in the process. A longer step needs the x_0 that the mean implies.
  const throughX0 = process.prediction === 'previous' && !whole;
  const reverse: GaussianDiffusion = throughX0 ? { ...respaced, prediction: 'x0' } : respaced;
  const evaluate = (x: tf.Tensor4D, step: number): tf.Tensor4D => {
    const output = denoiser(x, timeTensor(x.shape[0], time(step)));
    if (!throughX0) return output;
    const { mean, variance } = splitOutput(output, x);
    const x0 = x0OfBatch(process, mean, x, new Int32Array(x.shape[0]).fill(indices[step]));
    return variance ? tf.concat([x0, variance], 3) : x0;
  };
  const advance = ([x]: readonly tf.Tensor4D[], step: number) => {
    const t = new Int32Array(x.shape[0]).fill(steps - 1 - step);
    const output = evaluate(x, step);
    const { mean, logVariance } = reverseMomentsFromOutput(reverse, output, { xt: x, t, clip, thresholding });
    if (step === steps - 1) return [mean];
    const noise = drawNoise(needGenerator(generator, 'the noise of DDPM steps'), x.shape as Shape4D);
    return [tf.add<tf.Tensor4D>(mean, tf.mul(noise, tf.exp(tf.mul(logVariance, 0.5))))];
  };
  return runSteps({ steps, time, advance }, options);
}
