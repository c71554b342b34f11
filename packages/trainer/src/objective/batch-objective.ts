import type { Denoiser } from '@learngene/diffusion';
import type { DiffusionProcess } from '@learngene/pipeline';
import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionBatch } from '../contracts/diffusion';
import type { StepResult } from '../contracts/learner';
import { sampleLosses } from './sample-losses';

/** The objective of one step on one batch. */
export interface BatchObjective {
  /** The mean loss, weighted where the batch has weights; a scalar. */
  loss(denoiser: Denoiser): tf.Scalar;
  /** Reads back what the step measured, and disposes it. */
  read(loss: tf.Scalar, gradientNorm: tf.Scalar): Promise<StepResult>;
}

/** The objective of a step; `loss` may be called once, inside a gradient. */
export function batchObjective(process: DiffusionProcess, batch: DiffusionBatch): BatchObjective {
  const { weights } = batch;
  let kept: tf.Tensor1D | undefined;
  return {
    loss(denoiser) {
      const losses = sampleLosses(process, denoiser, batch);
      kept = tf.keep(tf.clone(losses));
      if (weights === undefined) return tf.mean(losses) as tf.Scalar;
      return tf.mean(tf.mul(losses, tf.tensor1d(weights))) as tf.Scalar;
    },
    async read(loss, gradientNorm) {
      try {
        const [[mean], [norm], losses] = await Promise.all([loss.data(), gradientNorm.data(), kept?.data()]);
        return {
          loss: mean,
          gradientNorm: norm,
          ...(losses && { sampleLosses: Float32Array.from(losses as Float32Array) }),
        };
      } finally {
        tf.dispose([loss, gradientNorm, ...(kept ? [kept] : [])]);
      }
    },
  };
}

/** The loss of every sample of a batch under a network, [N], read back. */
export async function readLosses(
  process: DiffusionProcess,
  denoiser: Denoiser,
  batch: Pick<DiffusionBatch, 'x0' | 'noise' | 't'>,
): Promise<Float32Array> {
  const losses = tf.tidy(() => sampleLosses(process, denoiser, batch));
  try {
    return Float32Array.from((await losses.data()) as Float32Array);
  } finally {
    losses.dispose();
  }
}
