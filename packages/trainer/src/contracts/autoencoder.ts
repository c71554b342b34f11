import type { VaeConfig, VaeParams } from '@learngene/vae';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Learner } from './learner';

/** A batch of an autoencoder. */
export interface AutoencoderBatch {
  /** [N, H, W, C] in [-1, 1]. */
  readonly images: Tensor4D;
  /** Standard normal noise of the latents, [N, h, w, Z]; a deterministic evaluation does not read it. */
  readonly noise: Tensor4D;
}

/** An autoencoder in training. Its `evaluate` gives the mean squared error of every image, see {@link autoencoderLearner}. */
export interface AutoencoderLearner extends Learner<AutoencoderBatch> {
  /** Images through encoder and decoder with the averaged weights, [N, H, W, C] in [-1, 1]; the caller owns them. */
  rebuild(images: Tensor4D): Tensor4D;
  /** The latents' means with the averaged weights, [N, h, w, Z]; the caller owns them. */
  encode(images: Tensor4D): Tensor4D;
  /** The averaged weights; the tensors stay the learner's. */
  model(): {
    /** Its configuration. */
    readonly config: VaeConfig;
    /** Its averaged weights. */
    readonly params: VaeParams;
  };
}
