import { ConfigError } from '@learngene/pipeline';
import { describe, expect, test } from 'vitest';
import { parseVaeTrainingConfig, type VaeTrainingConfigInput, vaeOfConfig } from './config';

const parse = (value: unknown) => parseVaeTrainingConfig(value, 'vae.json');

describe('parseVaeTrainingConfig', () => {
  test('fills in the defaults', () => {
    const { loss, training, model, data } = parse({ training: { steps: 5 }, loss: { l1: 1 } });
    expect(loss).toEqual({ l1: 1, mse: 10, gradient: 0.5, latent: 0.001, kl: 0, latentNoise: 0.1 });
    expect([training.steps, training.decay, model.preset, data.holdOut]).toEqual([5, 'cosine', 'shuffle', 0.1]);
  });

  test.each([
    [{ model: { preset: 'sd1' } }, 0],
    [{ model: { preset: 'flux' }, loss: { l1: 1 } }, 0],
    [{ model: { preset: 'sd1' }, loss: { latentNoise: 0 } }, 0],
    [{ model: { preset: 'taesd' } }, 0.1],
    [{ model: { latentChannels: 8 } }, 0.1],
    [{ loss: { latentNoise: 0.3 } }, 0.3],
  ])('the noise on the latents of %j goes by the kind of autoencoder', (value, noise) => {
    expect(parse(value).loss.latentNoise).toBe(noise);
  });

  test.each<[unknown, string]>([
    [{ sed: 1 }, 'vae.json: unknown key sed; did you mean seed?'],
    [{ training: { stepz: 1 } }, 'vae.json: unknown key training.stepz; did you mean training.steps?'],
    [{ loss: { perceptual: 1 } }, 'unknown key loss.perceptual; expected one of loss.l1, loss.mse'],
    [{ data: { novel: ['a'] } }, 'unknown key data.novel'],
    [{ model: { latentChanels: 8 } }, 'unknown key model.latentChanels; did you mean model.latentChannels?'],
    [{ model: { preset: 'sd1', width: [32] } }, 'unknown key model.width; did you mean model.widths?'],
    [{ model: { presett: 'sd1' } }, 'unknown key model.presett; did you mean model.preset?'],
    [{ model: { banana: 1 } }, 'unknown key model.banana; expected one of model.preset, model.imageChannels'],
    [{ model: { preset: 'shufle' } }, 'got "shufle"; did you mean shuffle?'],
    [{ augmentation: { flop: true } }, 'unknown key augmentation.flop; did you mean augmentation.flip?'],
    [{ diffusion: {} }, 'unknown key diffusion'],
    [{ training: { steps: 0 } }, 'training.steps:'],
    [{ training: { emaDecay: 1 } }, 'training.emaDecay:'],
    [{ data: { holdOut: 1 } }, 'data.holdOut:'],
    [{ model: { preset: 'huge' } }, 'model.preset:'],
    [{ loss: { l1: 0, mse: 0, gradient: 0 } }, 'loss: expected a weight above 0 for l1, mse or gradient'],
    [{ loss: { kl: 1 } }, 'loss.kl: expected 0 for a tiny autoencoder'],
    [{ model: { preset: 'sd1' }, loss: { latentNoise: 0.1 } }, 'loss.latentNoise: expected 0 for an AutoencoderKL'],
  ])('refuses %j by name', (value, message) => {
    expect(() => parse(value)).toThrow(ConfigError);
    expect(() => parse(value)).toThrow(message);
  });
});

describe('vaeOfConfig', () => {
  const vae = (input: VaeTrainingConfigInput, channels = 3) => vaeOfConfig(parse(input), channels);

  test('takes a preset and fields over it, and the channels of the images', () => {
    const model = vae({ model: { preset: 'shuffle', latentChannels: 8 } }, 1);
    expect(model).toMatchObject({ type: 'tiny', resampling: 'shuffle', latentChannels: 8, imageChannels: 1 });
    const kl = vae({ model: { preset: 'sd1', widths: [32] }, loss: { latentNoise: 0 } });
    expect(kl).toMatchObject({ type: 'kl', widths: [32], scalingFactor: 1 });
  });

  test.each<[VaeTrainingConfigInput['model'], string]>([
    [{ width: 3 }, 'model.'],
    [{ encoderWidths: [1, 0] }, 'model.encoderWidths'],
    [{ scalingFactor: 2 }, 'model.scalingFactor: expected none'],
    [{ type: 'kl' }, 'model.type: expected none'],
    [{ imageChannels: 1 }, 'model.imageChannels: the images have 3, got 1'],
  ])('refuses %j by name', (model, message) => {
    expect(() => vae({ model })).toThrow(ConfigError);
    expect(() => vae({ model })).toThrow(message);
  });
});
