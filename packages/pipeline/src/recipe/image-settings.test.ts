import { describe, expect, test } from 'vitest';
import { parseConfig } from '../config/load';
import { imageSettings } from './image-settings';
import { bundleMetadata } from './recipe';

const AUTOENCODER = {
  path: 'here',
  hash: 'a'.repeat(64),
  imageChannels: 3,
  latentChannels: 4,
  downscale: 8,
  scalingFactor: 0.5,
  shiftFactor: 0,
};
const of = (config: object) => imageSettings(parseConfig(config, 'test'));
const flow = { diffusion: { process: 'flow' }, sampling: { sampler: 'euler' } };
const latent = (more: object = {}) => ({ autoencoder: { ...AUTOENCODER, ...more } });

describe('imageSettings', () => {
  test('is the text that bundles keep, with all that changes images', () => {
    const config = parseConfig(latent(), 'test');
    expect(bundleMetadata(config).images).toBe(imageSettings(config));
    expect(JSON.parse(imageSettings(config))).toEqual({
      process: 'gaussian',
      schedule: 'cosine',
      timesteps: 1000,
      prediction: 'x0',
      variance: 'fixed-small',
      autoencoder: { hash: 'a'.repeat(64), scalingFactor: 0.5, shiftFactor: 0 },
    });
    expect(JSON.parse(of(flow))).toEqual({ process: 'flow' });
  });

  test.each<[string, object, object]>([
    ['the process', {}, flow],
    ['the schedule', {}, { diffusion: { schedule: 'linear' } }],
    ['the timesteps', {}, { diffusion: { timesteps: 500 } }],
    ['the prediction', {}, { diffusion: { prediction: 'epsilon' } }],
    ['the variance', {}, { diffusion: { variance: 'fixed-large' } }],
    ['pixels and latents', {}, latent()],
    ['the autoencoder', latent(), latent({ hash: 'b'.repeat(64) })],
    ['the scale of latents', latent(), latent({ scalingFactor: 0.25 })],
    ['their shift', latent(), latent({ shiftFactor: 0.1 })],
  ])('tells apart by %s', (_, one, other) => {
    expect(of(one)).not.toBe(of(other));
  });

  test.each<[string, object, object]>([
    ['sampler, steps and guidance', {}, { sampling: { sampler: 'ddpm', steps: 7, guidance: 3 } }],
    ['the seed, the data and the training', {}, { seed: 3, data: { path: 'x' }, training: { steps: 3 } }],
    ['how timesteps are drawn in training', {}, { diffusion: { timestepSampler: 'loss-second-moment' } }],
    ['the place and the name of the autoencoder', latent(), latent({ path: 'there', name: 'mine' })],
  ])('does not tell apart by %s', (_, one, other) => {
    expect(of(one)).toBe(of(other));
  });
});
