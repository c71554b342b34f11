import type * as tf from '@tensorflow/tfjs-core';
import { applyDitGated } from './apply';
import { gatedBatch } from './apply-gated';
import type { KindConfig } from './config-types';
import { checkTrainStep, type KindTrainOptions, type KindTrainResult, step } from './gated-train-step';
import type { KindTrainState } from './train-state';

/**
 * What {@link kindTrainStep} reads. Nothing of it is disposed, but with the option `donate` the state is overwritten.
 */
export interface KindTrainInputs {
  /** State before the step. */
  readonly state: KindTrainState;
  /** The model's configuration. */
  readonly config: KindConfig;
  /** [N] class ids of the batch; `dit.classes` is the null label. */
  readonly labels: Int32Array;
  /** For every sample, whether its label is dropped (default none); see `applyKind`. */
  readonly dropped?: ArrayLike<number | boolean>;
  /**
   * The loss, a scalar. It gets a denoiser, which already knows the labels of the batch and maps x [N, H, W, C] and t
   * [N] to the prediction.
   */
  readonly loss: (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.Scalar;
}

/**
 * One step of knowledge diversion of a Diffusion Transformer (KIND, arXiv 2408.07337, algorithm 1): `gatedTrainStep`
 * with the loss of a denoiser.
 *
 * @throws on labels out of range, tailors that are not loaded, and a state made for another `trainable`
 */
export function kindTrainStep(inputs: KindTrainInputs, options: KindTrainOptions): KindTrainResult {
  checkTrainStep('kindTrainStep', inputs, options);
  const { config, labels, loss } = inputs;
  return step(inputs, options, (params, planned) => {
    const batch = gatedBatch(params, planned);
    return loss((x, t) => applyDitGated(params, { x, t, labels }, { config, batch }));
  });
}
