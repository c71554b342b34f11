import { countParams, type LeafSettings, type ParamTree, sortParams } from '@learngene/nn';
import { decodeVae, encodeVae, type Posterior, type VaeConfig, type VaeParams } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import type { AutoencoderBatch, AutoencoderLearner } from '../contracts/autoencoder';
import { meanSquaredErrors, type ReconstructionWeights, reconstructionLosses } from '../objective/reconstruction';
import { disposeTree, stepTree, type TreeState, treeFromState, treeToState } from './adamw-tree';
import { heldState } from './held-state';

/** How an autoencoder is trained. */
export interface AutoencoderLearnerOptions {
  /** Shapes. */
  config: VaeConfig;
  /** Weights of the terms of the loss. */
  loss: ReconstructionWeights;
  /**
   * Standard deviation of the noise that is added to the latents of a tiny autoencoder in training, so that its decoder
   * bears the errors of a diffusion model. An AutoencoderKL draws from its posterior instead.
   */
  latentNoise: number;
  /** Decoupled weight decay of the weights of convolutions (default 0). */
  weightDecay?: number;
}

/**
 * An autoencoder as a learner: encoder and decoder are trained together. `evaluate` gives the mean squared error of every
 * image with pixels in [0, 1], with the averaged weights and without noise.
 *
 * @param start The state before the first step, or what makes it when it is needed; the learner owns it. The parameters of
 *   one that is made later are put in the order of `sortParams`, so that a restored learner need not make it.
 * @throws Error where no term of the loss has a weight, or one does not go with the kind of autoencoder
 */
export function autoencoderLearner(
  start: TreeState | (() => TreeState),
  options: AutoencoderLearnerOptions,
): AutoencoderLearner {
  const { config, loss: weights, latentNoise, weightDecay = 0 } = options;
  checkLoss(options);
  const leaves: LeafSettings[] = [{ includes: (name) => name.endsWith('.weight'), weightDecay }];
  const sorted = (state: TreeState): TreeState => ({ ...state, params: sortParams(state.params) });
  const held = heldState(typeof start === 'function' ? () => sorted(start()) : start, disposeTree);
  const ema = () => held.get().ema as VaeParams;
  const encode = (images: tf.Tensor4D) => encodeVae(ema(), images, { config }).mean;
  const rebuild = (images: tf.Tensor4D) => {
    const params = ema();
    return tf.tidy(() => decodeVae(params, encodeVae(params, images, { config }).mean, { config }));
  };
  const lossOf = (params: VaeParams, { images, noise }: AutoencoderBatch): tf.Scalar => {
    const posterior = encodeVae(params, images, { config });
    const rebuilt = decodeVae(params, noisy(posterior, noise, latentNoise), { config });
    return tf.mean(reconstructionLosses({ images, rebuilt, posterior }, weights)) as tf.Scalar;
  };
  return {
    get counts() {
      const parameters = countParams(held.get().params);
      return { trainable: parameters, parameters };
    },
    async step(batch, step) {
      const { state, loss, gradientNorm } = stepTree(
        held.get(),
        (params: ParamTree) => lossOf(params as VaeParams, batch),
        { ...step, leaves, donate: true },
      );
      held.set(state);
      try {
        const [[mean], [norm]] = await Promise.all([loss.data(), gradientNorm.data()]);
        return { loss: mean, gradientNorm: norm };
      } finally {
        tf.dispose([loss, gradientNorm]);
      }
    },
    async evaluate({ images }) {
      const rebuilt = rebuild(images);
      const errors = meanSquaredErrors(images, rebuilt);
      rebuilt.dispose();
      try {
        return Float32Array.from(await errors.data());
      } finally {
        errors.dispose();
      }
    },
    rebuild,
    encode,
    model: () => ({ config, params: ema() }),
    state: () => treeToState(held.get()),
    restore: (state) => held.replace(treeFromState(state, held.peek())),
    dispose: held.dispose,
  };
}

/** The latents that the decoder is trained on. */
function noisy({ mean, logVariance }: Posterior, noise: tf.Tensor4D, latentNoise: number): tf.Tensor4D {
  if (logVariance) return tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)) as tf.Tensor4D;
  return latentNoise === 0 ? mean : (tf.add(mean, tf.mul(noise, latentNoise)) as tf.Tensor4D);
}

function checkLoss({ config, loss, latentNoise }: AutoencoderLearnerOptions): void {
  if (loss.l1 === 0 && loss.mse === 0 && loss.gradient === 0) {
    throw new Error('loss: expected a weight above 0 for l1, mse or gradient, got 0 for each');
  }
  if (config.type === 'tiny' && loss.kl !== 0) {
    throw new Error(
      `loss.kl: expected 0 for a tiny autoencoder, which has no variance, got ${loss.kl}; see loss.latent`,
    );
  }
  if (config.type === 'kl' && latentNoise !== 0) {
    throw new Error(`latentNoise: expected 0 for an AutoencoderKL, which draws from its posterior, got ${latentNoise}`);
  }
}
