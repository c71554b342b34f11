import { type Denoiser, flowLosses, trainingLosses } from '@learngene/diffusion';
import type { DiffusionProcess } from '@learngene/pipeline';
import type * as tf from '@tensorflow/tfjs-core';
import type { DiffusionBatch } from '../contracts/diffusion';

/** The loss of every sample of a batch, [N]; the caller owns it. */
export function sampleLosses(
  process: DiffusionProcess,
  denoiser: Denoiser,
  { x0, noise, t }: Pick<DiffusionBatch, 'x0' | 'noise' | 't'>,
): tf.Tensor1D {
  if (process.kind === 'flow') return flowLosses(process, denoiser, { x0, noise, t: Float32Array.from(t) }).loss;
  return trainingLosses(process, denoiser, { x0, noise, t: Int32Array.from(t) }).loss;
}
