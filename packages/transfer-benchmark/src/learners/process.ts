import { type GaussianDiffusion, gaussianDiffusion, trainingLosses } from '@learngene/diffusion';
import * as tf from '@tensorflow/tfjs-core';
import type { TransferBatch } from './batch';
import type { NetworkInputs } from './learner';

/** The diffusion process of all models of all plans: cosine schedule, the network predicts the clean picture. */
export const diffusion: GaussianDiffusion = gaussianDiffusion({
  schedule: 'cosine',
  timesteps: 1000,
  prediction: 'x0',
  variance: 'fixed-small',
  loss: 'mse',
});

/** The loss of every sample of a batch, [N]. */
export function batchLosses(
  { x0, noise, t, labels }: Pick<TransferBatch, 'x0' | 'noise' | 't' | 'labels'>,
  network: (inputs: NetworkInputs) => tf.Tensor4D,
): tf.Tensor1D {
  return trainingLosses(diffusion, (x, time) => network({ x, t: time, labels }), { x0, noise, t }).loss;
}

/** The mean loss of a batch. */
export function meanLoss(
  batch: Pick<TransferBatch, 'x0' | 'noise' | 't' | 'labels'>,
  network: (inputs: NetworkInputs) => tf.Tensor4D,
): tf.Scalar {
  return tf.mean(batchLosses(batch, network)) as tf.Scalar;
}
