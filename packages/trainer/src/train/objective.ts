import {
  type Denoiser,
  flowLosses,
  flowTimesteps,
  type LossSecondMoment,
  sampleLossSecondMoment,
  trainingLosses,
  uniformTimesteps,
} from '@learngene/diffusion';
import type { DiffusionProcess } from '@learngene/pipeline';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

/** Timesteps of one batch with their importance weights. */
export interface Times {
  t: Int32Array | Float32Array;
  weights: Float32Array;
}

/** Draws the timesteps of a batch. */
export function drawTimes(
  process: DiffusionProcess,
  { size, generator, moments }: { size: number; generator: Generator; moments?: LossSecondMoment },
): Times {
  if (process.kind === 'flow') {
    const t = flowTimesteps({ size, generator, distribution: { kind: 'logit-normal' } });
    return { t, weights: new Float32Array(size).fill(1) };
  }
  if (moments !== undefined) return sampleLossSecondMoment(moments, { size, generator });
  return uniformTimesteps({ timesteps: process.timesteps, size, generator });
}

/** The loss of every sample, [N]; the caller owns it. */
export function sampleLosses(
  process: DiffusionProcess,
  denoiser: Denoiser,
  { x0, noise, t }: { x0: tf.Tensor4D; noise: tf.Tensor4D; t: Int32Array | Float32Array },
): tf.Tensor1D {
  return tf.tidy(() => {
    if (process.kind === 'flow') return flowLosses(process, denoiser, { x0, noise, t: Float32Array.from(t) }).loss;
    return trainingLosses(process, denoiser, { x0, noise, t: Int32Array.from(t) }).loss;
  });
}
