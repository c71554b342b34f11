import { disposeParams } from '@learngene/nn';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { decodeVae, encodeVae } from './apply';
import { type VaeConfig, vaeDownscale, validateVaeConfig } from './config';
import { checkParams } from './core/arguments';
import type { VaeParams } from './params';
import type { Posterior } from './posterior';
import { scaleLatents, unscaleLatents } from './scale';

/** An autoencoder with its parameters: what a pipeline or a latent cache holds. Latents are raw unless said otherwise. */
export interface Autoencoder {
  /** Plain JSON, see `VaeConfig`. */
  readonly config: VaeConfig;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Sides of an image divided by those of its latents. */
  readonly downscale: number;
  /** See `encodeVae`. */
  readonly encode: (images: Tensor4D) => Posterior;
  /** See `decodeVae`. */
  readonly decode: (latents: Tensor4D) => Tensor4D;
  /** Raw latents as a diffusion model sees them, see `scaleLatents`. */
  readonly scale: (latents: Tensor4D) => Tensor4D;
  /** The inverse of `scale`, see `unscaleLatents`. */
  readonly unscale: (latents: Tensor4D) => Tensor4D;
  /** Disposes the parameters; `encode` and `decode` throw from then on. */
  readonly dispose: () => void;
}

/**
 * An autoencoder of parameters and their configuration.
 *
 * @param params - owned by the result from now on.
 * @throws on an invalid config
 */
export function createAutoencoder(params: VaeParams, config: VaeConfig): Autoencoder {
  checkParams(params, ['encoder', 'decoder']);
  validateVaeConfig(config);
  let live: VaeParams | undefined = params;
  const own = (): VaeParams => {
    if (!live) throw new Error('autoencoder: expected one that is not disposed');
    return live;
  };
  return {
    config,
    latentChannels: config.latentChannels,
    downscale: vaeDownscale(config),
    encode: (images) => encodeVae(own(), images, { config }),
    decode: (latents) => decodeVae(own(), latents, { config }),
    scale: (latents) => scaleLatents(latents, config),
    unscale: (latents) => unscaleLatents(latents, config),
    dispose: () => {
      if (live) disposeParams(live);
      live = undefined;
    },
  };
}
