import type { Config } from '../config/schema';

/**
 * What of a recipe changes the images of a model whatever they are sampled by: the process with what the network predicts,
 * and the autoencoder with the scale of its latents. Tailors fit only a base with the same; it is a part of the hash of the base.
 * Sampler, steps and guidance are no part of it, nor is the place of the autoencoder.
 *
 * @returns JSON, the same text for the same settings.
 */
export function imageSettings({ diffusion, autoencoder }: Pick<Config, 'diffusion' | 'autoencoder'>): string {
  const { process, schedule, timesteps, prediction, variance } = diffusion;
  const gaussian = process === 'flow' ? {} : { schedule, timesteps, prediction, variance };
  if (autoencoder === undefined) return JSON.stringify({ process, ...gaussian });
  const { hash, scalingFactor, shiftFactor } = autoencoder;
  return JSON.stringify({ process, ...gaussian, autoencoder: { hash, scalingFactor, shiftFactor } });
}
